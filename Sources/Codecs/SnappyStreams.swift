/// Snappy for archive objects: the framing format, and the blocks that Hadoop reads.

/// The snappy framing format (google/snappy, `framing_format.txt`): chunks of at most 64 KiB, each with a masked CRC-32C.
final class SnappyFrameCompressor: CodecStream {
    private static let chunkBytes = 64 << 10
    private static let streamIdentifier: [UInt8] = [0xFF, 0x06, 0x00, 0x00] + Array("sNaPpY".utf8)
    private static let (compressed, uncompressed): (UInt8, UInt8) = (0x00, 0x01)
    private var chunk = GrowingBuffer(maxBytes: .max)
    private var hasBegun = false

    /// A chunk that does not shrink is stored as it is, with four bytes of header and four of CRC.
    let room = chunkBytes + 64

    func step(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, finish: Bool) -> CodecStep {
        if !hasBegun {
            hasBegun = true
            output.copyBytes(from: Self.streamIdentifier)
            return CodecStep(status: 0, consumed: 0, produced: Self.streamIdentifier.count)
        }
        guard !input.isEmpty else { return CodecStep(status: finish ? 1 : 0, consumed: 0, produced: 0) }
        let plain = UnsafeRawBufferPointer(rebasing: input.prefix(Self.chunkBytes))
        chunk.removeAll()
        guard (try? Snappy.compressBlock(plain, into: &chunk)) != nil else {
            return CodecStep(status: -1, consumed: 0, produced: 0)
        }
        let shrinks = chunk.count < plain.count
        let count = chunk.withBytes { packed in
            let data = shrinks ? packed : plain
            // Type and length are one little-endian number of 32 bits, the type in the lowest eight.
            let header = UInt32(shrinks ? Self.compressed : Self.uncompressed) | UInt32(truncatingIfNeeded: data.count + 4) << 8
            output.storeBytes(of: header.littleEndian, as: UInt32.self)
            output.storeBytes(of: Self.masked(CRC32C.checksum(plain)).littleEndian, toByteOffset: 4, as: UInt32.self)
            UnsafeMutableRawBufferPointer(rebasing: output[8...]).copyBytes(from: data)
            return data.count
        }
        return CodecStep(status: 0, consumed: plain.count, produced: 8 + count)
    }

    /// The format masks its CRCs, so that the CRC of data with embedded CRCs stays useful.
    private static func masked(_ crc: UInt32) -> UInt32 {
        ((crc >> 15) | (crc << 17)) &+ 0xA282_EAD8
    }
}

/// Hadoop's block stream: the length of the content, the length of the block, the block; both lengths big-endian `UInt32`.
final class HadoopSnappyCompressor: CodecStream {
    private static let chunkBytes = 64 << 10
    private var chunk = GrowingBuffer(maxBytes: .max)

    /// Snappy's worst case is one sixth more than its input.
    let room = 2 * chunkBytes

    func step(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, finish: Bool) -> CodecStep {
        guard !input.isEmpty else { return CodecStep(status: finish ? 1 : 0, consumed: 0, produced: 0) }
        let plain = UnsafeRawBufferPointer(rebasing: input.prefix(Self.chunkBytes))
        chunk.removeAll()
        guard (try? Snappy.compressBlock(plain, into: &chunk)) != nil else {
            return CodecStep(status: -1, consumed: 0, produced: 0)
        }
        output.storeBytes(of: UInt32(truncatingIfNeeded: plain.count).bigEndian, as: UInt32.self)
        output.storeBytes(of: UInt32(truncatingIfNeeded: chunk.count).bigEndian, toByteOffset: 4, as: UInt32.self)
        chunk.withBytes { UnsafeMutableRawBufferPointer(rebasing: output[8...]).copyBytes(from: $0) }
        return CodecStep(status: 0, consumed: plain.count, produced: 8 + chunk.count)
    }
}
