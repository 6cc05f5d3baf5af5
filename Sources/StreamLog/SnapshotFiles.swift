/// A snapshot as the files of a data directory that `StreamLog.open` takes without any finding, read piece by piece.

public import Host
internal import RecordBatch

/// Gives the files of a snapshot one after the other. Calls block; make them on a thread of their own, one at a time.
///
/// Segments are copied as they are, but for the end of one that is still written to. What no segment holds becomes a segment of its own. The
/// journal is one frame that states how far each log had come, so that nothing that is missing later can go unnoticed, and holds the states that
/// conditions are decided against.
public struct SnapshotFiles<D: Disk> {
    /// What is next.
    public enum Piece: Sendable {
        /// A file begins: its path below the data directory, and how many bytes will follow.
        case file(path: String, bytes: UInt64)
        case data([UInt8])
    }

    private enum Source {
        case journal
        case unflushed(Int)
        case start(Int)
        case segment(Int, Int)
    }

    /// What is left of the file that was begun.
    private enum Rest {
        case bytes([UInt8])
        case items(ItemsFile)
        case copy(File, place: UInt64, end: UInt64, then: [UInt8])
    }

    private typealias File = D.File
    private let snapshot: LogSnapshot<D>
    /// Batches in memory, by log; let go of as soon as they are written.
    private var unflushed: [[LogItem]]
    private var sources: [Source] = []
    private var nextSource = 0
    private var rest: Rest?

    /// Bytes in a piece, but for single batches that are longer.
    private static var pieceBytes: Int { 1 << 20 }

    public init(_ snapshot: LogSnapshot<D>) {
        self.snapshot = snapshot
        unflushed = snapshot.logs.map(\.unflushed)
        sources.append(.journal)
        // First what is in memory, so that it is not held for long.
        for (index, log) in snapshot.logs.enumerated() where !log.unflushed.isEmpty { sources.append(.unflushed(index)) }
        for (index, log) in snapshot.logs.enumerated() {
            sources.append(.start(index))
            for segment in log.segments.indices { sources.append(.segment(index, segment)) }
        }
    }

    /// The next piece; nil at the end.
    /// - Throws: when a file cannot be read, or is shorter than it should be: then there is no backup.
    public mutating func next() throws(DiskError) -> Piece? {
        while true {
            if let data = try continueFile() { return .data(data) }
            guard nextSource < sources.count else { return nil }
            let source = sources[nextSource]
            nextSource += 1
            return try begin(source)
        }
    }

    /// Closes what is open.
    public mutating func close() {
        if case .copy(let file, _, _, _)? = rest { file.close() }
        rest = nil
        unflushed = []
        nextSource = sources.count
    }

    // MARK: Files

    private mutating func begin(_ source: Source) throws(DiskError) -> Piece {
        switch source {
        case .journal: return begin(Paths.journal(snapshot.lastFrame + 1), journal())
        case .start(let index):
            let log = snapshot.logs[index]
            return begin(Paths.start(log.id), StartOffsetFile.content(of: log.id, offset: log.startOffset))
        case .unflushed(let index):
            let items = unflushed[index]
            unflushed[index] = []
            let file = ItemsFile(snapshot.logs[index].id, items, indexInterval: snapshot.log.options.indexIntervalBytes)
            rest = .items(file)
            return .file(path: file.path, bytes: file.bytes)
        case .segment(let index, let segment): return try begin(snapshot.logs[index].segments[segment])
        }
    }

    private mutating func begin(_ path: String, _ content: [UInt8]) -> Piece {
        rest = .bytes(content)
        return .file(path: path, bytes: UInt64(content.count))
    }

    private mutating func begin(_ segment: Segment) throws(DiskError) -> Piece {
        let file = try snapshot.log.disk.open(segment.path, .existing)
        if segment.isSealed {
            rest = .copy(file, place: 0, end: segment.fileBytes, then: [])
            return .file(path: segment.path, bytes: segment.fileBytes)
        }
        var state = segment.state
        // Without an index a segment is walked from its first frame: slower, not wrong.
        if state.index.isEmpty { state.index = snapshot.log.reader.index(of: segment) }
        let ending = SegmentTrailer.encode(state)
        rest = .copy(file, place: 0, end: state.framesEnd, then: ending)
        return .file(path: segment.path, bytes: state.framesEnd + UInt64(ending.count))
    }

    private mutating func continueFile() throws(DiskError) -> [UInt8]? {
        switch rest {
        case nil: return nil
        case .bytes(let bytes):
            let piece = Array(bytes.prefix(SnapshotFiles.pieceBytes))
            rest = piece.count < bytes.count ? .bytes(Array(bytes.dropFirst(piece.count))) : nil
            return piece
        case .items(var file):
            let piece = file.next(atLeast: SnapshotFiles.pieceBytes)
            rest = file.isDone ? nil : .items(file)
            return piece
        case .copy(let file, let place, let end, let then):
            let count = Int(clamping: min(end - min(end, place), UInt64(SnapshotFiles.pieceBytes)))
            let piece = try file.bytes(at: place, count: count)
            guard piece.count == count else {
                throw DiskError(.inputOutput, operation: "read (the file is shorter than it should be)", path: "a segment")
            }
            if place + UInt64(count) < end {
                rest = .copy(file, place: place + UInt64(count), end: end, then: then)
                return piece
            }
            file.close()
            rest = nil
            return piece + then
        }
    }

    private func journal() -> [UInt8] {
        let positions = snapshot.logs.map { log in
            log.end.map { JournalEntry(endPosition: $0, of: log.id) }
                ?? JournalEntry(kind: .position, log: log.id, offset: log.highWatermark)
        }
        var frames = JournalFrameWriter(after: snapshot.lastFrame, checksum: 0, directory: [])
        let mixed = (UInt64(bitPattern: snapshot.lastArrival) ^ snapshot.lastFrame << 17) &* 0x9E37_79B9_7F4A_7C15
        frames.beginFile(nonce: UInt32(truncatingIfNeeded: mixed >> 32))
        let note = snapshot.note.map { [JournalEntry(note: $0, append: 0)] } ?? []
        frames.make(arrival: snapshot.lastArrival, entries: positions + note, batches: [], notes: snapshot.note.map { [$0] } ?? [])
        return frames.bytes
    }
}

/// Items as a segment, made piece by piece. Its length is known before.
private struct ItemsFile {
    let path: String
    /// Of the whole file.
    let bytes: UInt64
    private var items: [LogItem]
    private var nextItem = 0
    private var state: SegmentState
    private var isBegun = false
    private(set) var isDone = false
    private let header: [UInt8]
    private let indexInterval: Int

    init(_ log: LogID, _ items: [LogItem], indexInterval: Int) {
        let base = items.first?.baseOffset ?? 0
        header = SegmentHeader.encode(log: log, baseOffset: base)
        path = Paths.segment(log, base)
        self.items = items
        self.indexInterval = indexInterval
        state = SegmentState(baseOffset: base, headerChecksum: header.withUnsafeBytes { SegmentHeader($0)?.checksum } ?? 0)
        var whole = state
        for item in items {
            let length = SegmentFrameHeader.size + (item.batch?.bytes.count ?? 0)
            whole.add(
                offset: item.baseOffset, endOffset: item.endOffset, arrival: item.arrival, length: length, checksum: 0,
                indexInterval: indexInterval)
        }
        bytes = whole.framesEnd + UInt64(whole.index.count * SegmentIndexEntry.size + SegmentTrailer.size)
    }

    mutating func next(atLeast bytes: Int) -> [UInt8] {
        var piece: [UInt8] = []
        piece.reserveCapacity(bytes + 64 << 10)
        if !isBegun {
            piece += header
            isBegun = true
        }
        while nextItem < items.count, piece.count < bytes {
            let start = piece.count
            let item = items[nextItem]
            let checksum = SegmentFrameHeader.encode(item, previousChecksum: state.lastChecksum, into: &piece)
            state.add(
                offset: item.baseOffset, endOffset: item.endOffset, arrival: item.arrival, length: piece.count - start,
                checksum: checksum, indexInterval: indexInterval)
            // The batch is not needed any more.
            items[nextItem].batch = nil
            nextItem += 1
        }
        if nextItem == items.count {
            piece += SegmentTrailer.encode(state)
            isDone = true
        }
        return piece
    }
}
