/// CRC-32C, the checksum of record batches and of the log's frames.

import CISAL

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4), computed with the processor's own instructions.
public enum CRC32C {
    /// The checksum of `bytes`, or of `bytes` after those whose checksum was `previous`.
    public static func checksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
        CISAL_crc32c(previous, bytes.baseAddress, bytes.count)
    }

    /// The checksum of `bytes`, or of `bytes` after those whose checksum was `previous`.
    public static func checksum(_ bytes: [UInt8], continuing previous: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBytes { checksum($0, continuing: previous) }
    }
}
