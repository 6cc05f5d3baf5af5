/// A journal frame as bytes: header, directory, the directory of the frame before, batches. See FileFormat.

internal import Codecs

/// What a directory entry stands for.
package enum JournalEntryKind: UInt32, Sendable {
    /// A batch of records.
    case batch = 1
    /// The log was removed; nothing before counts.
    case removal = 2
    /// The log's high watermark when the file was begun.
    case position = 3
}

/// One entry of a frame's directory, 40 bytes.
package struct JournalEntry: Equatable, Sendable {
    package static let size = 40

    package var kind: JournalEntryKind
    package var log: LogID
    /// For a batch its first offset, for a position the high watermark.
    package var offset: Int64
    package var recordCount: UInt32
    /// Length and checksum of the batch's bytes in the frame.
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

    /// One past the last offset of a batch.
    package var endOffset: Int64 { offset &+ Int64(recordCount) }

    func encode(into bytes: inout [UInt8]) {
        bytes.add(kind.rawValue)
        bytes.add(log.shard)
        bytes.add(log.stream)
        bytes.add(offset)
        bytes.add(recordCount)
        bytes.add(length)
        bytes.add(checksum)
        bytes.add(append)
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

/// The first 48 bytes of a frame.
package struct JournalHeader: Equatable, Sendable {
    package static let size = 48
    /// "MRJ1"
    package static let magic: UInt32 = 0x314A_524D

    /// Of the whole frame.
    package var length: Int
    package var sequence: UInt64
    package var arrival: Int64
    /// The `checksum` of the frame before.
    package var previousChecksum: UInt32
    package var entryCount: Int
    package var previousEntryCount: Int
    /// Over header and directories; the directory holds the checksums of the batches.
    package var checksum: UInt32

    /// Bytes of both directories.
    package var directoryBytes: Int { (entryCount + previousEntryCount) * JournalEntry.size }

    /// Reads a header whose own checksum is right, nil otherwise.
    package init?(_ bytes: UnsafeRawBufferPointer, at place: Int) {
        guard place >= 0, place <= bytes.count - JournalHeader.size, bytes.field(place, as: UInt32.self) == JournalHeader.magic
        else { return nil }
        guard CRC32C.checksum(bytes.part(place..<place + 44)) == bytes.field(place + 44) else { return nil }
        length = Int(bytes.field(place + 4, as: UInt32.self))
        sequence = bytes.field(place + 8)
        arrival = bytes.field(place + 16)
        previousChecksum = bytes.field(place + 24)
        entryCount = Int(bytes.field(place + 28, as: UInt32.self))
        previousEntryCount = Int(bytes.field(place + 32, as: UInt32.self))
        checksum = bytes.field(place + 36)
        guard JournalHeader.size + directoryBytes <= length else { return nil }
    }
}

/// Makes frames, one after the other, each bound to the one before.
package struct JournalFrameWriter: Sendable {
    /// The number of the last frame made.
    package private(set) var sequence: UInt64
    private var checksum: UInt32
    private var previousDirectory: [JournalEntry]
    /// The frame made last.
    package private(set) var bytes: [UInt8] = []
    private var made: (sequence: UInt64, checksum: UInt32, directory: [JournalEntry])?

    package init(after sequence: UInt64, checksum: UInt32, directory: [JournalEntry]) {
        self.sequence = sequence
        self.checksum = checksum
        previousDirectory = directory.filter { $0.kind != .position }
    }

    /// Makes the next frame in `bytes`. It counts only once `accept` is called.
    /// - Parameters:
    ///   - entries: the directory; length and checksum of batches are filled in here.
    ///   - batches: the bytes of each batch entry, in order.
    package mutating func make(arrival: Int64, entries: [JournalEntry], batches: [[UInt8]]) {
        var entries = entries
        var batch = 0
        var total = JournalHeader.size + (entries.count + previousDirectory.count) * JournalEntry.size
        for index in entries.indices where entries[index].kind == .batch {
            entries[index].length = UInt32(batches[batch].count)
            entries[index].checksum = CRC32C.checksum(batches[batch])
            total += batches[batch].count
            batch += 1
        }
        bytes.removeAll(keepingCapacity: true)
        bytes.reserveCapacity(total)
        bytes.add(JournalHeader.magic)
        bytes.add(UInt32(total))
        bytes.add(sequence + 1)
        bytes.add(arrival)
        bytes.add(checksum)
        bytes.add(UInt32(entries.count))
        bytes.add(UInt32(previousDirectory.count))
        bytes.add(UInt32(0))
        bytes.add(UInt32(0))
        bytes.add(UInt32(0))
        for entry in entries { entry.encode(into: &bytes) }
        for entry in previousDirectory { entry.encode(into: &bytes) }
        let sum = bytes.checksum(JournalHeader.size..<bytes.count, continuing: bytes.checksum(0..<36))
        bytes.set(sum, at: 36)
        bytes.set(bytes.checksum(0..<44), at: 44)
        for batch in batches { bytes.append(contentsOf: batch) }
        made = (sequence + 1, sum, entries.filter { $0.kind != .position })
    }

    /// The frame made last was written: the next one follows it.
    package mutating func accept() {
        guard let made else { preconditionFailure("no frame was made") }
        sequence = made.sequence
        checksum = made.checksum
        previousDirectory = made.directory
        self.made = nil
    }
}
