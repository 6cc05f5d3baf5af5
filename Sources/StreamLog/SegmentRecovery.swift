/// Reads the segments of one log at start-up: the trailer of each, and of the last one as much as may not have been synced.

internal import Host

/// What the journal still has of a log.
enum JournalHold {
    /// Nothing but where the log ends, if it ever had a record: all that segments hold was synced before the journal's files went.
    case nothing(end: Int64?)
    /// These offsets, so segments need to be right only up to there, and up to there they were synced. A segment that goes on behind them shows that
    /// the journal has lost its end: frames come into segments only after they were synced.
    case range(Range<Int64>)
    /// It was damaged: what the segments hold must be looked at.
    case unknown

    /// Whether nothing that was acknowledged can be in a segment alone that begins before the start offset and has no frame that is right: it was
    /// begun, never written to the end (on a full disk), and trimmed past since then.
    func holdsAll(from start: Int64) -> Bool {
        switch self {
        case .nothing(let end): end.map { $0 <= start } ?? false
        case .range(let range): range.lowerBound <= start
        case .unknown: false
        }
    }
}

/// Puts the segments of a log in order.
struct SegmentRecovery<D: Disk> {
    let disk: D
    let options: LogOptions

    /// Fills in the log's segments and high watermark, and reports gaps.
    /// - Parameters:
    ///   - all: the base offsets that the files are named after, sorted.
    func read(
        _ all: [Int64], of log: inout ShardLog, journal: JournalHold, report: inout RecoveryReport
    ) throws(DiskError) {
        // First of all those that are none: where one segment ends is told by where the next begins.
        var bases: [Int64] = []
        for base in all where try isSegment(base, of: log, journal: journal, report: &report) { bases.append(base) }
        for (index, base) in bases.enumerated() {
            let next = index + 1 < bases.count ? bases[index + 1] : nil
            if let next, next <= log.startOffset {
                try drop(base, of: log.id, &report)
                continue
            }
            guard let (segment, gaps) = try open(base, of: log, next: next, journal: journal, report: &report)
            else {
                continue
            }
            if segment.endOffset <= log.startOffset, next != nil || segment.isSealed {
                try disk.remove(segment.path)
                continue
            }
            let held = max(log.startOffset, log.segments.last?.endOffset ?? log.startOffset)
            if held < base { report.damages.append(.init(log: log.id, from: held, through: base - 1)) }
            for gap in gaps { report.damages.append(.init(log: log.id, from: gap.lowerBound, through: gap.upperBound - 1)) }
            log.segments.append(segment)
        }
        log.highWatermark = max(log.startOffset, log.segments.last?.endOffset ?? 0)
    }

    /// Whether a file is a segment of the log. One that was only begun is removed, and what cannot be explained goes to quarantine.
    private func isSegment(
        _ base: Int64, of log: ShardLog, journal: JournalHold, report: inout RecoveryReport
    ) throws(DiskError) -> Bool {
        let path = Paths.segment(log.id, base)
        let file = try disk.open(path, .existing)
        defer { file.close() }
        let bytes = try file.bytes(at: 0, count: SegmentHeader.size)
        if let header = bytes.withUnsafeBytes({ SegmentHeader($0) }), header.log == log.id, header.baseOffset == base {
            return true
        }
        // Of a new file whose flush was not synced nothing may be there; the journal has what was to be in it.
        let isBlank = bytes.count < SegmentHeader.size || bytes.allSatisfy { $0 == 0 }
        if bytes.isEmpty || isBlank && base < log.startOffset {
            // A crash, or a full disk, between the making of a file and the end of the first write leaves that.
            try removeDurably(path, of: log.id)
        } else if isBlank, case .range(let range) = journal, range.contains(base) {
            try removeDurably(path, of: log.id)
        } else {
            try Quarantine(disk: disk).move(path)
            report.quarantined.append(path)
        }
        return false
    }

    /// Removes a file on the word of the journal. It must not come back: at a later start the journal no longer tells what it was.
    private func removeDurably(_ path: String, of id: LogID) throws(DiskError) {
        try disk.remove(path)
        try disk.syncDirectory(Paths.directory(id))
    }

    /// Removes a segment that was trimmed, if it is the log's own.
    private func drop(_ base: Int64, of id: LogID, _ report: inout RecoveryReport) throws(DiskError) {
        let path = Paths.segment(id, base)
        let file = try disk.open(path, .existing)
        defer { file.close() }
        let header = try file.bytes(at: 0, count: SegmentHeader.size).withUnsafeBytes { SegmentHeader($0) }
        if let header, header.log != id || header.baseOffset != base {
            try Quarantine(disk: disk).move(path)
            report.quarantined.append(path)
        } else {
            try disk.remove(path)
        }
    }

    private func open(
        _ base: Int64, of log: ShardLog, next: Int64?, journal: JournalHold, report: inout RecoveryReport
    ) throws(DiskError) -> (Segment, [Range<Int64>])? {
        let path = Paths.segment(log.id, base)
        let file = try disk.open(path, .existing)
        defer { file.close() }
        let size = try file.size()
        let headerBytes = try file.bytes(at: 0, count: SegmentHeader.size)
        guard let header = headerBytes.withUnsafeBytes({ SegmentHeader($0) }),
            log.segments.last.map({ $0.endOffset <= base }) ?? true
        else {
            try Quarantine(disk: disk).move(path)
            report.quarantined.append(path)
            return nil
        }
        // A trailer proves nothing of a flush that may not have been synced: its page can have come to the disk before the others.
        // Only the last segment can be of such a flush, and only what the journal still holds. And where a start has left out a segment's
        // end for that reason, the records may be in the next segment instead of in its place: a segment ends where the next one begins.
        let isLast = next == nil
        var end = next ?? .max
        if case .range(let range) = journal, isLast { end = options.judge.believedEnd(range) }
        if let (segment, trailer) = try closed(file, size: size, header: header) {
            let isDoubtful =
                switch journal {
                case .unknown: isLast
                case .range(let range) where isLast && segment.endOffset > range.upperBound:
                    true
                case .range, .nothing: false
                }
            if isDoubtful { end = next ?? .max }
            if !isDoubtful, segment.endOffset <= end { return (segment, []) }
            if !isDoubtful, let cut = try cut(segment, at: end, trailer, file) { return (cut, []) }
        } else {
            report.notes.append("\(path) has no trailer that is right; it was read through")
        }
        let bytes = try file.wholeContent()
        let scan = bytes.withUnsafeBytes { bytes in
            SegmentScan(bytes, header: header, start: log.startOffset, end: end, indexInterval: options.indexIntervalBytes)
        }
        // What stands behind the last good frame, and is not in the journal, may be records that are damaged: it is not written over.
        let isExplained =
            if case .range(let range) = journal { scan.state.endOffset >= range.lowerBound || base >= range.lowerBound } else {
                scan.tailBytes == 0
            }
        if isLast, scan.state.endOffset == base, base < log.startOffset, journal.holdsAll(from: log.startOffset) {
            // What it could hold and the journal does not is expired.
            try removeDurably(path, of: log.id)
            return nil
        }
        if !isExplained, isLast, scan.state.endOffset == base {
            try Quarantine(disk: disk).move(path)
            report.quarantined.append(path)
            return nil
        }
        let segment = Segment(
            log: log.id, baseOffset: base, state: scan.state, isSealed: !isExplained, fileBytes: size, isCut: isExplained && isLast)
        return (segment, scan.gaps)
    }

    /// The segment without the frames from an offset on, which the journal holds too; nil when they cannot be found without reading it through.
    private func cut(_ segment: Segment, at offset: Int64, _ trailer: SegmentTrailer, _ file: D.File) throws(DiskError) -> Segment?
    {
        let indexBytes = try file.bytes(at: trailer.framesEnd, count: trailer.indexCount * SegmentIndexEntry.size)
        guard let index = indexBytes.withUnsafeBytes({ trailer.index($0) }) else { return nil }
        // From an entry before the cut on, so that the frame before it, whose checksum the next one continues, is met.
        let kept = index.prefix { $0.offset < offset }
        guard let entry = kept.last else { return nil }
        var state = segment.state
        state.index = Array(kept)
        state.framesEnd = entry.position
        state.endOffset = entry.offset
        var walk = FrameWalk(file: file, position: entry.position, end: trailer.framesEnd, window: 64 << 10)
        while state.endOffset < offset {
            guard let header = try walk.next(least: state.endOffset), !walk.skippedBytes, header.baseOffset == state.endOffset
            else {
                return nil
            }
            state.framesEnd += UInt64(header.length)
            state.endOffset = header.endOffset
            state.lastArrival = header.arrival
            state.lastChecksum = header.checksum
        }
        guard state.endOffset == offset else { return nil }
        return Segment(
            log: segment.log, baseOffset: segment.baseOffset, state: state, isSealed: false, fileBytes: segment.fileBytes,
            isCut: true)
    }

    /// The segment as its trailer tells.
    private func closed(
        _ file: D.File, size: UInt64, header: SegmentHeader
    ) throws(DiskError) -> (Segment, SegmentTrailer)? {
        guard size >= UInt64(SegmentHeader.size + SegmentTrailer.size) else { return nil }
        let bytes = try file.bytes(at: size - UInt64(SegmentTrailer.size), count: SegmentTrailer.size)
        guard let trailer = bytes.withUnsafeBytes({ SegmentTrailer($0) }), trailer.endOffset > header.baseOffset,
            trailer.framesEnd >= UInt64(SegmentHeader.size), trailer.framesEnd <= size,
            trailer.framesEnd + UInt64(trailer.indexCount * SegmentIndexEntry.size + SegmentTrailer.size) == size
        else { return nil }
        var state = SegmentState(baseOffset: header.baseOffset, headerChecksum: header.checksum)
        state.framesEnd = trailer.framesEnd
        state.endOffset = trailer.endOffset
        state.firstArrival = trailer.firstArrival
        state.lastArrival = trailer.lastArrival
        state.lastChecksum = trailer.lastChecksum
        let isSealed = state.framesEnd >= options.segmentBytes
        return (
            Segment(log: header.log, baseOffset: header.baseOffset, state: state, isSealed: isSealed, fileBytes: size), trailer
        )
    }
}
