/// Every codec of record batches, forth and back, and against hostile input.

import Codecs
import Testing

@Suite struct CompressionCodecTests {
    static let compressing = CompressionCodec.allCases.filter { $0 != .none }

    @Test("what was compressed comes back, at every size", arguments: CompressionCodec.allCases)
    func roundTrip(codec: CompressionCodec) throws {
        for size in Samples.sizes {
            let plain = Samples.mixed(size)
            let packed = try plain.withUnsafeBytes { try codec.compress($0) }
            let back = try packed.withUnsafeBytes { try codec.decompress($0, maxBytes: size) }
            #expect(back.elementsEqual(plain), "\(size) bytes")
        }
    }

    @Test("bytes before the compressed ones stay as they are", arguments: CompressionCodec.allCases)
    func prefix(codec: CompressionCodec) throws {
        let (plain, prefix): ([UInt8], [UInt8]) = (Samples.mixed(1000), [1, 2, 3])
        let packed = try plain.withUnsafeBytes { plain in try prefix.withUnsafeBytes { try codec.compress(plain, after: $0) } }
        let alone = try plain.withUnsafeBytes { try codec.compress($0) }
        #expect(packed == prefix + alone)
    }

    @Test("one byte over the bound is refused, the bound itself is not", arguments: CompressionCodec.allCases)
    func bound(codec: CompressionCodec) throws {
        let packed = try Samples.mixed(10_000).withUnsafeBytes { try codec.compress($0) }
        #expect(try packed.withUnsafeBytes { try codec.decompress($0, maxBytes: 10_000) }.count == 10_000)
        #expect(throws: CodecError.tooLarge(codec, maxBytes: 9_999)) {
            try packed.withUnsafeBytes { try codec.decompress($0, maxBytes: 9_999) }
        }
        #expect(throws: CodecError.tooLarge(codec, maxBytes: 0)) {
            try packed.withUnsafeBytes { try codec.decompress($0, maxBytes: 0) }
        }
    }

    @Test("a stream cut at any byte is refused", arguments: compressing)
    func truncated(codec: CompressionCodec) throws {
        let plain = Samples.mixed(3000)
        let packed = try plain.withUnsafeBytes { try codec.compress($0) }
        for cut in 0..<packed.count {
            // A header alone is the empty content in Kafka's snappy frame.
            if codec == .snappy, cut == 16 { continue }
            #expect(throws: CodecError.self, "cut at \(cut)") {
                try packed[..<cut].withUnsafeBytes { try codec.decompress($0, maxBytes: 1 << 20) }
            }
        }
    }

    @Test("no flipped bit and no noise ends in more than an error or other bytes", arguments: compressing)
    func damaged(codec: CompressionCodec) throws {
        let plain = Samples.mixed(600)
        let packed = try plain.withUnsafeBytes { try codec.compress($0) }
        for position in packed.indices {
            for bit in 0..<8 {
                var bytes = packed
                bytes[position] ^= 1 << UInt8(bit)
                let back = try? bytes.withUnsafeBytes { try codec.decompress($0, maxBytes: 1 << 16) }
                #expect((back?.count ?? 0) <= 1 << 16)
                // The only codec here whose stream has a checksum; ten bytes of header are not covered by it.
                if codec == .gzip, position >= 10 { #expect(back == nil || back == plain) }
            }
        }
        for seed in 1...200 {
            let noise = Samples.mixed(seed, seed: UInt64(seed))
            _ = try? noise.withUnsafeBytes { try codec.decompress($0, maxBytes: 1 << 16) }
        }
    }

    @Test("streams one after the other are one", arguments: [CompressionCodec.gzip, .lz4, .zstd])
    func members(codec: CompressionCodec) throws {
        let (first, second) = (Samples.mixed(70_000), Samples.mixed(5, seed: 2))
        let packed = try [first, second, [], first].flatMap { try $0.withUnsafeBytes { try codec.compress($0) } }
        let back = try packed.withUnsafeBytes { try codec.decompress($0, maxBytes: 1 << 20) }
        #expect(back == first + second + first)
        #expect(throws: CodecError.self) {
            try (packed + [7]).withUnsafeBytes { try codec.decompress($0, maxBytes: 1 << 20) }
        }
    }

    @Test("a bomb is refused within the bound", arguments: compressing)
    func bomb(codec: CompressionCodec) throws {
        // 256 MiB of zeros; what matters is that the refusal comes at 1 MiB.
        let packed = try [UInt8](repeating: 0, count: 256 << 20).withUnsafeBytes { try codec.compress($0) }
        #expect(throws: CodecError.tooLarge(codec, maxBytes: 1 << 20)) {
            try packed.withUnsafeBytes { try codec.decompress($0, maxBytes: 1 << 20) }
        }
    }

    @Test("a bomb of ten gigabytes from ten megabytes is refused")
    func largeBomb() throws {
        // One zstd frame after the other, each of 16 MiB zeros: 640 of them are 10 GiB.
        let frame = try [UInt8](repeating: 0, count: 16 << 20).withUnsafeBytes { try CompressionCodec.zstd.compress($0) }
        let bomb = Array(repeatElement(frame, count: 640).joined())
        #expect(bomb.count < 10 << 20)
        #expect(throws: CodecError.tooLarge(.zstd, maxBytes: 64 << 20)) {
            try bomb.withUnsafeBytes { try CompressionCodec.zstd.decompress($0, maxBytes: 64 << 20) }
        }
    }

    @Test("a snappy block without Kafka's frame is read")
    func rawSnappy() throws {
        // Length 11 as a varint, then one literal of 11 bytes: tag (11 - 1) << 2.
        let block: [UInt8] = [11, 10 << 2] + Array("hello world".utf8)
        let back = try block.withUnsafeBytes { try CompressionCodec.snappy.decompress($0, maxBytes: 100) }
        #expect(back == Array("hello world".utf8))
        let framed: [UInt8] = [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 13] + block
        #expect(try framed.withUnsafeBytes { try CompressionCodec.snappy.decompress($0, maxBytes: 100) } == back)
    }

    @Test("a snappy block that states four gigabytes is refused before anything is allocated")
    func hostileSnappyLength() throws {
        let block: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0]
        #expect(throws: CodecError.tooLarge(.snappy, maxBytes: 1 << 20)) {
            try block.withUnsafeBytes { try CompressionCodec.snappy.decompress($0, maxBytes: 1 << 20) }
        }
    }
}
