/// A segment as bytes: header, frames, a sparse index and a trailer. See FileFormat.

internal import Codecs
internal import RecordBatch

/// The first 40 bytes of a segment file.
package struct SegmentHeader: Equatable, Sendable {
    package static let size = 40
    /// "MRSEG001"
    package static let magic: UInt64 = 0x3130_3047_4553_524D
    /// The magic as text: the version of the whole segment, its frames, index and trailer included.
    static let format = "MRSEG001"

    package var log: LogID
    package var baseOffset: Int64
    package var checksum: UInt32

    package static func encode(log: LogID, baseOffset: Int64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.add(magic)
        bytes.add(log.stream)
        bytes.add(baseOffset)
        bytes.add(log.shard)
        bytes.add(UInt32(0))
        bytes.add(UInt32(0))
        bytes.add(bytes.checksum(0..<bytes.count))
        return bytes
    }

    /// The version of a segment of another format, such as `MRSEG002`; nil for anything else. Every format keeps the first eight bytes and the
    /// checksum at 36.
    static func unknownFormat(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count >= SegmentHeader.size else { return nil }
        let found: UInt64 = bytes.field(0)
        guard found != magic, found & 0xFF_FFFF_FFFF == magic & 0xFF_FFFF_FFFF,
            CRC32C.checksum(bytes.part(0..<36)) == bytes.field(36)
        else { return nil }
        return formatName(bytes.part(0..<8))
    }

    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= SegmentHeader.size, bytes.field(0, as: UInt64.self) == SegmentHeader.magic else { return nil }
        checksum = bytes.field(36)
        guard CRC32C.checksum(bytes.part(0..<36)) == checksum else { return nil }
        log = LogID(stream: bytes.field(8), shard: bytes.field(24))
        baseOffset = bytes.field(16)
    }
}

/// What a segment frame holds.
package enum SegmentFrameKind: UInt32, Sendable {
    case batch = 1
    /// Offsets whose records were lost; reading them gives `.damaged`.
    case hole = 2
}

/// The first 48 bytes of a segment frame; the batch follows.
package struct SegmentFrameHeader: Equatable, Sendable {
    package static let size = 48
    /// "MRSF"
    package static let magic: UInt32 = 0x4653_524D

    package var kind: SegmentFrameKind
    /// Of the whole frame.
    package var length: Int
    package var baseOffset: Int64
    package var recordCount: Int64
    package var arrival: Int64
    /// The `checksum` of the frame before; in the first frame that of the header.
    package var previousChecksum: UInt32
    /// The batch's own CRC; see `RecordBatch.isIntact`.
    package var batchChecksum: UInt32
    /// Over everything above.
    package var checksum: UInt32

    package var endOffset: Int64 { baseOffset &+ recordCount }

    /// Adds the frame of an item, header and batch, and returns its checksum.
    package static func encode(_ item: LogItem, previousChecksum: UInt32, into bytes: inout [UInt8]) -> UInt32 {
        let checksum = encodeHeader(item, previousChecksum: previousChecksum, into: &bytes)
        guard let batch = item.batch else { return checksum }
        let start = bytes.count
        batch.bytes.withUnsafeBytes { bytes.append(contentsOf: $0) }
        bytes.withUnsafeMutableBytes { batch.writeDecided(to: UnsafeMutableRawBufferPointer(rebasing: $0[start...])) }
        return checksum
    }

    /// Adds the header of an item's frame and returns its checksum.
    package static func encodeHeader(_ item: LogItem, previousChecksum: UInt32, into bytes: inout [UInt8]) -> UInt32 {
        let start = bytes.count
        bytes.add(magic)
        bytes.add(UInt32(size + (item.batch?.bytes.count ?? 0)))
        bytes.add(item.baseOffset)
        bytes.add(item.arrival)
        bytes.add(item.endOffset - item.baseOffset)
        bytes.add(previousChecksum)
        bytes.add(item.checksum)
        bytes.add((item.batch == nil ? SegmentFrameKind.hole : .batch).rawValue)
        let checksum = bytes.checksum(start..<bytes.count)
        bytes.add(checksum)
        return checksum
    }

    /// Reads a header whose own checksum is right, nil otherwise.
    package init?(_ bytes: UnsafeRawBufferPointer, at place: Int) {
        guard place >= 0, place <= bytes.count - SegmentFrameHeader.size,
            bytes.field(place, as: UInt32.self) == SegmentFrameHeader.magic
        else { return nil }
        checksum = bytes.field(place + 44)
        guard CRC32C.checksum(bytes.part(place..<place + 44)) == checksum,
            let kind = SegmentFrameKind(rawValue: bytes.field(place + 40))
        else { return nil }
        self.kind = kind
        length = Int(bytes.field(place + 4, as: UInt32.self))
        baseOffset = bytes.field(place + 8)
        arrival = bytes.field(place + 16)
        recordCount = bytes.field(place + 24)
        previousChecksum = bytes.field(place + 32)
        batchChecksum = bytes.field(place + 36)
        guard length >= SegmentFrameHeader.size, baseOffset >= 0, recordCount > 0,
            !baseOffset.addingReportingOverflow(recordCount).overflow
        else { return nil }
    }
}

/// An entry of the sparse index: where a frame begins.
package struct SegmentIndexEntry: Equatable, Sendable {
    package static let size = 24

    package var offset: Int64
    package var arrival: Int64
    package var position: UInt64
}

/// The last 64 bytes of a segment, as of its last flush; the index stands before it.
package struct SegmentTrailer: Equatable, Sendable {
    package static let size = 64
    /// "MRSEAL01"
    package static let magic: UInt64 = 0x3130_4C41_4553_524D

    package var framesEnd: UInt64
    package var endOffset: Int64
    package var firstArrival: Int64
    package var lastArrival: Int64
    package var indexCount: Int
    package var indexChecksum: UInt32
    package var lastChecksum: UInt32

    package static func encode(_ state: SegmentState) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(state.index.count * SegmentIndexEntry.size + size)
        for entry in state.index {
            bytes.add(entry.offset)
            bytes.add(entry.arrival)
            bytes.add(entry.position)
        }
        let indexChecksum = bytes.checksum(0..<bytes.count)
        let start = bytes.count
        bytes.add(magic)
        bytes.add(state.framesEnd)
        bytes.add(state.endOffset)
        bytes.add(state.firstArrival)
        bytes.add(state.lastArrival)
        bytes.add(UInt32(state.index.count))
        bytes.add(indexChecksum)
        bytes.add(state.lastChecksum)
        bytes.add(UInt32(0))
        bytes.add(UInt32(0))
        bytes.add(bytes.checksum(start..<bytes.count))
        return bytes
    }

    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == SegmentTrailer.size, bytes.field(0, as: UInt64.self) == SegmentTrailer.magic,
            CRC32C.checksum(bytes.part(0..<60)) == bytes.field(60)
        else { return nil }
        framesEnd = bytes.field(8)
        endOffset = bytes.field(16)
        firstArrival = bytes.field(24)
        lastArrival = bytes.field(32)
        indexCount = Int(bytes.field(40, as: UInt32.self))
        indexChecksum = bytes.field(44)
        lastChecksum = bytes.field(48)
    }

    /// Reads the index that stands before the trailer, nil when it is damaged.
    package func index(_ bytes: UnsafeRawBufferPointer) -> [SegmentIndexEntry]? {
        guard bytes.count == indexCount * SegmentIndexEntry.size, CRC32C.checksum(bytes) == indexChecksum else { return nil }
        return (0..<indexCount).map { index in
            let place = index * SegmentIndexEntry.size
            return SegmentIndexEntry(
                offset: bytes.field(place), arrival: bytes.field(place + 8), position: bytes.field(place + 16))
        }
    }
}

/// What is known of a segment's frames while it is written, or after it was read through.
package struct SegmentState: Equatable, Sendable {
    package var framesEnd: UInt64
    package var endOffset: Int64
    package var firstArrival: Int64 = .max
    package var lastArrival: Int64 = .min
    package var lastChecksum: UInt32
    package var index: [SegmentIndexEntry] = []

    package init(baseOffset: Int64, headerChecksum: UInt32) {
        framesEnd = UInt64(SegmentHeader.size)
        endOffset = baseOffset
        lastChecksum = headerChecksum
    }

    /// Takes in a frame that stands at `framesEnd`.
    package mutating func add(
        offset: Int64, endOffset end: Int64, arrival: Int64, length: Int, checksum: UInt32, indexInterval: Int
    ) {
        let due = index.last.map { framesEnd - $0.position >= UInt64(indexInterval) } ?? true
        if due { index.append(SegmentIndexEntry(offset: offset, arrival: arrival, position: framesEnd)) }
        framesEnd += UInt64(length)
        endOffset = end
        firstArrival = min(firstArrival, arrival)
        lastArrival = max(lastArrival, arrival)
        lastChecksum = checksum
    }
}
