/// Faults that the simulator plants around the log to show that it would find them: a disk that makes mistakes, a judge that errs.

internal import Host
internal import HostSimulation
internal import StreamLog

/// A mistake in the log's code, as it would look from its disk or in its decisions.
public enum PlantedFault: String, CaseIterable, Sendable {
    /// The journal's file is not synced before the group is acknowledged.
    case journalSyncLeftOut
    /// A group is acknowledged after it was written and before it is synced.
    case acknowledgedBeforeSync
    /// A sync of the journal that fails is taken for one that succeeded.
    case syncFailureIgnored
    /// A sync of the journal that fails is asked for again, and trusted.
    case syncRetried
    /// The directory of the journal is not synced after a file was begun.
    case journalDirectorySyncLeftOut
    /// What a write that failed has left is not cleared away.
    case remainsLeft
    /// Segments are published, and the journal's files dropped, before the segments are synced.
    case segmentSyncLeftOut
    /// The directory of a log is not synced after a segment was made.
    case segmentDirectorySyncLeftOut
    /// Journal files are dropped, or recycled, though segments do not hold all that is in them.
    case journalDroppedEarly
    /// The start offset is written into the same slot each time.
    case startSlotNotAlternated
    /// The start offset is not synced.
    case startSyncLeftOut
    /// Recovery does not check the batches of a journal frame.
    case frameChecksumIgnored
    /// Recovery cuts the journal's tail one frame short.
    case tailCutShort
    /// Recovery takes frames of a recycled file's earlier life.
    case staleFramesAccepted
    /// Recovery does not write the last frame once more.
    case lastFrameNotSecured
    /// Recovery does not look for the latest arrival.
    case arrivalsForgotten
    /// Recovery takes no notice of the position entries.
    case positionsIgnored
    /// Recovery believes the trailer of a segment whose flush may not have been synced.
    case trailerTrusted
    /// Salvage keeps what is left of an append that has lost a batch.
    case appendSplitAtSalvage
    /// A batch that is read from a segment is not checked.
    case readChecksumIgnored
    /// The end of a log is looked at when an append is handed in, and not in the order of the group: what comes after the end is appended.
    case endOutOfOrder
}

// MARK: - At the disk

extension PlantedFault {
    /// How the disk carries out a call; nil: as it is.
    func mistake(_ call: DiskCall) -> DiskMistake? {
        let isJournal = call.path.hasSuffix(".journal")
        let isStart = call.path.hasSuffix("/start")
        switch (self, call.operation) {
        case (.journalSyncLeftOut, .sync): return isJournal && call.access == .direct ? .leaveOut : nil
        case (.acknowledgedBeforeSync, .sync): return isJournal && call.access == .direct ? .postpone : nil
        case (.syncFailureIgnored, .sync): return isJournal ? .ignoreFailure : nil
        case (.syncRetried, .sync): return isJournal ? .retry : nil
        case (.journalDirectorySyncLeftOut, .syncDirectory): return call.path == "journal" ? .leaveOut : nil
        case (.remainsLeft, .truncate): return isJournal ? .leaveOut : nil
        // A block of zeros in a journal file is what clears a place.
        case (.remainsLeft, .write):
            let isBlank = call.bytes.map { $0.count == FileAccess.alignment && $0.allSatisfy { $0 == 0 } } ?? false
            return isJournal && isBlank ? .leaveOut : nil
        case (.segmentSyncLeftOut, .sync): return call.path.hasSuffix(".segment") ? .leaveOut : nil
        case (.segmentDirectorySyncLeftOut, .syncDirectory):
            return call.path.hasPrefix("logs/") && call.path.split(separator: "/").count == 3 ? .leaveOut : nil
        case (.startSlotNotAlternated, .write): return isStart && call.offset > 0 ? .move(0) : nil
        case (.startSyncLeftOut, .sync): return isStart ? .leaveOut : nil
        // The log opens the journal past the cache; only the last frame is written once more through it.
        case (.lastFrameNotSecured, .write), (.lastFrameNotSecured, .sync):
            return isJournal && call.access == .cached ? .leaveOut : nil
        default: return nil
        }
    }

    // MARK: - In decisions

    /// The judge that errs; nil when the mistake is the disk's.
    var judge: (any LogJudge)? {
        switch self {
        case .journalDroppedEarly: DropsEarly()
        case .frameChecksumIgnored: IgnoresFrameChecksums()
        case .tailCutShort: CutsTailShort()
        case .staleFramesAccepted: AcceptsStaleFrames()
        case .arrivalsForgotten: ForgetsArrivals()
        case .positionsIgnored: IgnoresPositions()
        case .trailerTrusted: TrustsTrailers()
        case .appendSplitAtSalvage: SplitsAppends()
        case .readChecksumIgnored: IgnoresReadChecksums()
        case .endOutOfOrder: OverlooksEnds()
        default: nil
        }
    }
}

private struct DropsEarly: LogJudge {
    func mayGo(unflushed: Int) -> Bool { true }
}
private struct IgnoresFrameChecksums: LogJudge {
    func isIntact(_ bytes: UnsafeRawBufferPointer, _ entry: JournalEntry) -> Bool { true }
}
private struct IgnoresReadChecksums: LogJudge {
    func isIntact(_ bytes: UnsafeRawBufferPointer, _ frame: SegmentFrameHeader) -> Bool { true }
}
private struct CutsTailShort: LogJudge {
    func replayed(_ frames: [JournalScan.Frame]) -> [JournalScan.Frame] { Array(frames.dropLast()) }
}
private struct AcceptsStaleFrames: LogJudge {
    func follows(_ header: JournalHeader, lastSequence: UInt64, checksum: UInt32?) -> Bool { true }
    func usedBytes(ofFile size: UInt64, framesEnd: UInt64, holdsLater: Bool) -> UInt64 { size }
}
private struct ForgetsArrivals: LogJudge {
    func latestArrival(_ found: Int64) -> Int64 { .min }
}
private struct IgnoresPositions: LogJudge {
    func leastEnd(_ position: Int64) -> Int64 { 0 }
}
private struct TrustsTrailers: LogJudge {
    func believedEnd(_ journal: Range<Int64>) -> Int64 { .max }
}
private struct SplitsAppends: LogJudge {
    func unservable(_ damaged: Set<UInt32>) -> Set<UInt32> { [] }
}
private struct OverlooksEnds: LogJudge {
    func countsInGroup(endOf log: LogID) -> Bool { false }
}
