/// Writes items of logs into segments: many logs at once, so that the disk has something to do while the next one is prepared.

internal import Host

/// Items of one log that go into one segment together.
struct FlushPart: Sendable {
    var log: LogID
    /// The log has no directory yet, so it was never trimmed.
    var isNewDirectory: Bool
    /// Where the log begins.
    var startOffset: Int64
    /// The segment to go on with, nil for a new one.
    var segment: Segment?
    var items: ArraySlice<LogItem>
}

/// One flush: every part is written before the first is synced.
struct SegmentWriter<D: Disk> {
    let disk: D
    let options: LogOptions

    /// A part that is written and not synced.
    private struct Written {
        var part: FlushPart
        var segment: Segment
        var file: D.File
    }

    /// What became of the parts.
    struct Outcome {
        /// Durable, in the order of the parts.
        var segments: [(part: FlushPart, segment: Segment)] = []
        /// Why the rest was not written.
        var failure: DiskError?
    }

    /// Writes and syncs parts of different logs.
    func write(_ parts: [FlushPart]) -> Outcome {
        var outcome = Outcome()
        var written: [Written] = []
        defer { for one in written { one.file.close() } }
        var buffer: [UInt8] = []
        buffer.reserveCapacity(SegmentWriter.chunkBytes + (128 << 10))
        for part in parts {
            do throws(DiskError) {
                written.append(try write(part, &buffer))
            } catch {
                outcome.failure = error
                // Anything but a lack of space or descriptors seals the log, and nothing more is trusted.
                if error.kind != .noSpace, error.kind != .exhausted { return outcome }
                break
            }
        }
        do throws(DiskError) {
            try StreamLog<D>.syncing { () throws(DiskError) in try sync(written) }
        } catch {
            outcome.failure = error
            return outcome
        }
        outcome.segments = written.map { ($0.part, $0.segment) }
        return outcome
    }

    private static var chunkBytes: Int { 1 << 20 }

    private func sync(_ written: [Written]) throws(DiskError) {
        for one in written { try one.file.sync() }
        // From the top down: an entry is only as durable as those above it.
        let new = written.filter(\.part.isNewDirectory)
        if !new.isEmpty { try disk.syncDirectory(Paths.logs) }
        for stream in Set(new.map(\.part.log.stream)).sorted() {
            try disk.syncDirectory(Paths.stream(LogID(stream: stream, shard: 0)))
        }
        for one in written where one.part.segment == nil { try disk.syncDirectory(Paths.directory(one.part.log)) }
    }

    private func write(_ part: FlushPart, _ buffer: inout [UInt8]) throws(DiskError) -> Written {
        if part.isNewDirectory { try LogDirectory(disk: disk, log: part.log).prepare(startOffset: part.startOffset) }
        var segment: Segment
        let file: D.File
        buffer.removeAll(keepingCapacity: true)
        if let last = part.segment {
            segment = last
            file = try disk.open(last.path, .existing)
        } else {
            let base = part.items[part.items.startIndex].baseOffset
            buffer = SegmentHeader.encode(log: part.log, baseOffset: base)
            let checksum = buffer.withUnsafeBytes { SegmentHeader($0)?.checksum } ?? 0
            segment = Segment(
                log: part.log, baseOffset: base, state: SegmentState(baseOffset: base, headerChecksum: checksum), isSealed: false,
                fileBytes: 0)
            file = try disk.open(segment.path, .createIfAbsent)
        }
        do throws(DiskError) {
            try write(part, to: &segment, file, &buffer)
        } catch {
            file.close()
            throw error
        }
        return Written(part: part, segment: segment, file: file)
    }

    private func write(
        _ part: FlushPart, to segment: inout Segment, _ file: D.File, _ buffer: inout [UInt8]
    ) throws(DiskError) {
        // Index and trailer of the flush before, and what a write that failed has left, are written over.
        var place = part.segment == nil ? 0 : segment.state.framesEnd
        for item in part.items {
            let start = buffer.count
            let checksum = SegmentFrameHeader.encode(item, previousChecksum: segment.state.lastChecksum, into: &buffer)
            segment.state.add(
                offset: item.baseOffset, endOffset: item.endOffset, arrival: item.arrival, length: buffer.count - start,
                checksum: checksum, indexInterval: options.indexIntervalBytes)
            if buffer.count >= SegmentWriter.chunkBytes {
                try file.write(buffer, at: place)
                place += UInt64(buffer.count)
                buffer.removeAll(keepingCapacity: true)
                file.startWriteback()
            }
        }
        buffer += SegmentTrailer.encode(segment.state)
        try file.write(buffer, at: place)
        segment.fileBytes = place + UInt64(buffer.count)
        if try file.size() > segment.fileBytes { try file.truncate(to: segment.fileBytes) }
        file.startWriteback()
        segment.isSealed = segment.state.framesEnd >= options.segmentBytes
        if segment.isSealed { segment.state.index = [] }
    }
}
