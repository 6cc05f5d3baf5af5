/// JSON in and out: what is taken, what is refused, and that no bytes can stop the process.

import AWSWire
import Testing

@Suite struct JSONParserTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test("objects keep the order of their members and numbers keep their text")
    func order() throws {
        let text = #"{"z":1.50,"a":[true,false,null,-0,1e9],"é":"\u00e9\n\"\\","":{}}"#
        let value = try parse(text)
        #expect(value.object?.members.map(\.name) == ["z", "a", "é", ""])
        #expect(value["z"] == .number("1.50"))
        #expect(value["a"] == .array([true, false, .null, .number("-0"), .number("1e9")]))
        #expect(value["é"] == "é\n\"\\")
        #expect(
            String(decoding: value.serialized, as: UTF8.self) == #"{"z":1.50,"a":[true,false,null,-0,1e9],"é":"é\n\"\\","":{}}"#)
    }

    @Test("escapes mean what RFC 8259 says, surrogate pairs included, and a lone surrogate becomes U+FFFD")
    func escapes() throws {
        #expect(try parse(#""\"\\\/\b\f\n\r\t""#) == .string("\"\\/\u{8}\u{C}\n\r\t"))
        #expect(try parse(#""\ud83d\ude00 \uD83D x \ude00""#) == .string("😀 \u{FFFD} x \u{FFFD}"))
        #expect(try parse(#""\u0000\u001f""#) == .string("\u{0}\u{1F}"))
        #expect(String(decoding: JSONValue.string("\u{0}\u{1F}\u{8}").serialized, as: UTF8.self) == #""\u0000\u001f\b""#)
    }

    @Test(
        "what is not JSON is refused",
        arguments: [
            "", " ", "{", "[", "\"", "{]", "[}", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "01", "1.", ".5", "+1", "-",
            "1e",
            "1e+", "nul", "nulll", "tru", "[1 2]", "\"\\x\"", "\"\\u12g4\"", "\"\\u12", "\"a\nb\"", "1 1", "{} {}", "'a'", "NaN",
            "\u{FEFF}1",
        ])
    func refused(_ text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test("strings must be UTF-8")
    func utf8() throws {
        let malformed: [[UInt8]] = [
            [0x80], [0xC0, 0x80], [0xC3], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF0, 0x9F, 0x98],
            [0xFF],
        ]
        for bytes in malformed {
            #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
        }
        for text in ["é", "€", "😀", "\u{10FFFF}", "\u{7FF}\u{800}\u{FFFF}\u{10000}"] {
            #expect(try parse("\"\(text)\"") == .string(text))
        }
    }

    @Test("nesting is limited to 64, however long the text")
    func depth() throws {
        let fits = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(throws: Never.self) { try parse(fits) }
        #expect(throws: JSONError(.tooDeep, at: 64)) { try parse("[" + fits + "]") }
        #expect(throws: JSONError(.tooDeep, at: 64)) { try parse(String(repeating: "[", count: 1_000_000)) }
        #expect(throws: JSONError.self) { try parse(String(repeating: "{\"a\":", count: 100_000)) }
    }

    @Test("a string's end, escapes and high bytes are found at every position of a word")
    func alignment() throws {
        for length in 0..<40 {
            let plain = String(repeating: "x", count: length)
            #expect(try parse("\"\(plain)\"") == .string(plain))
            #expect(try parse("\"\(plain)\\n\(plain)\"") == .string(plain + "\n" + plain))
            #expect(try parse("\"\(plain)é\(plain)\"") == .string(plain + "é" + plain))
            #expect(throws: JSONError.self) { try parse("\"\(plain)\u{1}\"") }
        }
    }

    @Test("fifty thousand mutations of real requests never stop the process, and what parses parses again as written")
    func mutations() throws {
        let seeds = [
            #"{"StreamName":"s","Records":[{"Data":"aGVsbG8=","PartitionKey":"k\u00e9\ud83d\ude00"},{"Data":"","PartitionKey":"😀"}]}"#,
            #"{"ShardIteratorType":"AT_TIMESTAMP","Timestamp":1.5e9,"a":[-0.0,1E+2,true,false,null,[[],{}]],"b":{"c":{"d":"\\\/\b"}}}"#,
            "[1,2,3,\"\\n\\t\\\"\",{\"x\":[[[[[[]]]]]]}]",
        ].map { Array($0.utf8) }
        let interesting: [UInt8] = Array("\"\\{}[]:,0-+.eEu \u{1}tfn".utf8) + [0x00, 0x7F, 0x80, 0xC3, 0xE2, 0xED, 0xF0, 0xFF]
        var random = SplitMix(state: 20_261_121)
        var parsed = 0
        for round in 0..<50_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0...(random.next() % 4) {
                let position = Int(random.next() % UInt64(max(1, bytes.count)))
                switch random.next() % 5 {
                case 0 where !bytes.isEmpty: bytes[position] = interesting[Int(random.next() % UInt64(interesting.count))]
                case 1 where !bytes.isEmpty: bytes[position] = UInt8(truncatingIfNeeded: random.next())
                case 2 where !bytes.isEmpty: bytes.remove(at: position)
                case 3: bytes.insert(interesting[Int(random.next() % UInt64(interesting.count))], at: min(position, bytes.count))
                default: bytes.removeLast(min(bytes.count, position))
                }
            }
            guard let value = try? JSONValue(parsing: bytes) else { continue }
            parsed += 1
            let again = try JSONValue(parsing: value.serialized)
            #expect(again == value)
        }
        #expect(parsed > 1000)
    }
}

/// Random numbers that are the same in every run.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
