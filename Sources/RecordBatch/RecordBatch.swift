/// One Kafka v2 record batch as bytes (DESIGN, decision 2): its checks and its header.

// A codec is part of what one says of a batch, so who imports this room has it.
@_exported public import Codecs

/// A record batch in Kafka's v2 format, whole and checked.
///
/// Layout: Kafka protocol guide, "Record Batch"; the article <doc:RecordBatch> has it in short. Its bytes are a slice of shared memory, which nobody
/// changes: what the log decides of a batch, base offset and leader epoch, stands beside them, and `write(to:)` and `wireSlices` put it in its place.
public struct RecordBatch: Sendable {
    /// As they were built or came, from the base offset to the last record. In place of base offset and leader epoch they may have others.
    public let bytes: BatchBytes
    /// How many records it holds; at least 1.
    public let recordCount: Int
    /// The offset of the first record.
    public private(set) var baseOffset: Int64
    /// The epoch of the partition leader that stored it.
    public private(set) var leaderEpoch: Int32
    /// The CRC was made of these very bytes, or found right.
    private let isChecked: Bool

    /// Takes the bytes of exactly one batch that come from outside.
    ///
    /// Checks length, magic, CRC and counts. The records themselves are checked when they are read; `checkRecords` does only that.
    /// - Throws: `.truncated`, `.invalid`, `.unsupported`, `.checksumMismatch`.
    public init(validating bytes: BatchBytes) throws(RecordBatchError) {
        let header = try bytes.withUnsafeBytes { header throws(RecordBatchError) in try Self.checkHeader(header) }
        let (stored, computed) = Self.checksums(bytes)
        guard stored == computed else { throw .checksumMismatch(stored: stored, computed: computed) }
        self.init(bytes, header, isChecked: true)
    }

    /// Copies the bytes of exactly one batch that come from outside.
    /// - Throws: as the other `init(validating:)`.
    public init(validating bytes: [UInt8]) throws(RecordBatchError) {
        try self.init(validating: BatchBytes(bytes))
    }

    /// Takes the bytes of exactly one batch whose CRC will be checked with `checkCRC`.
    ///
    /// Everything else in the header is checked, so no accessor can fail on any bytes.
    /// - Throws: `.truncated`, `.invalid`, `.unsupported`.
    public init(uncheckedCRC bytes: BatchBytes) throws(RecordBatchError) {
        let header = try bytes.withUnsafeBytes { header throws(RecordBatchError) in try Self.checkHeader(header) }
        self.init(bytes, header, isChecked: false)
    }

    /// Copies the bytes of exactly one batch; see the other `init(uncheckedCRC:)`.
    public init(uncheckedCRC bytes: [UInt8]) throws(RecordBatchError) {
        try self.init(uncheckedCRC: BatchBytes(bytes))
    }

    /// Takes the bytes of exactly one batch that `isIntact` was asked about.
    /// - Throws: `.truncated`, `.invalid`, `.unsupported`.
    public init(intact bytes: BatchBytes) throws(RecordBatchError) {
        let header = try bytes.withUnsafeBytes { header throws(RecordBatchError) in try Self.checkHeader(header) }
        self.init(bytes, header, isChecked: true)
    }

    private init(_ bytes: BatchBytes, _ header: CheckedHeader, isChecked: Bool) {
        self.bytes = bytes
        recordCount = header.recordCount
        baseOffset = header.baseOffset
        leaderEpoch = header.leaderEpoch
        self.isChecked = isChecked
    }

    /// For the builder and the compressor, which have just written header and CRC.
    init(built bytes: BatchBytes, recordCount: Int, baseOffset: Int64 = 0, leaderEpoch: Int32 = 0) {
        self.init(
            bytes, CheckedHeader(recordCount: recordCount, baseOffset: baseOffset, leaderEpoch: leaderEpoch), isChecked: true)
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

    /// What a header that is right says.
    private struct CheckedHeader {
        var recordCount: Int
        var baseOffset: Int64
        var leaderEpoch: Int32
    }

    private static func checkHeader(_ bytes: UnsafeRawBufferPointer) throws(RecordBatchError) -> CheckedHeader {
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
        guard attributes & BatchAttributes.deleteHorizon == 0 else {
            throw .unsupported(.attributes, value: Int64(attributes), rule: "compacted batches are not taken")
        }
        return try checkCounts(bytes, codec: codec)
    }

    private static func checkCounts(
        _ bytes: UnsafeRawBufferPointer, codec: CompressionCodec
    ) throws(RecordBatchError) -> CheckedHeader {
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
        return CheckedHeader(
            recordCount: Int(count), baseOffset: base, leaderEpoch: bytes.bigEndian(at: BatchLayout.leaderEpoch))
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
    /// The offset of the last record less that of the first.
    public var lastOffsetDelta: Int32 { field(BatchLayout.lastOffsetDelta) }
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
    /// Whether it is a marker of a transaction's end, which is no record to anybody (Kafka protocol guide, "Control Batches").
    public var isControl: Bool { attributes & BatchAttributes.control != 0 }
    /// The CRC-32C of everything from the attributes on, as the header states it.
    public var crc: UInt32 { field(BatchLayout.crc) }

    /// Whether the bytes are those that the CRC was made of. What was built here, or found right before, is not looked through again.
    public func checkCRC() -> Bool {
        if isChecked { return true }
        let (stored, computed) = Self.checksums(bytes)
        return stored == computed
    }

    /// Sets what the log decides. The CRC does not cover it, and the bytes stay as they are.
    public mutating func setBaseOffset(_ offset: Int64, leaderEpoch: Int32 = 0) {
        baseOffset = offset
        self.leaderEpoch = leaderEpoch
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

    func checksums() -> (stored: UInt32, computed: UInt32) { Self.checksums(bytes) }

    private static func checksums(_ bytes: BatchBytes) -> (stored: UInt32, computed: UInt32) {
        bytes.withUnsafeBytes { bytes in
            let covered = UnsafeRawBufferPointer(rebasing: bytes[BatchLayout.attributes...])
            return (bytes.bigEndian(at: BatchLayout.crc), CRC32C.checksum(covered))
        }
    }
}

extension RecordBatch: Hashable {
    /// Batches are the same when the same bytes would be written of them.
    public static func == (left: RecordBatch, right: RecordBatch) -> Bool {
        guard left.baseOffset == right.baseOffset, left.leaderEpoch == right.leaderEpoch, left.bytes.count == right.bytes.count
        else { return false }
        return left.bytes.slice(BatchLayout.magic..<left.bytes.count) == right.bytes.slice(BatchLayout.magic..<right.bytes.count)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(baseOffset)
        hasher.combine(crc)
    }
}
