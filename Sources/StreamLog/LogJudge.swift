/// What the log believes of what it finds on the disk: small decisions, in one place, that a subtype may make otherwise.

internal import Codecs
internal import RecordBatch

/// Decides what of the disk's content counts. The log has `StrictJudge`; the simulator has judges that err, to show that it would notice.
package protocol LogJudge: Sendable {
    /// Whether bytes of the journal are the batch or the note that a directory tells of.
    func isIntact(_ bytes: UnsafeRawBufferPointer, _ entry: JournalEntry) -> Bool
    /// Whether bytes of a segment are the batch that their frame tells of.
    func isIntact(_ bytes: UnsafeRawBufferPointer, _ frame: SegmentFrameHeader) -> Bool
    /// Whether a frame is the next one.
    /// - Parameter checksum: of the last one; nil when it is not known.
    func follows(_ header: JournalHeader, lastSequence: UInt64, checksum: UInt32?) -> Bool
    /// How much of a journal file is looked at.
    /// - Parameters:
    ///   - framesEnd: where its frames end.
    ///   - holdsLater: whether there is one behind that can be of this life of the file.
    func usedBytes(ofFile size: UInt64, framesEnd: UInt64, holdsLater: Bool) -> UInt64
    /// The frames that are replayed, of those that the scan has kept.
    func replayed(_ frames: [JournalScan.Frame]) -> [JournalScan.Frame]
    /// The appends of a damaged frame of which nothing is served, by those of which something is damaged.
    func unservable(_ damaged: Set<UInt32>) -> Set<UInt32>
    /// The latest arrival that the clock begins after.
    func latestArrival(_ found: Int64) -> Int64
    /// The end that a log must have had, by a position entry.
    func leastEnd(_ position: Int64) -> Int64
    /// Up to where a log's last segment is believed, whatever its trailer says.
    /// - Parameter journal: the offsets that the journal holds as well.
    func believedEnd(_ journal: Range<Int64>) -> Int64
    /// Whether a journal file may go.
    /// - Parameter unflushed: how many batches and holes in it no segment holds.
    func mayGo(unflushed: Int) -> Bool
    /// Whether the end of a log counts for what comes after it in the same group.
    func countsInGroup(endOf log: LogID) -> Bool
}

/// The decisions as FileFormat tells them.
extension LogJudge {
    package func isIntact(_ bytes: UnsafeRawBufferPointer, _ entry: JournalEntry) -> Bool {
        entry.kind == .batch
            ? RecordBatch.isIntact(bytes, baseOffset: entry.offset, crc: entry.checksum)
            : CRC32C.checksum(bytes) == entry.checksum
    }

    package func isIntact(_ bytes: UnsafeRawBufferPointer, _ frame: SegmentFrameHeader) -> Bool {
        RecordBatch.isIntact(bytes, baseOffset: frame.baseOffset, crc: frame.batchChecksum)
    }

    package func follows(_ header: JournalHeader, lastSequence: UInt64, checksum: UInt32?) -> Bool {
        header.sequence == lastSequence &+ 1 && checksum.map { $0 == header.previousChecksum } ?? true
    }

    package func usedBytes(ofFile size: UInt64, framesEnd: UInt64, holdsLater: Bool) -> UInt64 { holdsLater ? size : framesEnd }

    package func replayed(_ frames: [JournalScan.Frame]) -> [JournalScan.Frame] { frames }

    /// An append is all or nothing: if one of its batches is damaged, none is served.
    package func unservable(_ damaged: Set<UInt32>) -> Set<UInt32> { damaged }

    package func latestArrival(_ found: Int64) -> Int64 { found }

    package func leastEnd(_ position: Int64) -> Int64 { position }

    /// A trailer may have come to the disk before the frames that it tells of; what the journal holds need not be believed.
    package func believedEnd(_ journal: Range<Int64>) -> Int64 { journal.lowerBound }

    package func mayGo(unflushed: Int) -> Bool { unflushed == 0 }

    /// Ends and appends take effect in the order of the calls.
    package func countsInGroup(endOf log: LogID) -> Bool { true }
}

/// Makes every decision as FileFormat tells it.
package struct StrictJudge: LogJudge {
    package init() {}
}
