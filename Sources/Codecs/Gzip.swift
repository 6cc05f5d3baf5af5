/// gzip (RFC 1952) through ISA-L: the one file that holds the pointers of its streams.

import CISAL

/// Writes one member with modification time 0.
final class GzipCompressor: CodecStream {
    private let deflater: OpaquePointer
    /// ISA-L writes eight bytes at a time and stops short of the end of its room.
    let room = 4096

    /// - Parameter level: ISA-L's, 0 (fast) ... 3 (small).
    init(level: Int32) throws(CodecError) {
        guard let deflater = CISAL_deflater_create(level) else { throw .outOfMemory(.gzip) }
        self.deflater = deflater
    }

    deinit { CISAL_deflater_destroy(deflater) }

    func step(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, finish: Bool) -> CodecStep {
        var (consumed, produced) = (0, 0)
        let status = CISAL_deflate(
            deflater, input.baseAddress, input.count, &consumed, output.baseAddress, output.count, &produced, finish ? 1 : 0)
        return CodecStep(status: status, consumed: consumed, produced: produced)
    }
}

/// Reads members and checks the CRC and length of each.
final class GzipDecompressor: CodecStream {
    private let inflater: OpaquePointer

    init() throws(CodecError) {
        guard let inflater = CISAL_inflater_create() else { throw .outOfMemory(.gzip) }
        self.inflater = inflater
    }

    deinit { CISAL_inflater_destroy(inflater) }

    func step(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, finish: Bool) -> CodecStep {
        var (consumed, produced) = (0, 0)
        let status = CISAL_inflate(
            inflater, input.baseAddress, input.count, &consumed, output.baseAddress, output.count, &produced)
        return CodecStep(status: status, consumed: consumed, produced: produced)
    }
}
