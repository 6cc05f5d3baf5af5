/// What the codecs leave behind in the processor.

import CVectorState
import Codecs
import Testing

@Suite("The vector registers after the codecs") struct VectorStateTests {
    @Test("are as scalar code wants them: their upper halves at rest")
    func upperHalves() throws {
        let bytes = Samples.mixed(1 << 16)
        _ = CRC32C.checksum(bytes)
        let afterChecksum = upper_halves_are_in_use()
        #expect(!afterChecksum)
        let packed = try bytes.withUnsafeBytes { try CompressionCodec.gzip.compress($0) }
        let afterPacking = upper_halves_are_in_use()
        #expect(!afterPacking)
        _ = try packed.withUnsafeBytes { try CompressionCodec.gzip.decompress($0, maxBytes: bytes.count) }
        let afterUnpacking = upper_halves_are_in_use()
        #expect(!afterUnpacking)
    }
}
