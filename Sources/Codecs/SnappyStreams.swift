/// Snappy for archive objects: snappy-java's stream, which Firehose writes, and the blocks that Hadoop reads.

/// The stream of snappy-java (xerial/snappy-java, `SnappyOutputStream`), the same that Kafka's Java client puts around its blocks: a header of 16 bytes, then
/// blocks of 32 KiB, each after its compressed length as a big-endian `UInt32`. What Firehose calls Snappy, compared byte for byte with the service.
final class SnappyJavaCompressor: CodecStream {
    private static let chunkBytes = 32 << 10
    private var chunk = GrowingBuffer(maxBytes: .max)
    private var hasBegun = false

    /// Snappy's worst case is one sixth more than its input.
    let room = 2 * chunkBytes

    func step(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, finish: Bool) -> CodecStep {
        if !hasBegun {
            hasBegun = true
            output.copyBytes(from: SnappyKafkaFrame.header)
            return CodecStep(status: 0, consumed: 0, produced: SnappyKafkaFrame.header.count)
        }
        guard !input.isEmpty else { return CodecStep(status: finish ? 1 : 0, consumed: 0, produced: 0) }
        let plain = UnsafeRawBufferPointer(rebasing: input.prefix(Self.chunkBytes))
        chunk.removeAll()
        guard (try? Snappy.compressBlock(plain, into: &chunk)) != nil else {
            return CodecStep(status: -1, consumed: 0, produced: 0)
        }
        output.storeBytes(of: UInt32(truncatingIfNeeded: chunk.count).bigEndian, as: UInt32.self)
        chunk.withBytes { UnsafeMutableRawBufferPointer(rebasing: output[4...]).copyBytes(from: $0) }
        return CodecStep(status: 0, consumed: plain.count, produced: 4 + chunk.count)
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
