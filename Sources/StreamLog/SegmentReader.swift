/// Reads batches from segment files, on I/O threads, checking each on the way.

internal import Codecs
internal import Host
internal import RecordBatch

/// Opens segments, keeps a bounded number of them open, and reads frames.
final class SegmentReader<D: Disk>: Sendable {
    /// What reading a segment came to.
    enum Outcome: Sendable {
        case batches([LogBatch])
        case damaged(from: Int64, through: Int64, isCorrupt: Bool)
        /// The file is gone; it may have been dropped meanwhile.
        case notFound
        case failed(DiskError)
    }

    /// A segment open for reading. The file is closed when the last reader lets go.
    private final class OpenSegment: Sendable {
        let file: D.File
        let framesEnd: UInt64
        let index: [SegmentIndexEntry]
        init(file: D.File, framesEnd: UInt64, index: [SegmentIndexEntry]) {
            self.file = file
            self.framesEnd = framesEnd
            self.index = index
        }

        /// Where to begin to look for an offset: the index entries' offsets rise.
        func start(of offset: Int64) -> UInt64 {
            var (lower, upper) = (0, index.count)
            while lower < upper {
                let middle = (lower + upper) / 2
                if index[middle].offset <= offset { lower = middle + 1 } else { upper = middle }
            }
            return lower == 0 ? UInt64(SegmentHeader.size) : index[lower - 1].position
        }

        deinit { file.close() }
    }

    private struct Cache {
        var open: [String: OpenSegment] = [:]
        var order: [String] = []

        /// - Returns: whether there was something.
        mutating func removeAll() -> Bool {
            defer { (open, order) = ([:], []) }
            return !open.isEmpty
        }
    }

    private let disk: D
    private let maxOpen: Int
    private let judge: any LogJudge
    private let cache = Monitor(Cache())

    init(disk: D, maxOpen: Int, judge: any LogJudge = StrictJudge()) {
        self.judge = judge
        self.disk = disk
        self.maxOpen = max(1, maxOpen)
    }

    /// Closes a segment that was dropped.
    func forget(_ path: String) {
        cache.withLock { cache in
            if cache.open.removeValue(forKey: path) != nil { cache.order.removeAll { $0 == path } }
        }
    }

    private func open(_ segment: Segment) throws(DiskError) -> OpenSegment {
        // A segment that has grown has another index, and its file may have been cut and written again.
        if let open = cache.withLock({ $0.open[segment.path] }), open.framesEnd == segment.state.framesEnd { return open }
        let file: D.File
        do throws(DiskError) {
            file = try disk.open(segment.path, .existing)
        } catch {
            // The reader's own files give way first.
            guard error.kind == .exhausted, cache.withLock({ $0.removeAll() }) else { throw error }
            file = try disk.open(segment.path, .existing)
        }
        let open = OpenSegment(file: file, framesEnd: segment.state.framesEnd, index: try index(of: segment, in: file))
        cache.withLock { cache in
            if cache.open.updateValue(open, forKey: segment.path) == nil { cache.order.append(segment.path) }
            while cache.order.count > maxOpen { cache.open.removeValue(forKey: cache.order.removeFirst()) }
        }
        return open
    }

    /// The index in a segment's file; empty when it cannot be read.
    func index(of segment: Segment) -> [SegmentIndexEntry] {
        do throws(DiskError) {
            return try open(segment).index
        } catch {
            return []
        }
    }

    private func index(of segment: Segment, in file: D.File) throws(DiskError) -> [SegmentIndexEntry] {
        if !segment.state.index.isEmpty { return segment.state.index }
        guard segment.fileBytes >= UInt64(SegmentTrailer.size) else { return [] }
        let trailerPlace = segment.fileBytes - UInt64(SegmentTrailer.size)
        let trailer = try file.bytes(at: trailerPlace, count: SegmentTrailer.size)
        guard let trailer = trailer.withUnsafeBytes({ SegmentTrailer($0) }), trailer.framesEnd == segment.state.framesEnd else {
            return []
        }
        let count = trailer.indexCount * SegmentIndexEntry.size
        guard trailer.framesEnd <= trailerPlace, UInt64(count) == trailerPlace - trailer.framesEnd else { return [] }
        // Without an index the segment is walked from its first frame: slower, not wrong.
        return try file.bytes(at: trailer.framesEnd, count: count).withUnsafeBytes { trailer.index($0) } ?? []
    }

    /// Batches from the one that holds `offset` on. `offset` lies in the segment's range.
    func read(_ segment: Segment, from offset: Int64, maxBytes: Int) -> Outcome {
        do throws(DiskError) {
            let open = try open(segment)
            let start = open.start(of: offset)
            var walk = FrameWalk(
                file: open.file, position: start, end: segment.state.framesEnd, window: min(max(maxBytes, 16 << 10), 1 << 20))
            return try collect(&walk, segment, from: offset, maxBytes: maxBytes)
        } catch {
            return error.kind == .notFound ? .notFound : .failed(error)
        }
    }

    private func collect(
        _ walk: inout FrameWalk<D.File>, _ segment: Segment, from offset: Int64, maxBytes: Int
    ) throws(DiskError) -> Outcome {
        var batches: [LogBatch] = []
        var bytes = 0
        var expected = segment.baseOffset
        var sawFrame = false
        while true {
            guard let header = try walk.next(least: sawFrame ? expected : segment.baseOffset) else {
                if !batches.isEmpty || expected >= segment.endOffset && expected > offset { return .batches(batches) }
                return .damaged(from: sawFrame ? expected : offset, through: segment.endOffset - 1, isCorrupt: true)
            }
            if header.endOffset <= offset {
                expected = header.endOffset
                sawFrame = true
                continue
            }
            let gapStart = sawFrame ? expected : offset
            if header.baseOffset > gapStart, batches.isEmpty, header.baseOffset > offset {
                return .damaged(from: gapStart, through: header.baseOffset - 1, isCorrupt: walk.skippedBytes)
            }
            if header.baseOffset > gapStart, !batches.isEmpty { return .batches(batches) }
            if !batches.isEmpty, bytes + header.length - SegmentFrameHeader.size > maxBytes { return .batches(batches) }
            guard header.kind == .batch, let batch = try walk.batch(header, judge) else {
                if !batches.isEmpty { return .batches(batches) }
                return .damaged(from: header.baseOffset, through: header.endOffset - 1, isCorrupt: header.kind == .batch)
            }
            batches.append(LogBatch(baseOffset: header.baseOffset, arrivalMilliseconds: header.arrival, batch: batch))
            bytes += batch.bytes.count
            expected = header.endOffset
            sawFrame = true
            if bytes >= maxBytes { return .batches(batches) }
        }
    }

    /// The first offset in the segment that arrived at or after a time; nil when there is none.
    func firstOffset(_ segment: Segment, arrivedAtOrAfter time: Int64) -> Result<Int64?, DiskError> {
        do throws(DiskError) {
            let open = try open(segment)
            let start = open.index.last { $0.arrival < time }?.position ?? UInt64(SegmentHeader.size)
            var walk = FrameWalk(file: open.file, position: start, end: segment.state.framesEnd, window: 64 << 10)
            while let header = try walk.next(least: segment.baseOffset) {
                if header.arrival >= time { return .success(header.baseOffset) }
            }
            return .success(nil)
        } catch {
            return .failure(error)
        }
    }
}

/// Goes from frame to frame through a window of a segment file, and finds the next good header after a bad one.
struct FrameWalk<File: DiskFile> {
    private let file: File
    private let end: UInt64
    private let windowBytes: Int
    /// Batches are slices of it; it is never written to again.
    private var window = BatchBytes(copying: UnsafeRawBufferPointer(start: nil, count: 0))
    private var windowStart: UInt64
    /// Where the next frame is expected.
    private var position: UInt64
    private var framePosition: UInt64
    /// Bytes were passed over to find the last frame.
    private(set) var skippedBytes = false

    init(file: File, position: UInt64, end: UInt64, window: Int) {
        self.file = file
        self.end = end
        windowBytes = window
        windowStart = position
        self.position = position
        framePosition = position
    }

    /// Makes the window hold `count` bytes at `place`, fewer at the end of the frames.
    private mutating func load(_ place: UInt64, _ count: Int) throws(DiskError) -> Int {
        let wanted = Int(clamping: min(UInt64(count), end > place ? end - place : 0))
        let inside = place >= windowStart && place - windowStart + UInt64(wanted) <= UInt64(window.count)
        if !inside {
            let size = Int(clamping: min(UInt64(max(wanted, windowBytes)), end - min(end, place)))
            let memory = SharedMemory(byteCount: size)
            let count = try file.read(into: memory.bytes, at: place)
            window = BatchBytes(memory, 0..<count)
            windowStart = place
        }
        return min(wanted, max(0, window.count - Int(place - windowStart)))
    }

    /// The header of the next frame whose offsets begin at or after `least`; nil at the end.
    mutating func next(least: Int64) throws(DiskError) -> SegmentFrameHeader? {
        var place = position
        skippedBytes = false
        while try load(place, SegmentFrameHeader.size) == SegmentFrameHeader.size {
            let header = window.withUnsafeBytes { SegmentFrameHeader($0, at: Int(place - windowStart)) }
            if let header, header.baseOffset >= least, UInt64(header.length) <= end - place {
                framePosition = place
                position = place + UInt64(header.length)
                return header
            }
            skippedBytes = true
            place += 1
        }
        return nil
    }

    /// The batch of the frame that `next` gave last; nil when it is damaged.
    mutating func batch(_ header: SegmentFrameHeader, _ judge: any LogJudge) throws(DiskError) -> RecordBatch? {
        let count = header.length - SegmentFrameHeader.size
        let start = framePosition + UInt64(SegmentFrameHeader.size)
        guard try load(start, count) == count else { return nil }
        let place = Int(start - windowStart)
        let bytes = window.slice(place..<place + count)
        guard bytes.withUnsafeBytes({ judge.isIntact($0, header) }), let batch = try? RecordBatch(intact: bytes),
            Int64(batch.recordCount) == header.recordCount
        else { return nil }
        return batch
    }
}
