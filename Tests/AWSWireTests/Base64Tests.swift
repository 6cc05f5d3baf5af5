/// Base64: both ways, and every way to be wrong.

import AWSWire
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
