/// The checksum of an answer's body that SDKs look for.

import CCRC32

/// CRC-32 (that of gzip; RFC 1952, section 8), which goes out as `x-amz-crc32` in decimal.
public enum BodyChecksum {
    public static func crc32(_ bytes: UnsafeRawBufferPointer) -> UInt32 { CCRC32_crc32(0, bytes.baseAddress, bytes.count) }
}
