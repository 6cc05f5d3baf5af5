/// Records that producers compressed one by one.

import Codecs

/// Tells compressed records by their first bytes and decompresses them, within bounds.
///
/// The service had no such thing: what is not text went to the error stream. No text begins with the bytes that gzip and Zstandard begin with (neither
/// is UTF-8), so nothing that was readable before is read otherwise.
struct RecordDecompression: Sendable {
    /// What a record may become, unless a node's settings say otherwise, in bytes.
    static let mostBytes = 16 << 20
    /// What it may become for each of its bytes. Telemetry comes to 30; what exceeds this was made to exceed it.
    private static let mostTimes = 256
    /// What a short one may become all the same.
    private static let leastBytes = 16 << 10

    /// What a record may become, in bytes; 0 for none to be decompressed.
    let mostBytes: Int

    init(mostBytes: Int = RecordDecompression.mostBytes) { self.mostBytes = mostBytes }

    /// How data is compressed; nil where it is not, as far as can be told.
    @inline(__always)
    func codec(of data: UnsafeRawBufferPointer) -> CompressionCodec? {
        guard data.count > 4, mostBytes > 0 else { return nil }
        switch data[0] {
        // RFC 1952: ID1, ID2 and the one method that there is.
        case 0x1F: return data[1] == 0x8B && data[2] == 8 ? .gzip : nil
        // RFC 8878: the magic number, little-endian.
        case 0x28: return data[1] == 0xB5 && data[2] == 0x2F && data[3] == 0xFD ? .zstd : nil
        default: return nil
        }
    }

    func decompress(_ data: UnsafeRawBufferPointer, _ codec: CompressionCodec) throws(CodecError) -> [UInt8] {
        let (times, overflow) = data.count.multipliedReportingOverflow(by: Self.mostTimes)
        return try codec.decompress(data, maxBytes: min(mostBytes, max(Self.leastBytes, overflow ? .max : times)))
    }
}
