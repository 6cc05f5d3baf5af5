/// Reads the segments of one log at start-up: the trailer of each sealed one, all of those that are not.

internal import Host

/// Puts the segments of a log in order.
struct SegmentRecovery<D: Disk> {
    let disk: D
    let options: LogOptions

    /// Fills in the log's segments and high watermark, and reports gaps.
    /// - Parameters:
    ///   - bases: the base offsets that the files are named after, sorted.
    ///   - journalHolds: the journal holds everything from here on, without damage; nil when it does not hold anything or not everything.
    func read(_ bases: [Int64], of log: inout ShardLog, journalHolds: Int64?, report: inout RecoveryReport) throws(DiskError) {
        for (index, base) in bases.enumerated() {
            let next = index + 1 < bases.count ? bases[index + 1] : nil
            if let next, next <= log.startOffset {
                try disk.remove(Paths.segment(log.id, base))
                continue
            }
            guard let (segment, gaps) = try open(base, of: log, isLast: next == nil, journalHolds: journalHolds, report: &report)
            else {
                continue
            }
            if segment.isSealed, segment.endOffset <= log.startOffset {
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

    private func open(
        _ base: Int64, of log: ShardLog, isLast: Bool, journalHolds: Int64?, report: inout RecoveryReport
    ) throws(DiskError) -> (Segment, [Range<Int64>])? {
        let path = Paths.segment(log.id, base)
        let file = try disk.open(path, .existing)
        defer { file.close() }
        let size = try file.size()
        let headerBytes = try file.bytes(at: 0, count: SegmentHeader.size)
        guard let header = headerBytes.withUnsafeBytes({ SegmentHeader($0) }), header.log == log.id, header.baseOffset == base,
            log.segments.last.map({ $0.endOffset <= base }) ?? true
        else {
            try Quarantine(disk: disk).move(path)
            report.quarantined.append(path)
            return nil
        }
        // A trailer proves nothing of a segment that may not have been synced: its page can have come to the disk before the others.
        // That is so for the last one, as long as the journal holds a part of it.
        if let segment = try sealed(file, size: size, header: header), !isLast || segment.endOffset <= journalHolds ?? .max {
            return (segment, [])
        }
        if !isLast { report.notes.append("\(path) has no trailer that is right; it was read through") }
        let bytes = try file.wholeContent()
        let scan = bytes.withUnsafeBytes { bytes in
            SegmentScan(
                bytes, header: header, start: log.startOffset, end: isLast ? journalHolds ?? .max : .max,
                indexInterval: options.indexIntervalBytes)
        }
        return (Segment(log: log.id, baseOffset: base, state: scan.state, isSealed: false, fileBytes: size), scan.gaps)
    }

    private func sealed(_ file: D.File, size: UInt64, header: SegmentHeader) throws(DiskError) -> Segment? {
        guard size >= UInt64(SegmentHeader.size + SegmentTrailer.size) else { return nil }
        let bytes = try file.bytes(at: size - UInt64(SegmentTrailer.size), count: SegmentTrailer.size)
        guard let trailer = bytes.withUnsafeBytes({ SegmentTrailer($0) }), trailer.endOffset > header.baseOffset,
            trailer.framesEnd >= UInt64(SegmentHeader.size),
            trailer.framesEnd + UInt64(trailer.indexCount * SegmentIndexEntry.size + SegmentTrailer.size) == size
        else { return nil }
        var state = SegmentState(baseOffset: header.baseOffset, headerChecksum: header.checksum)
        state.framesEnd = trailer.framesEnd
        state.endOffset = trailer.endOffset
        state.firstArrival = trailer.firstArrival
        state.lastArrival = trailer.lastArrival
        state.lastChecksum = trailer.lastChecksum
        return Segment(log: header.log, baseOffset: header.baseOffset, state: state, isSealed: true, fileBytes: size)
    }
}
