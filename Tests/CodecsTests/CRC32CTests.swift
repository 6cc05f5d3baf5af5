/// CRC-32C against published values.

import Codecs
import Testing

@Suite struct CRC32CTests {
    @Test("the check value of the catalogue of CRCs and the vectors of RFC 3720 come out")
    func published() {
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum(Array(0..<32)) == 0x46DD_794E)
        #expect(CRC32C.checksum([]) == 0)
    }

    @Test("a checksum goes on from the one of the bytes before")
    func continued() {
        let bytes = Samples.mixed(5000)
        let whole = CRC32C.checksum(bytes)
        for cut in stride(from: 0, through: bytes.count, by: 97) {
            let first = CRC32C.checksum(Array(bytes[..<cut]))
            #expect(CRC32C.checksum(Array(bytes[cut...]), continuing: first) == whole)
        }
    }
}
