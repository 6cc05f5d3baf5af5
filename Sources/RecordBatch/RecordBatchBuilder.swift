/// Builds a batch, record by record, in one buffer.

public import Codecs

/// Who an idempotent producer is, and where in its sequence a batch begins (KIP-98).
public struct ProducerStamp: Hashable, Sendable {
    public var id: Int64
    public var epoch: Int16
    public var baseSequence: Int32
    public init(id: Int64, epoch: Int16, baseSequence: Int32) {
        self.id = id
        self.epoch = epoch
        self.baseSequence = baseSequence
    }
}

/// Collects records and makes a batch of them. One builder makes one batch.
public struct RecordBatchBuilder: Sendable {
    /// What the records' timestamps are written relative to, milliseconds since 1970-01-01 UTC.
    public let baseTimestamp: Int64
    /// How the records will be compressed.
    public let codec: CompressionCodec
    /// The idempotent producer whose batch it is; nil for none.
    public var producer: ProducerStamp?
    /// How many records were appended.
    public private(set) var recordCount = 0
    /// The length of the batch so far, header included, before compression.
    public private(set) var byteCount = BatchLayout.records
    private var maxTimestamp = Int64.min
    /// Room for the header, the records, and bytes not used yet; `byteCount` tells where those begin.
    private var memory: SharedMemory

    /// - Parameters:
    ///   - baseTimestamp: best the first record's timestamp: the others are stored as differences.
    ///   - expectedBytes: room made at once.
    public init(baseTimestamp: Int64, codec: CompressionCodec = .none, expectedBytes: Int = 4096) {
        self.baseTimestamp = baseTimestamp
        self.codec = codec
        memory = SharedMemory(byteCount: max(BatchLayout.records, expectedBytes))
        UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<BatchLayout.records]).initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// Appends a record.
    /// - Parameters:
    ///   - key: nil is not the same as empty; likewise `value`.
    ///   - timestamp: milliseconds since 1970-01-01 UTC.
    /// - Throws: `.invalid` when the batch would be longer than Kafka's format can say (2 GiB), or the timestamp lies too far from
    ///   `baseTimestamp`; then the builder is unchanged.
    public mutating func append(
        key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, timestamp: Int64, headers: [RecordHeader] = []
    ) throws(RecordBatchError) {
        let (timestampDelta, overflow) = timestamp.subtractingReportingOverflow(baseTimestamp)
        if overflow { throw .invalid(.timestampDelta, value: timestamp, rule: "it is too far from \(baseTimestamp)") }
        var length = 1 + Varint.size(timestampDelta) + Varint.size(Int64(recordCount))
        length += Self.size(key?.count) + Self.size(value?.count) + Varint.size(Int64(headers.count))
        for header in headers { length += Self.size(header.key.utf8.count) + Self.size(header.value?.count) }
        let end = byteCount + Varint.size(Int64(length)) + length
        guard end <= RecordBatch.maxLength else {
            throw .invalid(.batchLength, value: Int64(end), rule: "a batch has at most \(RecordBatch.maxLength) bytes")
        }
        makeRoom(end)
        withExtendedLifetime(memory) {
            let bytes = memory.bytes
            var position = Varint.write(Int64(length), to: bytes, at: byteCount)
            bytes[position] = 0
            position = Varint.write(timestampDelta, to: bytes, at: position + 1)
            position = Varint.write(Int64(recordCount), to: bytes, at: position)
            position = Self.write(key, to: bytes, at: position)
            position = Self.write(value, to: bytes, at: position)
            position = Varint.write(Int64(headers.count), to: bytes, at: position)
            for header in headers { position = Self.write(header, to: bytes, at: position) }
            precondition(position == end, "a record has the length that was counted")
        }
        byteCount = end
        recordCount += 1
        maxTimestamp = max(maxTimestamp, timestamp)
    }

    /// Appends a record; see the other `append`.
    public mutating func append(
        key: [UInt8]?, value: [UInt8]?, timestamp: Int64, headers: [RecordHeader] = []
    ) throws(RecordBatchError) {
        try Self.withBytes(key) { key throws(RecordBatchError) in
            try Self.withBytes(value) { value throws(RecordBatchError) in
                try append(key: key, value: value, timestamp: timestamp, headers: headers)
            }
        }
    }

    /// Makes the batch: compresses the records, writes the header with base offset 0, and the CRC.
    /// - Throws: `.empty`; `.codec` when memory is short; `.invalid` when compression made it longer than the format can say.
    public consuming func finish() throws(RecordBatchError) -> RecordBatch {
        guard recordCount > 0 else { throw .empty }
        makeRoom(byteCount)
        guard codec == .none else {
            // The compressor takes the header's place along; its fields are written afterwards.
            let compressed = try compressed()
            guard compressed.byteCount <= RecordBatch.maxLength else {
                throw .invalid(
                    .batchLength, value: Int64(compressed.byteCount), rule: "a batch has at most \(RecordBatch.maxLength) bytes")
            }
            writeHeader(compressed.bytes)
            return RecordBatch(built: BatchBytes(compressed, 0..<compressed.byteCount), recordCount: recordCount)
        }
        writeHeader(UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<byteCount]))
        return RecordBatch(built: BatchBytes(memory, 0..<byteCount), recordCount: recordCount)
    }

    private func compressed() throws(RecordBatchError) -> SharedMemory {
        do throws(CodecError) {
            let bytes = UnsafeRawBufferPointer(memory.bytes)
            let header = UnsafeRawBufferPointer(rebasing: bytes[..<BatchLayout.records])
            let records = UnsafeRawBufferPointer(rebasing: bytes[BatchLayout.records..<byteCount])
            return try codec.compress(records, after: header).withUnsafeBytes { SharedMemory(copying: $0) }
        } catch {
            throw .codec(error)
        }
    }

    private func writeHeader(_ bytes: UnsafeMutableRawBufferPointer) {
        let count = Int32(truncatingIfNeeded: recordCount)
        bytes.setBigEndian(Int64(0), at: BatchLayout.baseOffset)
        bytes.setBigEndian(Int32(truncatingIfNeeded: bytes.count - BatchLayout.lengthPrefix), at: BatchLayout.batchLength)
        bytes.setBigEndian(Int32(0), at: BatchLayout.leaderEpoch)
        bytes.setBigEndian(BatchLayout.currentMagic, at: BatchLayout.magic)
        bytes.setBigEndian(Int16(codec.rawValue), at: BatchLayout.attributes)
        bytes.setBigEndian(count - 1, at: BatchLayout.lastOffsetDelta)
        bytes.setBigEndian(baseTimestamp, at: BatchLayout.baseTimestamp)
        bytes.setBigEndian(maxTimestamp, at: BatchLayout.maxTimestamp)
        bytes.setBigEndian(producer?.id ?? -1, at: BatchLayout.producerID)
        bytes.setBigEndian(producer?.epoch ?? -1, at: BatchLayout.producerEpoch)
        bytes.setBigEndian(producer?.baseSequence ?? -1, at: BatchLayout.baseSequence)
        bytes.setBigEndian(count, at: BatchLayout.recordCount)
        let covered = UnsafeRawBufferPointer(rebasing: bytes[BatchLayout.attributes...])
        bytes.setBigEndian(CRC32C.checksum(covered), at: BatchLayout.crc)
    }

    /// Makes memory that is this builder's alone and holds so many bytes: a copy of the builder may have the same.
    private mutating func makeRoom(_ end: Int) {
        guard end > memory.byteCount || !isKnownUniquelyReferenced(&memory) else { return }
        let larger = SharedMemory(byteCount: end > memory.byteCount ? max(end, memory.byteCount &* 2) : memory.byteCount)
        larger.bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory.bytes[..<byteCount]))
        memory = larger
    }
}

// MARK: - Bytes with their length before them

extension RecordBatchBuilder {
    private static func size(_ count: Int?) -> Int {
        guard let count else { return 1 }
        return Varint.size(Int64(count)) + count
    }

    private static func write(_ field: UnsafeRawBufferPointer?, to bytes: UnsafeMutableRawBufferPointer, at start: Int) -> Int {
        guard let field else { return Varint.write(-1, to: bytes, at: start) }
        let position = Varint.write(Int64(field.count), to: bytes, at: start)
        if !field.isEmpty { UnsafeMutableRawBufferPointer(rebasing: bytes[position...]).copyMemory(from: field) }
        return position + field.count
    }

    private static func write(_ header: RecordHeader, to bytes: UnsafeMutableRawBufferPointer, at start: Int) -> Int {
        var position = start
        var key = header.key
        key.withUTF8 { position = write(UnsafeRawBufferPointer($0), to: bytes, at: position) }
        withBytes(header.value) { position = write($0, to: bytes, at: position) }
        return position
    }

    private static func withBytes<E: Error>(
        _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws(E) -> Void
    ) throws(E) {
        guard let bytes else { return try body(nil) }
        try bytes.withBytes { pointer throws(E) in try body(pointer) }
    }
}
