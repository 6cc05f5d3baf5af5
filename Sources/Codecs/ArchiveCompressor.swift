/// Compresses archive objects piece by piece, in bounded memory.

/// How an archive object is compressed.
public enum ArchiveFormat: String, Hashable, Sendable, Codable, CaseIterable {
    case none
    /// RFC 1952, modification time 0.
    case gzip
    /// A ZIP archive of one deflated entry.
    case zip
    /// The stream of snappy-java.
    case snappy
    /// Snappy blocks as Hadoop reads them.
    case hadoopSnappy
    /// One LZ4 frame with a checksum of its content.
    case lz4
    /// One zstd frame (RFC 8878) with a checksum of its content.
    case zstd

    /// The codec whose errors the compressor throws.
    var codec: CompressionCodec {
        switch self {
        case .none: .none
        case .gzip, .zip: .gzip
        case .snappy, .hadoopSnappy: .snappy
        case .lz4: .lz4
        case .zstd: .zstd
        }
    }
}

/// Compresses one object: feed its bytes in pieces, take what comes out, finish.
///
/// The output depends only on the bytes fed, not on how they were cut into pieces, so an object that is made again after a crash is the
/// same. Memory: two buffers of about 64 and 256 KiB besides the library's own state (at most some MiB).
public struct ArchiveCompressor: ~Copyable, Sendable {
    /// What the library is fed at once, so that it never sees how the caller cuts.
    private static let pieceBytes = 64 << 10
    private static let roomBytes = 256 << 10

    public let format: ArchiveFormat
    // Unshared: made here, never handed out, and this type cannot be copied.
    nonisolated(unsafe) private let stream: (any CodecStream)?
    private var piece: [UInt8] = []
    private var room: [UInt8] = []
    private var isFinished = false

    /// - Parameter entryName: what the entry of a ZIP archive is called; at most 65,535 bytes of UTF-8 count.
    /// - Throws: `.outOfMemory`.
    public init(_ format: ArchiveFormat, entryName: String = "data") throws(CodecError) {
        self.format = format
        stream =
            switch format {
            case .none: nil
            case .gzip: try GzipCompressor(level: 3)
            case .zip: try ZipCompressor(entryName: entryName)
            case .snappy: SnappyJavaCompressor()
            case .hadoopSnappy: HadoopSnappyCompressor()
            case .lz4: try LZ4Compressor(checksum: true)
            case .zstd: try ZstdCompressor(level: 3, checksum: true)
            }
        guard let stream else { return }
        piece.reserveCapacity(Self.pieceBytes)
        room = [UInt8](repeating: 0, count: max(stream.room, Self.roomBytes))
    }

    /// Feeds bytes; what is ready is appended to `output`.
    /// - Precondition: `finish` was not called.
    /// - Throws: `.invalid` or `.outOfMemory` when the library fails; then the object must be begun anew.
    public mutating func append(_ input: UnsafeRawBufferPointer, into output: inout [UInt8]) throws(CodecError) {
        precondition(!isFinished, "an object that was finished takes no more bytes")
        guard stream != nil else { return output.append(contentsOf: input) }
        var rest = input
        while !rest.isEmpty {
            let taken = min(rest.count, Self.pieceBytes - piece.count)
            piece.append(contentsOf: UnsafeRawBufferPointer(rebasing: rest[..<taken]))
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
            if piece.count == Self.pieceBytes { try drain(finish: false, into: &output) }
        }
    }

    /// Feeds bytes; see the other `append`.
    public mutating func append(_ input: [UInt8], into output: inout [UInt8]) throws(CodecError) {
        let failure: CodecError? = input.withUnsafeBytes { bytes in
            do throws(CodecError) {
                try append(bytes, into: &output)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    /// Ends the object; what is left is appended to `output`.
    /// - Precondition: it was not called before.
    /// - Throws: as `append`.
    public mutating func finish(into output: inout [UInt8]) throws(CodecError) {
        precondition(!isFinished, "an object is finished once")
        isFinished = true
        if stream != nil { try drain(finish: true, into: &output) }
    }

    /// Gives the piece to the library, and the library's output to the caller.
    private mutating func drain(finish: Bool, into output: inout [UInt8]) throws(CodecError) {
        guard let stream else { return }
        var position = 0
        while true {
            let step = piece.withUnsafeBytes { piece in
                room.withUnsafeMutableBytes { room in
                    stream.step(UnsafeRawBufferPointer(rebasing: piece[position...]), room, finish: finish)
                }
            }
            output.append(contentsOf: room[..<step.produced])
            position += step.consumed
            let idle = step.consumed == 0 && step.produced == 0
            switch step.outcome {
            case .done: return
            case .more where !idle: continue
            case .more where !finish && position == piece.count:
                piece.removeAll(keepingCapacity: true)
                return
            case .more, .invalid: throw .invalid(format.codec)
            }
        }
    }
}
