/// JSON texts as tokens: every value keeps its own bytes. The only file that sees simdjson.

import CSimdjson

/// Why a text is not JSON.
public struct JSONError: Error, Sendable, Hashable {
    /// In words, such as `a number is malformed`.
    public var message: String
    public init(_ message: String) { self.message = message }

    init(_ status: CSimdjson_status) {
        switch status {
        case CSIMDJSON_EMPTY: self.init("the text is empty")
        case CSIMDJSON_NOT_UTF8: self.init("the text is not UTF-8")
        case CSIMDJSON_BAD_STRING: self.init("a string is not closed or holds a control character")
        case CSIMDJSON_BAD_NUMBER: self.init("a number is malformed")
        case CSIMDJSON_BAD_LITERAL: self.init("a word is not true, false or null")
        case CSIMDJSON_TOO_DEEP: self.init("values are nested too deeply")
        case CSIMDJSON_TOO_LARGE: self.init("the text is too large")
        case CSIMDJSON_BAD_ESCAPE: self.init("a string has a malformed escape")
        case CSIMDJSON_TRAILING: self.init("the value is followed by something else")
        default: self.init("brackets, commas or colons are out of place")
        }
    }
}

/// Turns texts into tokens, one text after the other, with buffers that are used again. One user at a time.
final class JSONTokenizer {
    private let handle: OpaquePointer?
    /// Deeper nesting is an error of the text.
    static let maxDepth: UInt32 = 256

    init() { handle = CSimdjson_tokenizer_create() }
    deinit { CSimdjson_tokenizer_destroy(handle) }

    /// Checks a text and hands its tokens to `body`; they must not leave it.
    /// - Parameter many: whether more objects and arrays may follow the first value, its `siblings`.
    func withTokens<Result>(
        of text: UnsafeRawBufferPointer, many: Bool = false, _ body: (JSONValue) throws(JSONError) -> Result
    ) throws(JSONError) -> Result {
        guard let handle else { throw JSONError("there is no memory") }
        guard let base = text.baseAddress else { throw JSONError(CSIMDJSON_EMPTY) }
        var tokens: UnsafePointer<CSimdjson_token>?
        var count = 0
        let status = CSimdjson_tokenize(
            handle, base.assumingMemoryBound(to: UInt8.self), text.count, Self.maxDepth, many, &tokens, &count)
        guard status == CSIMDJSON_OK, count > 0 else { throw JSONError(status) }
        return try body(JSONValue(source: text, tokens: UnsafeBufferPointer(start: tokens, count: count), index: 0))
    }
}

/// A value inside a tokenized text. Valid only inside `withTokens`.
struct JSONValue {
    enum Kind { case null, boolean(Bool), number, string, array, object }

    fileprivate let source: UnsafeRawBufferPointer
    fileprivate let tokens: UnsafeBufferPointer<CSimdjson_token>
    fileprivate let index: Int

    fileprivate var token: CSimdjson_token { tokens[index] }

    var kind: Kind {
        switch CSimdjson_kind(token.kind) {
        case CSIMDJSON_NULL: .null
        case CSIMDJSON_FALSE: .boolean(false)
        case CSIMDJSON_TRUE: .boolean(true)
        case CSIMDJSON_NUMBER: .number
        case CSIMDJSON_STRING, CSIMDJSON_ESCAPED_STRING: .string
        case CSIMDJSON_ARRAY: .array
        default: .object
        }
    }

    var isObject: Bool { token.kind == CSIMDJSON_OBJECT.rawValue }
    var isArray: Bool { token.kind == CSIMDJSON_ARRAY.rawValue }

    /// The bytes as written; of a string, what is between the quotes, escapes included.
    var raw: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: source[Int(token.start)..<Int(token.end)])
    }
    var hasEscapes: Bool { token.kind == CSIMDJSON_ESCAPED_STRING.rawValue }

    private func sibling(_ index: Int) -> JSONValue { JSONValue(source: source, tokens: tokens, index: index) }

    /// The value, if it is the first of its text, and those that follow it.
    var siblings: some Sequence<JSONValue> {
        sequence(state: index) { [self] next -> JSONValue? in
            guard next < tokens.count else { return nil }
            defer { next = Int(tokens[next].next) }
            return sibling(next)
        }
    }

    /// The members of an object, in the order of the text.
    var members: Members { Members(value: self, position: index + 1, end: isObject ? Int(token.next) : 0) }

    struct Members: Sequence, IteratorProtocol {
        fileprivate let value: JSONValue
        fileprivate var position: Int
        fileprivate let end: Int

        mutating func next() -> (key: JSONValue, value: JSONValue)? {
            guard position + 1 < end else { return nil }
            let key = value.sibling(position)
            let member = value.sibling(position + 1)
            position = Int(member.token.next)
            return (key, member)
        }
    }

    /// The elements of an array.
    var elements: Elements { Elements(value: self, position: index + 1, end: isArray ? Int(token.next) : 0) }

    struct Elements: Sequence, IteratorProtocol {
        fileprivate let value: JSONValue
        fileprivate var position: Int
        fileprivate let end: Int

        mutating func next() -> JSONValue? {
            guard position < end else { return nil }
            let element = value.sibling(position)
            position = Int(element.token.next)
            return element
        }
    }

    /// Whether a key (or any string) is this text.
    func isText(_ name: [UInt8], scratch: inout [UInt8]) -> Bool {
        guard hasEscapes else {
            let raw = raw
            return raw.count == name.count && name.withUnsafeBytes { $0.isEqual(to: raw) }
        }
        scratch.removeAll(keepingCapacity: true)
        appendText(to: &scratch)
        return scratch == name
    }

    /// The member of a name, the last one when it occurs again.
    func member(_ name: [UInt8], scratch: inout [UInt8]) -> JSONValue? {
        var found: JSONValue?
        for (key, value) in members where key.isText(name, scratch: &scratch) { found = value }
        return found
    }

    /// Appends a string's text, escapes resolved. Half a surrogate pair becomes U+FFFD.
    func appendText(to output: inout [UInt8]) {
        guard hasEscapes else {
            output.append(contentsOf: raw)
            return
        }
        let raw = raw
        var index = 0
        while index < raw.count {
            let byte = raw[index]
            guard byte == UInt8(ascii: "\\"), index + 1 < raw.count else {
                output.append(byte)
                index += 1
                continue
            }
            let letter = raw[index + 1]
            index += 2
            switch letter {
            case UInt8(ascii: "b"): output.append(8)
            case UInt8(ascii: "f"): output.append(12)
            case UInt8(ascii: "n"): output.append(10)
            case UInt8(ascii: "r"): output.append(13)
            case UInt8(ascii: "t"): output.append(9)
            case UInt8(ascii: "u"):
                var unit = hexUnit(raw, index)
                index += 4
                if 0xD800..<0xDC00 ~= unit, index + 6 <= raw.count, raw[index] == UInt8(ascii: "\\"),
                    raw[index + 1] == UInt8(ascii: "u")
                {
                    let low = hexUnit(raw, index + 2)
                    if 0xDC00..<0xE000 ~= low {
                        unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                        index += 6
                    }
                }
                output.append(contentsOf: UTF8.encode(Unicode.Scalar(unit) ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter)
            default: output.append(letter)
            }
        }
    }

    private func hexUnit(_ raw: UnsafeRawBufferPointer, _ start: Int) -> UInt32 {
        guard start + 4 <= raw.count else { return 0xD800 }
        return raw[start..<(start + 4)].reduce(UInt32(0)) { unit, byte in
            let digit = byte < UInt8(ascii: "A") ? byte - UInt8(ascii: "0") : (byte | 0x20) - UInt8(ascii: "a") + 10
            return unit << 4 | UInt32(digit & 15)
        }
    }
}

/// Whether bytes are UTF-8.
enum UTF8Check {
    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        return CSimdjson_is_utf8(base.assumingMemoryBound(to: UInt8.self), bytes.count)
    }
}
