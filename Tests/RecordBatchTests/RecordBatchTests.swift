/// The header of a batch: its fields, and everything that is refused.

import RecordBatch
import Testing

@Suite struct RecordBatchTests {
    /// Made by hand from the protocol guide: one record, key "k", value "v", timestamp 1000; its CRC by a CRC-32C of another make.
    static let golden: [UInt8] = [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 58, 0, 0, 0, 0, 2, 0x71, 0x6A, 0x61, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0xE8, 0,
        0, 0, 0,
        0, 0, 3, 0xE8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1, 16, 0, 0, 0,
        2,
        0x6B, 2, 0x76, 0,
    ]

    @Test("a batch is built byte by byte as the protocol guide says")
    func handmade() throws {
        var builder = RecordBatchBuilder(baseTimestamp: 1000)
        try builder.append(key: [0x6B], value: [0x76], timestamp: 1000)
        #expect(builder.byteCount == Self.golden.count)
        #expect(try builder.finish().wireBytes == Self.golden)
        let record = OwnedRecord(offset: 0, timestamp: 1000, key: [0x6B], value: [0x76])
        #expect(try RecordBatch(validating: Self.golden).records() == [record])
    }

    @Test("each header field is read from its place")
    func fields() throws {
        var bytes = try batch(count: 3).wireBytes
        set(&bytes, 43, Int64(77))
        set(&bytes, 51, Int16(5))
        set(&bytes, 53, Int32(900))
        set(&bytes, 21, Int16(0b1_1000))
        sign(&bytes)
        var batch = try RecordBatch(validating: bytes)
        #expect(batch.recordCount == 3 && batch.lastOffsetDelta == 2)
        #expect(batch.baseTimestamp == 10_000 && batch.maxTimestamp == 10_002)
        #expect(batch.producerID == 77 && batch.producerEpoch == 5 && batch.baseSequence == 900)
        #expect(batch.codec == .none && batch.isTransactional && batch.hasLogAppendTime && batch.attributes == 0b1_1000)
        #expect(try batch.records().map(\.timestamp) == [10_002, 10_002, 10_002])
        batch.setBaseOffset(1 << 40, leaderEpoch: 9)
        #expect(batch.baseOffset == 1 << 40 && batch.leaderEpoch == 9)
    }

    @Test("the log sets offset and epoch without touching the CRC")
    func baseOffset() throws {
        let batch = try batch(count: 2).settingBaseOffset(41, leaderEpoch: 3)
        #expect(batch.checkCRC())
        #expect(try RecordBatch(validating: batch.wireBytes) == batch)
        #expect(try batch.records().map(\.offset) == [41, 42])
    }

    @Test("a batch cut at any byte is refused, and so is one with a byte more")
    func truncated() throws {
        let bytes = try batch(count: 2).wireBytes
        for cut in 0..<bytes.count {
            #expect(throws: RecordBatchError.truncated(needed: cut < 61 ? 61 : bytes.count, available: cut)) {
                try RecordBatch(validating: Array(bytes[..<cut]))
            }
        }
        #expect(throws: RecordBatchError.self) { try RecordBatch(validating: bytes + [0]) }
    }

    @Test("every flipped bit from the attributes on is found, and in the CRC itself")
    func damaged() throws {
        let bytes = try batch(count: 2).wireBytes
        for position in 17..<bytes.count {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[position] ^= 1 << UInt8(bit)
                #expect(throws: RecordBatchError.self) { try RecordBatch(validating: damaged) }
                if let read = try? RecordBatch(uncheckedCRC: damaged) { #expect(!read.checkCRC()) }
            }
        }
    }

    @Test("an error names the field, its value and the rule")
    func refusals() throws {
        let bytes = try batch(count: 2).wireBytes
        func refusal(_ change: (inout [UInt8]) -> Void) -> RecordBatchError? {
            var changed = bytes
            change(&changed)
            sign(&changed)
            do throws(RecordBatchError) {
                _ = try RecordBatch(validating: changed)
                return nil
            } catch {
                return error
            }
        }
        #expect(refusal { $0[16] = 1 } == .unsupported(.magic, value: 1, rule: "only version 2 is taken"))
        #expect(
            refusal { set(&$0, 21, Int16(64)) } == .unsupported(.attributes, value: 64, rule: "compacted batches are not taken"))
        #expect(refusal { set(&$0, 21, Int16(5)) } == .unsupported(.attributes, value: 5, rule: "bits 0 to 2 name no codec"))
        #expect(refusal { set(&$0, 57, Int32(0)) } == .invalid(.recordCount, value: 0, rule: "a batch has at least one record"))
        #expect(
            refusal { set(&$0, 57, Int32.max) }
                == .invalid(.recordCount, value: Int64(Int32.max), rule: "the batch is too short for so many records"))
        #expect(
            refusal { set(&$0, 23, Int32(7)) }
                == .unsupported(
                    .lastOffsetDelta, value: 7, rule: "with 2 records it must be 1; compacted batches are not taken"))
        #expect(refusal { set(&$0, 0, Int64(-1)) } == .invalid(.baseOffset, value: -1, rule: "offsets run from 0 to 2^63 - 2"))
        #expect(
            refusal { set(&$0, 8, Int32(48)) } == .invalid(.batchLength, value: 48, rule: "the header alone takes more"))
        #expect(
            "\(RecordBatchError.invalid(.recordCount, value: 0, rule: "a batch has at least one record"))"
                == "record batch: recordCount is 0, but a batch has at least one record")
    }

    @Test("several batches in a buffer are told apart by their lengths")
    func framing() throws {
        let batches = [try batch(count: 1), try batch(count: 5), try batch(count: 2)]
        let buffer = batches.flatMap(\.wireBytes)
        var (position, found): (Int, [RecordBatch]) = (0, [])
        while position < buffer.count {
            let length = try #require(try buffer[position...].withUnsafeBytes { try RecordBatch.length(prefix: $0) })
            found.append(try RecordBatch(validating: Array(buffer[position..<position + length])))
            position += length
        }
        #expect(found == batches)
        #expect(try buffer[..<11].withUnsafeBytes { try RecordBatch.length(prefix: $0) } == nil)
        let negative = [UInt8](repeating: 0xFF, count: 12)
        #expect(throws: RecordBatchError.self) { try negative.withUnsafeBytes { try RecordBatch.length(prefix: $0) } }
    }
}
