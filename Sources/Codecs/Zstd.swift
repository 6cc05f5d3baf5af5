/// Zstandard (RFC 8878) through libzstd: the one file that holds its pointers.

import CZstd

/// Writes one frame.
final class ZstdCompressor: CodecStream {
    private let compressor: OpaquePointer

    /// - Parameters:
    ///   - level: zstd's; 3 is its own default.
    ///   - checksum: whether the frame ends in a checksum of its content.
    init(level: Int32, checksum: Bool) throws(CodecError) {
        guard let compressor = CZstd_compressor_create(level, checksum ? 1 : 0) else { throw .outOfMemory(.zstd) }
        self.compressor = compressor
    }

    deinit { CZstd_compressor_destroy(compressor) }

    func step(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, finish: Bool) -> CodecStep {
        var (consumed, produced) = (0, 0)
        let status = CZstd_compress(
            compressor, input.baseAddress, input.count, &consumed, output.baseAddress, output.count, &produced, finish ? 1 : 0)
        return CodecStep(status: status, consumed: consumed, produced: produced)
    }
}

/// Reads frames.
final class ZstdDecompressor: CodecStream {
    /// 128 MiB, what the highest levels declare even for little content. Of a window no more memory is touched than there is content.
    private static let windowLog: Int32 = 27
    private let decompressor: OpaquePointer

    init() throws(CodecError) {
        guard let decompressor = CZstd_decompressor_create(Self.windowLog) else { throw .outOfMemory(.zstd) }
        self.decompressor = decompressor
    }

    deinit { CZstd_decompressor_destroy(decompressor) }

    func step(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, finish: Bool) -> CodecStep {
        var (consumed, produced) = (0, 0)
        let status = CZstd_decompress(
            decompressor, input.baseAddress, input.count, &consumed, output.baseAddress, output.count, &produced)
        return CodecStep(status: status, consumed: consumed, produced: produced)
    }
}
