/// The LZ4 frame format through liblz4: the one file that holds its pointers.

import CLZ4

/// Writes one frame of independent 64 KiB blocks.
final class LZ4Compressor: CodecStream {
    private let compressor: OpaquePointer
    let room: Int

    /// - Parameter checksum: whether the frame ends in a checksum of its content.
    init(checksum: Bool) throws(CodecError) {
        guard let compressor = CLZ4_compressor_create(checksum ? 1 : 0) else { throw .outOfMemory(.lz4) }
        self.compressor = compressor
        room = CLZ4_compress_room(compressor)
    }

    deinit { CLZ4_compressor_destroy(compressor) }

    func step(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, finish: Bool) -> CodecStep {
        var (consumed, produced) = (0, 0)
        let status = CLZ4_compress(
            compressor, input.baseAddress, input.count, &consumed, output.baseAddress, output.count, &produced, finish ? 1 : 0)
        return CodecStep(status: status, consumed: consumed, produced: produced)
    }
}

/// Reads frames.
final class LZ4Decompressor: CodecStream {
    private let decompressor: OpaquePointer

    init() throws(CodecError) {
        guard let decompressor = CLZ4_decompressor_create() else { throw .outOfMemory(.lz4) }
        self.decompressor = decompressor
    }

    deinit { CLZ4_decompressor_destroy(decompressor) }

    func step(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, finish: Bool) -> CodecStep {
        var (consumed, produced) = (0, 0)
        let status = CLZ4_decompress(
            decompressor, input.baseAddress, input.count, &consumed, output.baseAddress, output.count, &produced)
        return CodecStep(status: status, consumed: consumed, produced: produced)
    }
}
