/// Base64: both ways, and every way to be wrong.

import AWSWire
import CBase64
import Testing

@Suite struct Base64Tests {
    @Test("bytes of every length come back")
    func roundTrip() {
        for length in 0..<70 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
            let text = Base64.encode(bytes)
            #expect(text.utf8.count == Base64.encodedCount(length))
            #expect(Base64.decode(text) == bytes)
        }
        #expect(Base64.encode(Array("foobar".utf8)) == "Zm9vYmFy")
        #expect(Base64.encode(Array("fooba".utf8)) == "Zm9vYmE=")
        #expect(Base64.encode([0xFB, 0xFF]) == "+/8=")
    }

    @Test("the vectors of RFC 4648, section 10")
    func vectors() {
        let vectors = [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
        for (text, encoded) in vectors {
            #expect(Base64.encode(Array(text.utf8)) == encoded)
            #expect(Base64.decode(encoded) == Array(text.utf8))
        }
    }

    @Test("all instructions that the processor has give the same, and write nothing past their room", arguments: 0...200)
    func levels(length: Int) {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
        let count = Base64.encodedCount(length)
        var expected = [UInt8](repeating: 0, count: count)
        CBase64_encode_with(CBASE64_SCALAR, bytes, length, &expected)
        for level in [CBASE64_SCALAR, CBASE64_SSSE3, CBASE64_AVX2] where level.rawValue <= CBase64_best().rawValue {
            var characters = [UInt8](repeating: 7, count: count + 64)
            CBase64_encode_with(level, bytes, length, &characters)
            #expect(characters == expected + [UInt8](repeating: 7, count: 64))
            // Every byte of every kind, at every place, stops it at its group.
            let whole = length / 3 * 4
            for wrong in ([nil] + (0..<whole).map { $0 }) as [Int?] {
                var text = Array(expected[..<whole])
                if let wrong {
                    text[wrong] =
                        [0x22, 0x3D, 0x5C, 0x2D, 0x5F, 0x00, 0x80, 0xAF, 0xFF, 0x40, 0x5B, 0x60, 0x7B, 0x3A, 0x2C, 0x2E][wrong % 16]
                }
                let room = whole / 4 * 3
                var decoded = [UInt8](repeating: 7, count: room + 64)
                let read = CBase64_decode_prefix_with(level, text, whole, &decoded)
                #expect(read == (wrong.map { $0 / 4 * 4 } ?? whole))
                #expect(Array(decoded[..<(read / 4 * 3)]) == Array(bytes[..<(read / 4 * 3)]))
                #expect(decoded[room...].allSatisfy { $0 == 7 })
            }
        }
    }

    @Test("wrong lengths, characters, padding and loose bits are told apart")
    func problems() {
        func problem(_ text: String) -> Base64.Problem? {
            var output: [UInt8] = []
            do throws(Base64.Problem) {
                try Array(text.utf8).withUnsafeBufferPointer { (characters) throws(Base64.Problem) in
                    try Base64.appendDecoded(characters, to: &output)
                }
                return nil
            } catch {
                return error
            }
        }
        #expect(problem("abc") == .length(3))
        #expect(problem("ab-d") == .character(UInt8(ascii: "-")))
        #expect(problem("Zm9vYmE=Zm9v") == .character(UInt8(ascii: "=")))
        #expect(problem("====") == .character(UInt8(ascii: "=")))
        #expect(problem("a===") == .character(UInt8(ascii: "=")))
        #expect(problem("Zm9vYmF=") == .looseBits)
        #expect(problem("Zh==") == .looseBits)
        #expect(problem("") == nil)
    }
}
