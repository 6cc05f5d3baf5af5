/// The one-pass reader: what it takes the general parser takes with the same meaning, and it never reads past the text.

import AWSWire
import Testing

@Suite struct JSONCursorTests {
    /// Reads a text in exact memory, so that reading past it is found by a sanitizer.
    private func read<Result>(_ text: String, _ body: (inout JSONCursor) -> Result) -> Result {
        let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        defer { bytes.deallocate() }
        _ = bytes.initialize(from: text.utf8)
        var cursor = JSONCursor(UnsafeBufferPointer(bytes))
        return body(&cursor)
    }

    private func string(_ text: String) -> String? {
        read(text) { cursor in
            let characters = cursor.string().map { String(decoding: $0, as: UTF8.self) }
            return cursor.isAtEnd ? characters : nil
        }
    }

    private func base64(_ text: String, room: Int? = nil) -> [UInt8]? {
        read(text) { cursor in
            var bytes = [UInt8](repeating: 0, count: room ?? text.utf8.count)
            let count = bytes.withUnsafeMutableBufferPointer { cursor.base64(into: $0) }
            guard let count, cursor.isAtEnd else { return nil }
            return Array(bytes[..<count])
        }
    }

    @Test("strings without escapes, at every length of a word; everything else is left to others")
    func strings() {
        for length in 0..<40 {
            let plain = String(repeating: "x", count: length)
            #expect(string(" \"\(plain)\"\n") == plain)
            #expect(string("\"\(plain)é\(plain)\"") == plain + "é" + plain)
            for wrong in ["\\n", "\u{1}", "\\\"", "\\"] { #expect(string("\"\(plain)\(wrong)\(plain)\"") == nil) }
            #expect(string("\"\(plain)") == nil)
        }
        for text in ["", "\"", "x", "1", "null", "{}"] { #expect(string(text) == nil) }
    }

    @Test("base64 of every length, with its padding")
    func blobs() {
        for length in 0..<150 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ length) }
            let text = Base64.encode(bytes)
            #expect(base64("\"\(text)\"") == bytes)
            #expect(base64("  \"\(text)\"  ") == bytes)
            #expect(base64("\"\(text)") == nil)
            #expect(base64("\"\(text)x\"") == nil)
            if length > 2 { #expect(base64("\"\(text)\"", room: length / 3 * 3 - 1) == nil) }
        }
        for wrong in [
            "Zg=", "Zg", "Z", "Zh==", "Zm9=", "=", "====", "Z===", "Zm9v=", "Zm9vYg==Zm9v", "Zm\\/v", "Zm-v", "Zg==\\", "Zm9vYmF=",
        ] {
            #expect(base64("\"\(wrong)\"") == nil, "\(wrong)")
        }
    }

    @Test("objects and arrays, with white space anywhere; commas and brackets must be right")
    func structure() {
        func isList(_ text: String) -> Bool {
            read(text) { cursor in
                cursor.object { cursor, name in
                    name.isName("a") && cursor.array { $0.string() != nil }
                } && cursor.isAtEnd
            }
        }
        for text in ["{}", " { } ", "{\"a\":[]}", "{\"a\" : [ \"x\" , \"y\" ] , \"a\":[\"\"]}\r\n\t"] {
            #expect(isList(text), "\(text)")
        }
        for text in [
            "", "{", "{,}", "{\"a\":[}", "{\"a\":[]", "{\"a\":[],}", "{\"a\":[\"x\",]}", "{\"a\":[\"x\" \"y\"]}", "{\"b\":[]}",
            "{}{}", "[]",
        ] {
            #expect(!isList(text), "\(text)")
        }
    }
}
