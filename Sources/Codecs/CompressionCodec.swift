/// The codecs of record batches, behind one interface.

/// How the records of a batch are compressed. The raw values are those of Kafka's batch attributes (Kafka protocol guide, "Record Batch").
public enum CompressionCodec: UInt8, Hashable, Sendable, CaseIterable {
    case none = 0
    /// RFC 1952.
    case gzip = 1
    /// Blocks in the frame of Kafka's Java client; a single block without it is read too.
    case snappy = 2
    /// The LZ4 frame format, blocks independent of each other.
    case lz4 = 3
    /// RFC 8878.
    case zstd = 4

    private static let gzipLevel: Int32 = 1
    private static let zstdLevel: Int32 = 3

    /// Compresses in one go.
    /// - Parameter prefix: bytes to stand before the compressed ones, as they are.
    /// - Throws: `.outOfMemory`.
    public func compress(
        _ input: UnsafeRawBufferPointer, after prefix: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) throws(CodecError) -> [UInt8] {
        var output = GrowingBuffer(maxBytes: .max)
        switch self {
        case .none: return Self.joined(prefix, input)
        case .gzip: try GzipCompressor(level: Self.gzipLevel).compress(input, self, into: &output)
        case .snappy: try SnappyKafkaFrame.compress(input, into: &output)
        // The batch has its own checksum.
        case .lz4: try LZ4Compressor(checksum: false).compress(input, self, into: &output)
        case .zstd: try ZstdCompressor(level: Self.zstdLevel, checksum: false).compress(input, self, into: &output)
        }
        return output.withBytes { Self.joined(prefix, $0) }
    }

    /// Decompresses in one go and hands the result to `body`, for as long as it runs.
    /// - Parameter maxBytes: the most it may become; memory for it stays within twice that, whatever the input says of itself.
    /// - Throws: what `body` throws; else a `CodecError`: `.invalid`, `.truncated`, `.tooLarge`, `.outOfMemory`.
    public func withDecompressed<Result>(
        _ input: UnsafeRawBufferPointer, maxBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        if self == .none {
            guard input.count <= maxBytes else { throw CodecError.tooLarge(.none, maxBytes: maxBytes) }
            return try body(input)
        }
        let output = try decompressed(input, maxBytes: maxBytes)
        return try output.withBytes(body)
    }

    /// Decompresses in one go.
    /// - Parameter maxBytes: the most it may become; memory for it stays within three times that, whatever the input says of itself.
    /// - Throws: `.invalid`, `.truncated`, `.tooLarge`, `.outOfMemory`.
    public func decompress(_ input: UnsafeRawBufferPointer, maxBytes: Int) throws(CodecError) -> [UInt8] {
        if self == .none {
            guard input.count <= maxBytes else { throw .tooLarge(.none, maxBytes: maxBytes) }
            return [UInt8](input)
        }
        let output = try decompressed(input, maxBytes: maxBytes)
        return output.withBytes { [UInt8]($0) }
    }

    private func decompressed(_ input: UnsafeRawBufferPointer, maxBytes: Int) throws(CodecError) -> GrowingBuffer {
        // One byte more than allowed, to tell "exactly full" from "too large".
        var output = GrowingBuffer(maxBytes: maxBytes == .max ? .max : maxBytes + 1)
        switch self {
        case .none: preconditionFailure("there is nothing to decompress")
        case .gzip: try GzipDecompressor().decompress(input, self, maxBytes: maxBytes, into: &output)
        case .snappy: try SnappyKafkaFrame.decompress(input, maxBytes: maxBytes, into: &output)
        case .lz4: try LZ4Decompressor().decompress(input, self, maxBytes: maxBytes, into: &output)
        case .zstd: try ZstdDecompressor().decompress(input, self, maxBytes: maxBytes, into: &output)
        }
        return output
    }

    private static func joined(_ prefix: UnsafeRawBufferPointer, _ rest: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: prefix.count + rest.count) { buffer, count in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            bytes.copyBytes(from: prefix)
            UnsafeMutableRawBufferPointer(rebasing: bytes[prefix.count...]).copyBytes(from: rest)
            count = prefix.count + rest.count
        }
    }
}
