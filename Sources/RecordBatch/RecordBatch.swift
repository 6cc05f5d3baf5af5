/// One Kafka v2 record batch as bytes (DESIGN, decision 2): its checks and its header.

// A codec is part of what one says of a batch, so who imports this room has it.
@_exported public import Codecs

/// A record batch in Kafka's v2 format, whole and checked.
///
/// The bytes are those of the wire and of the disk. Layout: Kafka protocol guide, "Record Batch"; the article <doc:RecordBatch> has it in short.
public struct RecordBatch: Sendable, Hashable {
    /// From the base offset to the last record.
    public private(set) var bytes: [UInt8]
    /// How many records it holds; at least 1.
    public let recordCount: Int

    /// Takes the bytes of exactly one batch that come from outside.
    ///
    /// Checks length, magic, CRC and counts. The records themselves are checked when they are read; `checkRecords` does only that.
    /// - Throws: `.truncated`, `.invalid`, `.unsupported`, `.checksumMismatch`.
    public init(validating bytes: [UInt8]) throws(RecordBatchError) {
        try self.init(uncheckedCRC: bytes)
        let (stored, computed) = checksums()
        guard stored == computed else { throw .checksumMismatch(stored: stored, computed: computed) }
    }

    /// Takes the bytes of exactly one batch whose CRC was checked before, or will be with `checkCRC`.
    ///
    /// Everything else in the header is checked, so no accessor can fail on any bytes.
    /// - Throws: `.truncated`, `.invalid`, `.unsupported`.
    public init(uncheckedCRC bytes: [UInt8]) throws(RecordBatchError) {
        recordCount = try bytes.withBytes { header throws(RecordBatchError) in try Self.checkHeader(header) }
        self.bytes = bytes
    }

    /// For the builder, which has just written the header.
    init(built bytes: [UInt8], recordCount: Int) {
        self.bytes = bytes
        self.recordCount = recordCount
    }

    /// The length of the batch that begins a buffer, or nil when there are too few bytes to tell.
    ///
    /// Cuts a buffer with several batches into single ones. The batch itself may not be complete yet.
    /// - Throws: `.invalid` when no batch can have that length.
    public static func length(prefix: UnsafeRawBufferPointer) throws(RecordBatchError) -> Int? {
        guard prefix.count >= BatchLayout.lengthPrefix else { return nil }
        let stated: Int32 = prefix.bigEndian(at: BatchLayout.batchLength)
        guard Int(stated) >= BatchLayout.records - BatchLayout.lengthPrefix else {
            throw .invalid(.batchLength, value: Int64(stated), rule: "the header alone takes more")
        }
        return Int(stated) + BatchLayout.lengthPrefix
    }

    /// The length that `batchLength` may state at most: the field is an `Int32` and does not count itself.
    static let maxLength = Int(Int32.max) + BatchLayout.lengthPrefix

    private static func checkHeader(_ bytes: UnsafeRawBufferPointer) throws(RecordBatchError) -> Int {
        guard bytes.count >= BatchLayout.records, let length = try length(prefix: bytes) else {
            throw .truncated(needed: BatchLayout.records, available: bytes.count)
        }
        let magic: Int8 = bytes.bigEndian(at: BatchLayout.magic)
        guard magic == BatchLayout.currentMagic else {
            throw .unsupported(.magic, value: Int64(magic), rule: "only version 2 is taken")
        }
        guard bytes.count >= length else { throw .truncated(needed: length, available: bytes.count) }
        guard bytes.count == length else {
            throw .invalid(.batchLength, value: Int64(length - BatchLayout.lengthPrefix), rule: "more bytes follow the batch")
        }
        let attributes: Int16 = bytes.bigEndian(at: BatchLayout.attributes)
        let codec = try codec(attributes)
        guard attributes & BatchAttributes.control == 0 else {
            throw .unsupported(.attributes, value: Int64(attributes), rule: "control batches are not taken")
        }
        guard attributes & BatchAttributes.deleteHorizon == 0 else {
            throw .unsupported(.attributes, value: Int64(attributes), rule: "compacted batches are not taken")
        }
        return try checkCounts(bytes, codec: codec)
    }

    private static func checkCounts(
        _ bytes: UnsafeRawBufferPointer, codec: CompressionCodec
    ) throws(RecordBatchError) -> Int {
        let count: Int32 = bytes.bigEndian(at: BatchLayout.recordCount)
        guard count >= 1 else { throw .invalid(.recordCount, value: Int64(count), rule: "a batch has at least one record") }
        if codec == .none, Int(count) > (bytes.count - BatchLayout.records) / BatchLayout.smallestRecord {
            throw .invalid(.recordCount, value: Int64(count), rule: "the batch is too short for so many records")
        }
        let lastDelta: Int32 = bytes.bigEndian(at: BatchLayout.lastOffsetDelta)
        guard lastDelta == count - 1 else {
            let rule = "with \(count) records it must be \(count - 1); compacted batches are not taken"
            throw .unsupported(.lastOffsetDelta, value: Int64(lastDelta), rule: rule)
        }
        let base: Int64 = bytes.bigEndian(at: BatchLayout.baseOffset)
        guard base >= 0, base <= Int64.max - Int64(count) else {
            throw .invalid(.baseOffset, value: base, rule: "offsets run from 0 to 2^63 - 2")
        }
        return Int(count)
    }

    private static func codec(_ attributes: Int16) throws(RecordBatchError) -> CompressionCodec {
        guard let codec = CompressionCodec(rawValue: UInt8(truncatingIfNeeded: attributes & BatchAttributes.codec)) else {
            throw .unsupported(.attributes, value: Int64(attributes), rule: "bits 0 to 2 name no codec")
        }
        return codec
    }
}

// MARK: - Header

extension RecordBatch {
    /// The offset of the first record.
    public var baseOffset: Int64 { field(BatchLayout.baseOffset) }
    /// The offset of the last record less that of the first.
    public var lastOffsetDelta: Int32 { field(BatchLayout.lastOffsetDelta) }
    /// The epoch of the partition leader that stored it.
    public var leaderEpoch: Int32 { field(BatchLayout.leaderEpoch) }
    /// What the records' timestamps are relative to, milliseconds since 1970-01-01 UTC.
    public var baseTimestamp: Int64 { field(BatchLayout.baseTimestamp) }
    /// The latest timestamp of the records, as the producer states it.
    public var maxTimestamp: Int64 { field(BatchLayout.maxTimestamp) }
    /// Of an idempotent producer, or -1.
    public var producerID: Int64 { field(BatchLayout.producerID) }
    /// Of an idempotent producer, or -1.
    public var producerEpoch: Int16 { field(BatchLayout.producerEpoch) }
    /// The producer's number of the first record, or -1.
    public var baseSequence: Int32 { field(BatchLayout.baseSequence) }
    /// All bits; the other accessors tell their meaning.
    public var attributes: Int16 { field(BatchLayout.attributes) }
    /// How the records are compressed.
    public var codec: CompressionCodec {
        // Checked when the batch was made.
        CompressionCodec(rawValue: UInt8(truncatingIfNeeded: attributes & BatchAttributes.codec)) ?? .none
    }
    /// Whether the broker set the timestamp, which then is `maxTimestamp` for every record.
    public var hasLogAppendTime: Bool { attributes & BatchAttributes.logAppendTime != 0 }
    /// Whether it belongs to a Kafka transaction.
    public var isTransactional: Bool { attributes & BatchAttributes.transactional != 0 }
    /// The CRC-32C of everything from the attributes on, as the header states it.
    public var crc: UInt32 { field(BatchLayout.crc) }

    /// Whether the bytes are those that the CRC was made of.
    public func checkCRC() -> Bool {
        let (stored, computed) = checksums()
        return stored == computed
    }

    /// Sets what the log decides. The CRC does not cover it.
    public mutating func setBaseOffset(_ offset: Int64, leaderEpoch: Int32 = 0) {
        bytes.withUnsafeMutableBytes { bytes in
            bytes.setBigEndian(offset, at: BatchLayout.baseOffset)
            bytes.setBigEndian(leaderEpoch, at: BatchLayout.leaderEpoch)
        }
    }

    /// The batch with what the log decides.
    public func settingBaseOffset(_ offset: Int64, leaderEpoch: Int32 = 0) -> RecordBatch {
        var batch = self
        batch.setBaseOffset(offset, leaderEpoch: leaderEpoch)
        return batch
    }

    private func field<T: FixedWidthInteger & BitwiseCopyable>(_ position: Int) -> T {
        bytes.withUnsafeBytes { $0.bigEndian(at: position) }
    }

    func checksums() -> (stored: UInt32, computed: UInt32) {
        bytes.withUnsafeBytes { bytes in
            let covered = UnsafeRawBufferPointer(rebasing: bytes[BatchLayout.attributes...])
            return (bytes.bigEndian(at: BatchLayout.crc), CRC32C.checksum(covered))
        }
    }
}
