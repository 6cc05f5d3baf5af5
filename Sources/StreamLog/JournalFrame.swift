/// A journal frame as bytes: header, directory, the directory of the frame before, batches. See FileFormat.

internal import Codecs
internal import Host
package import RecordBatch

/// What a directory entry stands for.
package enum JournalEntryKind: UInt32, Sendable, CaseIterable {
    /// A batch of records.
    case batch = 1
    /// The log was removed; nothing before counts.
    case removal = 2
    /// The log's high watermark when the file was begun.
    case position = 3
    /// What an append changed in the states that conditions are decided against; in a file's first frame all of them.
    case note = 4
    /// The log takes no records any more; its offset is its high watermark, for good.
    case end = 5
    /// The log begins, at an offset that need not be 0.
    case beginning = 6
    /// As `position`, of a log that has ended; with the arrival of the end.
    case endPosition = 7

    /// Whether it has bytes of its own in the frame.
    var hasBytes: Bool { self == .batch || self == .note }

    /// Whether it only repeats, where a file begins, what older files tell.
    var isPosition: Bool { self == .position || self == .endPosition }
}

/// One entry of a frame's directory, 40 bytes.
package struct JournalEntry: Equatable, Sendable {
    package static let size = 40

    package var kind: JournalEntryKind
    package var log: LogID
    /// For a batch its first offset, for a position or an end the high watermark, for a beginning the log's first offset.
    package var offset: Int64
    package var recordCount: UInt32
    /// Of the batch: how many bytes it has in the frame, and its own CRC. `RecordBatch.isIntact` says why that suffices. Of a note: the same.
    package var length: UInt32
    package var checksum: UInt32
    /// Which of the frame's appends it belongs to.
    package var append: UInt32

    package init(
        kind: JournalEntryKind, log: LogID, offset: Int64, recordCount: UInt32 = 0, length: UInt32 = 0, checksum: UInt32 = 0,
        append: UInt32 = 0
    ) {
        self.kind = kind
        self.log = log
        self.offset = offset
        self.recordCount = recordCount
        self.length = length
        self.checksum = checksum
        self.append = append
    }

    /// The entry of a note, of no log.
    package init(note: [UInt8], append: UInt32) {
        self.init(
            kind: .note, log: LogID(stream: 0, shard: 0), offset: 0, length: UInt32(clamping: note.count),
            checksum: note.checksum(0..<note.count), append: append)
    }

    /// The entry that repeats where and when a log has ended.
    init(endPosition end: LogEnd, of log: LogID) {
        let arrival = UInt64(bitPattern: end.arrivalMilliseconds)
        self.init(
            kind: .endPosition, log: log, offset: end.offset, length: UInt32(truncatingIfNeeded: arrival),
            checksum: UInt32(truncatingIfNeeded: arrival >> 32))
    }

    /// Of an end position: when the log ended.
    var endArrival: Int64 { Int64(bitPattern: UInt64(checksum) << 32 | UInt64(length)) }

    /// One past the last offset of a batch.
    package var endOffset: Int64 { offset &+ Int64(recordCount) }

    func encode(into bytes: UnsafeMutableRawBufferPointer, at place: Int) {
        bytes.set(kind.rawValue, at: place)
        bytes.set(log.shard, at: place + 4)
        bytes.set(log.stream, at: place + 8)
        bytes.set(offset, at: place + 16)
        bytes.set(recordCount, at: place + 24)
        bytes.set(length, at: place + 28)
        bytes.set(checksum, at: place + 32)
        bytes.set(append, at: place + 36)
    }

    /// The kind of the entry at a place where this build knows no such kind, nil for others.
    static func unknownKind(_ bytes: UnsafeRawBufferPointer, at place: Int) -> UInt32? {
        let kind: UInt32 = bytes.field(place)
        return JournalEntryKind(rawValue: kind) == nil ? kind : nil
    }

    /// - Returns: nil for what no version of ours writes.
    init?(_ bytes: UnsafeRawBufferPointer, at place: Int) {
        guard let kind = JournalEntryKind(rawValue: bytes.field(place)) else { return nil }
        let offset: Int64 = bytes.field(place + 16)
        let recordCount: UInt32 = bytes.field(place + 24)
        guard offset >= 0, !offset.addingReportingOverflow(Int64(recordCount)).overflow else { return nil }
        self.init(
            kind: kind, log: LogID(stream: bytes.field(place + 8), shard: bytes.field(place + 4)), offset: offset,
            recordCount: recordCount, length: bytes.field(place + 28), checksum: bytes.field(place + 32),
            append: bytes.field(place + 36))
    }
}

/// The first 56 bytes of a frame.
package struct JournalHeader: Equatable, Sendable {
    package static let size = 56
    /// "MRJ2"
    package static let magic: UInt32 = 0x324A_524D
    /// The magic as text: the version that this build reads and writes.
    static let format = "MRJ2"
    /// "MRJ1": frames without alignment. No release wrote them.
    static let firstMagic: UInt32 = 0x314A_524D

    /// The version at a place where a frame of another format begins, such as `MRJ3`; nil for anything else. Every format keeps the first four
    /// bytes and the checksum at 52, so that what is right and not known is told from what is damaged.
    static func unknownFormat(_ bytes: UnsafeRawBufferPointer, at place: Int) -> String? {
        guard place >= 0, place <= bytes.count - JournalHeader.size else { return nil }
        let found: UInt32 = bytes.field(place)
        guard found != magic, found & 0xFF_FFFF == magic & 0xFF_FFFF,
            CRC32C.checksum(bytes.part(place..<place + 52)) == bytes.field(place + 52)
        else { return nil }
        return formatName(bytes.part(place..<place + 4))
    }

    /// Of the whole frame, without the padding after it.
    package var length: Int
    package var sequence: UInt64
    package var arrival: Int64
    /// The `checksum` of the frame before.
    package var previousChecksum: UInt32
    package var entryCount: Int
    package var previousEntryCount: Int
    /// Over header and directories; the directory holds the checksums of the batches.
    package var checksum: UInt32
    /// The same in all frames of a file, and not to be guessed: it tells them from bytes that a producer made to look like one.
    package var nonce: UInt32
    /// The `arrival` of the frame before, which its own header may have lost.
    package var previousArrival: Int64

    /// Where the next frame begins: frames stand at multiples of the block size.
    package var paddedLength: Int { FileAccess.aligned(length) }
    /// Bytes of both directories.
    package var directoryBytes: Int { (entryCount + previousEntryCount) * JournalEntry.size }

    /// Reads a header whose own checksum is right, nil otherwise.
    package init?(_ bytes: UnsafeRawBufferPointer, at place: Int) {
        guard place >= 0, place <= bytes.count - JournalHeader.size, bytes.field(place, as: UInt32.self) == JournalHeader.magic
        else { return nil }
        guard CRC32C.checksum(bytes.part(place..<place + 52)) == bytes.field(place + 52) else { return nil }
        length = Int(bytes.field(place + 4, as: UInt32.self))
        sequence = bytes.field(place + 8)
        arrival = bytes.field(place + 16)
        previousChecksum = bytes.field(place + 24)
        entryCount = Int(bytes.field(place + 28, as: UInt32.self))
        previousEntryCount = Int(bytes.field(place + 32, as: UInt32.self))
        checksum = bytes.field(place + 36)
        nonce = bytes.field(place + 40)
        previousArrival = bytes.field(place + 44)
        guard JournalHeader.size + directoryBytes <= length else { return nil }
    }
}

/// Makes frames, one after the other, each bound to the one before.
package struct JournalFrameWriter: Sendable {
    /// The number of the last frame made.
    package private(set) var sequence: UInt64
    private var checksum: UInt32
    private var previousDirectory: [JournalEntry]
    private let buffer = AlignedBuffer()
    private var length = 0
    /// Of the file that is being written.
    private(set) var nonce: UInt32 = 0
    private var previousArrival: Int64
    private var made: (sequence: UInt64, checksum: UInt32, directory: [JournalEntry], arrival: Int64)?

    /// - Parameter arrival: of the frame with that number.
    package init(after sequence: UInt64, checksum: UInt32, directory: [JournalEntry], arrival: Int64 = .min) {
        previousArrival = arrival
        self.sequence = sequence
        self.checksum = checksum
        previousDirectory = directory.filter { !$0.kind.isPosition }
    }

    /// The frame made last with its padding; valid until the next is made.
    var frame: UnsafeRawBufferPointer { buffer.prefix(FileAccess.aligned(length)) }
    /// The same, copied.
    package var bytes: [UInt8] { [UInt8](frame) }

    /// The bytes that a frame of these entries will take in the file.
    func paddedLength(entryCount: Int, batchBytes: Int) -> Int {
        FileAccess.aligned(JournalHeader.size + (entryCount + previousDirectory.count) * JournalEntry.size + batchBytes)
    }

    /// Another file is begun.
    package mutating func beginFile(nonce: UInt32) { self.nonce = nonce }

    /// Makes the next frame. It counts only once `accept` is called.
    /// - Parameters:
    ///   - entries: the directory. Those of batches and notes state length and CRC.
    ///   - batches: the batch of each batch entry, in order.
    ///   - notes: the same of notes.
    package mutating func make(arrival: Int64, entries: [JournalEntry], batches: [RecordBatch], notes: [[UInt8]] = []) {
        let directories = JournalHeader.size + (entries.count + previousDirectory.count) * JournalEntry.size
        length = entries.reduce(directories) { $1.kind.hasBytes ? $0 + Int($1.length) : $0 }
        let padded = FileAccess.aligned(length)
        let bytes = buffer.room(for: padded)
        bytes.set(JournalHeader.magic, at: 0)
        bytes.set(UInt32(length), at: 4)
        bytes.set(sequence + 1, at: 8)
        bytes.set(arrival, at: 16)
        bytes.set(checksum, at: 24)
        bytes.set(UInt32(entries.count), at: 28)
        bytes.set(UInt32(previousDirectory.count), at: 32)
        bytes.set(nonce, at: 40)
        bytes.set(previousArrival, at: 44)
        var place = JournalHeader.size
        for entry in entries {
            entry.encode(into: bytes, at: place)
            place += JournalEntry.size
        }
        for entry in previousDirectory {
            entry.encode(into: bytes, at: place)
            place += JournalEntry.size
        }
        let written = UnsafeRawBufferPointer(bytes)
        let sum = CRC32C.checksum(
            written.part(JournalHeader.size..<directories), continuing: CRC32C.checksum(written.part(0..<36)))
        bytes.set(sum, at: 36)
        bytes.set(CRC32C.checksum(written.part(0..<52)), at: 52)
        var (batch, note) = (batches.makeIterator(), notes.makeIterator())
        for entry in entries where entry.kind.hasBytes {
            let target = UnsafeMutableRawBufferPointer(rebasing: bytes[place..<place + Int(entry.length)])
            if entry.kind == .batch { batch.next()?.write(to: target) } else { target.copyBytes(from: note.next() ?? []) }
            place += target.count
        }
        UnsafeMutableRawBufferPointer(rebasing: bytes[place..<padded]).initializeMemory(as: UInt8.self, repeating: 0)
        made = (sequence + 1, sum, entries.filter { !$0.kind.isPosition }, arrival)
    }

    /// The frame made last was written: the next one follows it.
    package mutating func accept() {
        guard let made else { preconditionFailure("no frame was made") }
        sequence = made.sequence
        checksum = made.checksum
        previousDirectory = made.directory
        previousArrival = made.arrival
        self.made = nil
    }

    /// Gives back the memory that a large group took.
    func shrink(to limit: Int) { buffer.shrink(to: limit) }
}
