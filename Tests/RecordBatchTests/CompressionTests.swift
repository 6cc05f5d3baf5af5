/// Batches that are compressed after they were built, and taken out of it again.

import RecordBatch
import Testing

@Suite struct CompressionTests {
    /// The records of `RecordTests` with every header field set to something of its own.
    private static func sample() throws -> RecordBatch {
        var builder = RecordBatchBuilder(baseTimestamp: 1_700_000_000_000)
        for record in RecordTests.records {
            try builder.append(key: record.key, value: record.value, timestamp: record.timestamp, headers: record.headers)
        }
        var bytes = try builder.finish().wireBytes
        set(&bytes, 43, Int64(77))
        set(&bytes, 51, Int16(5))
        set(&bytes, 53, Int32(900))
        // Transactional, with the time of the log.
        set(&bytes, 21, Int16(0b1_1000))
        sign(&bytes)
        return try RecordBatch(validating: bytes).settingBaseOffset(41, leaderEpoch: 3)
    }

    @Test(
        "a compressed batch has the same records and the same header but for length, codec and CRC",
        arguments: [CompressionCodec.zstd, .lz4, .gzip, .snappy])
    func roundTrip(codec: CompressionCodec) throws {
        let plain = try Self.sample()
        let compressed = plain.compressed(with: codec)
        #expect(compressed.codec == codec && compressed.bytes.count < plain.bytes.count)
        #expect(try RecordBatch(validating: compressed.wireBytes) == compressed)
        #expect(try compressed.records() == plain.records())
        #expect(compressed.recordCount == plain.recordCount)
        #expect(compressed.attributes == plain.attributes | Int16(codec.rawValue))
        // Offsets and epoch, magic, and all from the offset delta on to the records.
        for range in [0..<8, 12..<17, 23..<61] { #expect(compressed.wireBytes[range] == plain.wireBytes[range]) }
        #expect(try compressed.decompressed() == plain)
    }

    @Test(
        "what a batch is compressed to is what a producer's builder writes, in the forms that Kafka's clients read",
        arguments: [CompressionCodec.zstd, .lz4])
    func asAProducer(codec: CompressionCodec) throws {
        var builders = [CompressionCodec.none, codec].map { RecordBatchBuilder(baseTimestamp: 5, codec: $0) }
        for index in builders.indices {
            // More than one block of LZ4.
            for number in 0..<5_000 { try builders[index].append(key: nil, value: Array("value \(number)".utf8), timestamp: 5) }
        }
        let (plain, built) = (try builders[0].finish(), try builders[1].finish())
        #expect(plain.compressed(with: codec) == built)
        let records = Array(built.wireBytes[61...])
        // LZ4: version 01, independent blocks of 64 KiB, no content size. zstd: its magic number.
        #expect(
            codec == .lz4
                ? records.starts(with: [0x04, 0x22, 0x4D, 0x18, 0x60, 0x40]) : records.starts(with: [0x28, 0xB5, 0x2F, 0xFD]))
    }

    @Test("a batch that is compressed already, or would not shrink, or is to stay plain, stays as it is")
    func staysAsItIs() throws {
        let plain = try Self.sample()
        let lz4 = plain.compressed(with: .lz4)
        #expect(lz4.compressed(with: .zstd) == lz4)
        #expect(plain.compressed(with: .none) == plain)
        #expect(try plain.decompressed() == plain)
        let small = try RecordBatch(validating: RecordBatchTests.golden)
        for codec in CompressionCodec.allCases { #expect(small.compressed(with: codec) == small) }
    }

    @Test("a batch with a wrong CRC is not given a right one")
    func damaged() throws {
        for batch in [try Self.sample(), try Self.sample().compressed(with: .zstd)] {
            var bytes = batch.wireBytes
            bytes[70] ^= 1
            let damaged = try RecordBatch(uncheckedCRC: bytes)
            #expect(damaged.compressed(with: .lz4) == damaged)
            if batch.codec != .none { #expect(throws: RecordBatchError.self) { try damaged.decompressed() } }
        }
    }

    @Test("a batch whose records readers would refuse as too large is not compressed")
    func largest() throws {
        for (excess, isCompressed) in [(0, true), (1, false)] {
            let size = RecordBatch.defaultMaxDecompressedBytes + excess
            var builder = RecordBatchBuilder(baseTimestamp: 0, expectedBytes: 61 + size)
            // A record of no key and a value of so many bytes takes 13 bytes more.
            try builder.append(key: nil, value: [UInt8](repeating: 0, count: size - 13), timestamp: 0)
            let plain = try builder.finish()
            #expect(plain.bytes.count == 61 + size)
            let batch = plain.compressed(with: .zstd)
            #expect((batch.codec == .zstd) == isCompressed)
            try batch.checkRecords()
        }
    }

    @Test("what comes out of a compressed batch is bounded, and must be enough for its records")
    func bounds() throws {
        let batch = try Self.sample().compressed(with: .zstd)
        let size = try Self.sample().bytes.count - 61
        #expect(try batch.decompressed(maxBytes: size).recordCount == batch.recordCount)
        #expect(throws: RecordBatchError.codec(.tooLarge(.zstd, maxBytes: size - 1))) { try batch.decompressed(maxBytes: size - 1) }
        var bytes = batch.wireBytes
        set(&bytes, 57, Int32(1_000_000))
        set(&bytes, 23, Int32(999_999))
        sign(&bytes)
        let lying = try RecordBatch(validating: bytes)
        #expect(throws: RecordBatchError.self) { try lying.decompressed() }
        bytes = Array(batch.wireBytes.dropLast())
        set(&bytes, 8, Int32(bytes.count - 12))
        sign(&bytes)
        let cut = try RecordBatch(validating: bytes)
        #expect(throws: RecordBatchError.codec(.truncated(.zstd))) { try cut.decompressed() }
    }
}
