/// Reads one segment through and names all that is wrong with it.

internal import Codecs
internal import Host
internal import RecordBatch

/// What one segment file holds and what is wrong with it.
struct SegmentVerification {
    /// A range of offsets whose records cannot be served.
    struct Bad: Hashable {
        var offsets: Range<Int64>
        /// Frames that were told apart in it, at least 1.
        var batches: Int
        var what: String
    }

    let id: LogID
    /// The base offset that the file is named after.
    let base: Int64
    private let path: String

    /// Batches told apart, the bad ones included.
    private(set) var batches = 0
    private(set) var bad: [Bad] = []
    private(set) var findings: [VerificationFinding] = []
    /// One past the last offset that the file can answer for.
    private(set) var endOffset: Int64
    /// No frame of it is right.
    private(set) var isEmpty = true
    let bytes: UInt64

    private struct Trailer {
        var value: SegmentTrailer
        var index: [SegmentIndexEntry]?
    }
    private var trailer: Trailer?
    private var place = UInt64(SegmentHeader.size)
    private var previousChecksum: UInt32?
    private var arrivals: ClosedRange<Int64>?
    private var nextIndexEntry = 0

    /// Reads the segment through. Nothing of what it finds is judged yet by what the journal holds.
    init<D: Disk>(
        _ disk: D, _ id: LogID, base: Int64, windowBytes: Int, progress: @escaping (UInt64) -> Void
    ) throws(DiskError) {
        self.id = id
        self.base = base
        path = Paths.segment(id, base)
        endOffset = base
        let file = try disk.open(path, .existing)
        defer { file.close() }
        var window = try FileWindow(file, bytes: windowBytes, progress: progress)
        bytes = window.size
        switch try window.read(0, SegmentHeader.size, { SegmentHeader($0) }) {
        case let header? where header.log == id && header.baseOffset == base:
            previousChecksum = header.checksum
            try readFrames(file, &window)
        case let header?:
            add(
                "it is the segment of log \(header.log) from offset \(header.baseOffset) on, not what its name says; the next start sets it aside"
            )
        case nil:
            try readFrames(file, &window)
            add("its header is damaged: the next start sets it aside with all its records", isEmpty ? nil : base..<endOffset)
        }
    }

    private mutating func readFrames<File>(_ file: File, _ window: inout FileWindow<File>) throws(DiskError) {
        try readTrailer(file, window.size)
        let framesEnd = trailer?.value.framesEnd ?? window.size
        while place < framesEnd { try readFrame(&window, framesEnd: framesEnd) }
        if let trailer { check(trailer) }
    }

    private mutating func add(_ what: String, _ offsets: Range<Int64>? = nil) {
        findings.append(VerificationFinding(.damage, .structure, file: path, what, log: id, offsets: offsets))
    }

    // MARK: Trailer

    /// The trailer and the index, if they stand where they should.
    private mutating func readTrailer(_ file: some DiskFile, _ size: UInt64) throws(DiskError) {
        guard size >= UInt64(SegmentHeader.size + SegmentTrailer.size) else { return }
        let bytes = try file.bytes(at: size - UInt64(SegmentTrailer.size), count: SegmentTrailer.size)
        guard let value = bytes.withUnsafeBytes({ SegmentTrailer($0) }), value.framesEnd >= UInt64(SegmentHeader.size),
            value.framesEnd + UInt64(value.indexCount * SegmentIndexEntry.size + SegmentTrailer.size) == size
        else { return }
        let index = try file.bytes(at: value.framesEnd, count: value.indexCount * SegmentIndexEntry.size)
        trailer = Trailer(value: value, index: index.withUnsafeBytes { value.index($0) })
    }

    /// Whether a right trailer stands at the end.
    var hasTrailer: Bool { trailer != nil }

    private mutating func check(_ trailer: Trailer) {
        let value = trailer.value
        if endOffset < value.endOffset {
            fail(endOffset..<value.endOffset, batches: 1, "the end of its frames is damaged")
            endOffset = value.endOffset
        } else if endOffset > value.endOffset {
            add("its trailer ends at offset \(value.endOffset), its frames at \(endOffset)")
        }
        if let previousChecksum, previousChecksum != value.lastChecksum { add("its trailer belongs to other frames") }
        if bad.isEmpty, let arrivals, arrivals.lowerBound != value.firstArrival || arrivals.upperBound != value.lastArrival {
            add("its trailer states other arrival times than its frames")
        }
        guard let index = trailer.index else { return add("its index is damaged") }
        if bad.isEmpty, nextIndexEntry < index.count { add("its index names a frame that is not there") }
    }

    // MARK: Frames

    private mutating func fail(_ offsets: Range<Int64>, batches: Int, _ what: String) {
        bad.append(Bad(offsets: offsets, batches: batches, what: what))
    }

    private mutating func readFrame<File>(
        _ window: inout FileWindow<File>, framesEnd: UInt64
    ) throws(DiskError) {
        guard let header = try header(&window, at: place, framesEnd: framesEnd) else {
            return try passDamage(&window, framesEnd: framesEnd)
        }
        if header.baseOffset > endOffset {
            fail(endOffset..<header.baseOffset, batches: 0, "records are missing between two frames")
        }
        if let previousChecksum, previousChecksum != header.previousChecksum {
            add("a frame does not follow the one before it", header.baseOffset..<header.endOffset)
        }
        checkIndex(header)
        let offsets = header.baseOffset..<header.endOffset
        switch header.kind {
        case .hole:
            findings.append(
                VerificationFinding(
                    .notice, .hole, file: path, "these records were lost earlier and reported then", log: id, offsets: offsets))
        case .batch:
            batches += 1
            let bodyPlace = place + UInt64(SegmentFrameHeader.size)
            let isIntact = try window.read(bodyPlace, header.length - SegmentFrameHeader.size) { header.matches($0) }
            if !isIntact { fail(offsets, batches: 1, "a batch is damaged") }
        }
        arrivals =
            min(
                arrivals?.lowerBound ?? header.arrival, header.arrival)...max(
                arrivals?.upperBound ?? header.arrival, header.arrival)
        previousChecksum = header.checksum
        endOffset = header.endOffset
        isEmpty = false
        place += UInt64(header.length)
    }

    /// The header at a place, if it is right and its frame goes on from what was read.
    private func header<File>(
        _ window: inout FileWindow<File>, at place: UInt64, framesEnd: UInt64
    ) throws(DiskError) -> SegmentFrameHeader? {
        guard framesEnd - place >= UInt64(SegmentFrameHeader.size) else { return nil }
        let header = try window.read(place, SegmentFrameHeader.size) { SegmentFrameHeader($0, at: 0) }
        guard let header, header.baseOffset >= endOffset, UInt64(header.length) <= framesEnd - place else { return nil }
        return header
    }

    /// Goes on at the next frame that is right.
    private mutating func passDamage<File>(
        _ window: inout FileWindow<File>, framesEnd: UInt64
    ) throws(DiskError) {
        var candidate = place + 1
        while candidate < framesEnd {
            guard let found = try window.nextMagic(from: candidate, before: framesEnd) else { break }
            if let header = try header(&window, at: found, framesEnd: framesEnd),
                // Without a trailer the bytes of a batch could be taken for a frame: only one whose body is right counts.
                try window.read(
                    found + UInt64(SegmentFrameHeader.size), header.length - SegmentFrameHeader.size, { header.matches($0) })
            {
                batches += 1
                if header.baseOffset > endOffset {
                    fail(endOffset..<header.baseOffset, batches: 1, "a frame is damaged")
                } else {
                    add("bytes that are no frame stand before a frame", header.baseOffset..<header.endOffset)
                }
                endOffset = header.baseOffset
                previousChecksum = nil
                place = found
                return
            }
            candidate = found + 1
        }
        place = framesEnd
        // With a trailer, `check` tells what the end should have been. Without one nobody can tell from here whether frames stood there.
        previousChecksum = nil
    }

    private mutating func checkIndex(_ header: SegmentFrameHeader) {
        guard let index = trailer?.index, nextIndexEntry < index.count else { return }
        let entry = index[nextIndexEntry]
        if entry.position > place { return }
        if entry.position != place || entry.offset != header.baseOffset || entry.arrival != header.arrival {
            if bad.isEmpty { add("an entry of its index names another frame", header.baseOffset..<header.endOffset) }
            while nextIndexEntry < index.count, index[nextIndexEntry].position <= place { nextIndexEntry += 1 }
            return
        }
        nextIndexEntry += 1
    }
}

extension SegmentFrameHeader {
    /// Whether these bytes are the batch that the header tells of, to the last bit.
    func matches(_ body: UnsafeRawBufferPointer) -> Bool {
        guard body.count == length - SegmentFrameHeader.size else { return false }
        if kind == .hole { return body.isEmpty }
        guard CRC32C.checksum(body) == batchChecksum, let batch = try? RecordBatch(uncheckedCRC: [UInt8](body)) else {
            return false
        }
        return Int64(batch.recordCount) == recordCount && batch.baseOffset == baseOffset && batch.checkCRC()
    }
}

extension FileWindow {
    /// The next place at which a segment frame may begin, nil when there is none before `end`.
    mutating func nextMagic(from start: UInt64, before end: UInt64) throws(DiskError) -> UInt64? {
        var place = start
        while place < end, end - place >= UInt64(SegmentFrameHeader.size) {
            let step = Int(clamping: min(end - place, 256 << 10))
            let found = try read(place, step) { bytes -> Int? in
                let magic = SegmentFrameHeader.magic
                var index = 0
                while index + 4 <= bytes.count {
                    if bytes[index] == UInt8(truncatingIfNeeded: magic), bytes.field(index, as: UInt32.self) == magic {
                        return index
                    }
                    index += 1
                }
                return nil
            }
            if let found { return place + UInt64(found) }
            // A magic may lie across the border.
            place += UInt64(max(1, step - 3))
        }
        return nil
    }
}
