/// The records of a batch: forth and back through every codec, and against hostile lengths.

import RecordBatch
import Testing

@Suite struct RecordTests {
    static let records: [OwnedRecord] = (0..<300).map { index in
        let value = index % 7 == 0 ? nil : Array(String(repeating: "value \(index) ", count: index % 40).utf8)
        let headers = (0..<index % 3).map { RecordHeader(key: "ключ\($0)", value: $0 == 0 ? nil : [1, 2, UInt8($0)]) }
        // Before and after the base timestamp, near and far.
        let timestamp = 1_700_000_000_000 + Int64(index - 100) * (index % 5 == 0 ? 86_400_000 : 1)
        return OwnedRecord(
            offset: Int64(index), timestamp: timestamp, key: index % 5 == 0 ? nil : Array("key\(index)".utf8), value: value,
            headers: headers)
    }

    @Test("keys, values, nulls, headers and times come back through every codec", arguments: CompressionCodec.allCases)
    func roundTrip(codec: CompressionCodec) throws {
        var builder = RecordBatchBuilder(baseTimestamp: 1_700_000_000_000, codec: codec, expectedBytes: 0)
        for record in Self.records {
            try builder.append(key: record.key, value: record.value, timestamp: record.timestamp, headers: record.headers)
        }
        #expect(builder.recordCount == 300)
        let batch = try builder.finish()
        let read = try RecordBatch(validating: batch.bytes)
        #expect(read.codec == codec && read == batch)
        #expect(read.maxTimestamp == Self.records.map(\.timestamp).max())
        #expect(try read.records() == Self.records)
        try read.checkRecords()
        var offsets: [Int64] = []
        try read.settingBaseOffset(1000).forEachRecord { record in
            #expect(record.offset == 1000 + Int64(record.offsetDelta) && record.headers.count == record.offsetDelta % 3)
            offsets.append(record.offset)
        }
        #expect(offsets == Array(1000..<1300))
    }

    @Test("a builder's copy and its original go on independently")
    func copies() throws {
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        try builder.append(key: nil, value: [1], timestamp: 0)
        let first = try builder.finish()
        try builder.append(key: nil, value: [2], timestamp: 0)
        #expect(try first.records().map(\.value) == [[1]])
        #expect(try builder.finish().records().map(\.value) == [[1], [2]])
    }

    @Test("a batch without records cannot be built")
    func empty() {
        #expect(throws: RecordBatchError.empty) { try RecordBatchBuilder(baseTimestamp: 0).finish() }
    }

    @Test("a timestamp that no difference can say is refused and changes nothing")
    func farTimestamp() throws {
        var builder = RecordBatchBuilder(baseTimestamp: -2)
        #expect(throws: RecordBatchError.self) { try builder.append(key: nil, value: [1], timestamp: .max) }
        try builder.append(key: nil, value: [1], timestamp: .max - 2)
        try builder.append(key: nil, value: [1], timestamp: .min)
        #expect(try builder.finish().records().map(\.timestamp) == [.max - 2, .min])
    }

    @Test("a bomb in a batch is refused at the bound", arguments: CompressionCodec.allCases.filter { $0 != .none })
    func bomb(codec: CompressionCodec) throws {
        var builder = RecordBatchBuilder(baseTimestamp: 0, codec: codec)
        try builder.append(key: nil, value: [UInt8](repeating: 0, count: 80 << 20), timestamp: 0)
        let batch = try builder.finish()
        #expect(batch.bytes.count < 10 << 20)
        #expect(throws: RecordBatchError.codec(.tooLarge(codec, maxBytes: 64 << 20))) { try batch.checkRecords() }
        #expect(throws: RecordBatchError.codec(.tooLarge(codec, maxBytes: 1 << 20))) {
            try batch.checkRecords(maxDecompressedBytes: 1 << 20)
        }
        try batch.checkRecords(maxDecompressedBytes: 128 << 20)
    }

    @Test("an error of the caller's own comes out as it is, even when it is a codec's")
    func callersError() throws {
        var builder = RecordBatchBuilder(baseTimestamp: 0, codec: .zstd)
        try builder.append(key: nil, value: [1], timestamp: 0)
        let batch = try builder.finish()
        #expect(throws: CodecError.truncated(.gzip)) { try batch.forEachRecord { _ in throw CodecError.truncated(.gzip) } }
    }

    @Test("every single byte of the records may be anything without harm")
    func anyByte() throws {
        let bytes = try batch(count: 3, headers: [RecordHeader(key: "h", value: [1])]).wireBytes
        for position in 61..<bytes.count {
            for byte in UInt8.min...UInt8.max {
                var changed = bytes
                changed[position] = byte
                sign(&changed)
                _ = try? RecordBatch(validating: changed).records()
            }
        }
    }

    @Test("hostile lengths and numbers are refused by name", arguments: RecordTests.hostileRecords)
    func refused(record: [UInt8], field: RecordBatchError.Field?) throws {
        var bytes = Array(RecordBatchTests.golden[..<61]) + record
        set(&bytes, 8, Int32(bytes.count - 12))
        sign(&bytes)
        let batch = try RecordBatch(validating: bytes)
        do {
            try batch.checkRecords()
            Issue.record("it was taken")
        } catch .truncated {
            #expect(field == nil)
        } catch .invalid(let named, _, _) {
            #expect(named == field)
        } catch {
            Issue.record(error)
        }
    }

    /// Records in place of the golden one, and the field at fault (nil: the bytes end too early).
    static let hostileRecords: [([UInt8], RecordBatchError.Field?)] = [
        ([1, 0, 0, 0, 1, 1, 0, 0], .recordLength),
        ([18, 0, 0, 0, 2, 0x6B, 2, 0x76, 0], nil),
        ([14, 0, 0, 0, 2, 0x6B, 2, 0x76, 0], nil),
        ([18, 0, 0, 0, 2, 0x6B, 2, 0x76, 0, 0], .recordLength),
        ([16, 0, 0, 0, 2, 0x6B, 2, 0x76, 0, 0], .records),
        ([16, 0, 0, 2, 2, 0x6B, 2, 0x76, 0], .offsetDelta),
        ([16, 0, 0, 0, 3, 0x6B, 2, 0x76, 0], .keyLength),
        ([16, 0, 0, 0, 100, 0x6B, 2, 0x76, 0], nil),
        ([16, 0, 0, 0, 2, 0x6B, 5, 0x76, 0], .valueLength),
        ([16, 0, 0, 0, 2, 0x6B, 2, 0x76, 1], .headerCount),
        ([16, 0, 0, 0, 2, 0x6B, 2, 0x76, 2], .headerCount),
        ([18, 0, 0, 0, 1, 1, 2, 1, 1, 0], .headerKeyLength),
        ([18, 0, 0, 0, 1, 1, 2, 0, 3, 0], .headerValueLength),
        // A number with more than 32 bits, one with more than 64, and the farthest timestamp.
        ([0x80, 0x80, 0x80, 0x80, 0x10, 0, 0], .records),
        ([34, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0, 0, 0], .records),
        ([34, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0, 0, 0, 0, 0, 0], .timestampDelta),
    ]
}
