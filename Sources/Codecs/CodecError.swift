/// What a codec refuses or fails with.

/// Why bytes could not be compressed or decompressed.
public enum CodecError: Error, Hashable, Sendable {
    /// The bytes are not what the codec writes, or are damaged.
    case invalid(CompressionCodec)
    /// The bytes end before the compressed stream does.
    case truncated(CompressionCodec)
    /// Decompressed, it would be more than the caller allows.
    case tooLarge(CompressionCodec, maxBytes: Int)
    /// The system gave no memory for the codec's state.
    case outOfMemory(CompressionCodec)
}

extension CodecError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .invalid(let codec): "not valid \(codec) data"
        case .truncated(let codec): "the \(codec) data ends too early"
        case .tooLarge(let codec, let maxBytes): "the \(codec) data is larger than \(maxBytes) bytes when decompressed"
        case .outOfMemory(let codec): "no memory for \(codec)"
        }
    }
}
