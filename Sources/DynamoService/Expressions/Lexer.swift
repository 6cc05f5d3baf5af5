/// Expressions to words and signs.

import AWSWire

/// Cuts an expression into tokens.
struct Lexer {
    enum Kind: Hashable {
        case name, namePlaceholder, valuePlaceholder, number, sign, end
    }

    struct Token {
        var kind: Kind
        /// Its bytes within the expression.
        var range: Range<Int>
    }

    let text: [UInt8]
    private(set) var tokens: [Token] = []

    /// The longest expression, in bytes (Developer Guide, "Expression parameters").
    static let mostBytes = 4096

    /// Nil with the place of the byte that begins no token.
    init(_ text: [UInt8]) throws(Stray) {
        self.text = text
        var position = 0
        while position < text.count {
            let byte = text[position]
            if byte == 0x20 || (0x09...0x0D).contains(byte) {
                position += 1
                continue
            }
            guard let end = Self.end(of: position, in: text) else { throw Stray(position: position) }
            tokens.append(Token(kind: Self.kind(byte), range: position..<end))
            position = end
        }
        tokens.append(Token(kind: .end, range: text.count..<text.count))
    }

    /// A byte that begins no token.
    struct Stray: Error {
        var position: Int
    }

    private static func kind(_ first: UInt8) -> Kind {
        switch first {
        case UInt8(ascii: "#"): .namePlaceholder
        case UInt8(ascii: ":"): .valuePlaceholder
        case UInt8(ascii: "0")...UInt8(ascii: "9"): .number
        case _ where isNameByte(first): .name
        default: .sign
        }
    }

    private static func end(of start: Int, in text: [UInt8]) -> Int? {
        func run(from start: Int, _ belongs: (UInt8) -> Bool) -> Int {
            var end = start
            while end < text.count, belongs(text[end]) { end += 1 }
            return end
        }
        switch kind(text[start]) {
        case .number: return run(from: start) { $0 &- UInt8(ascii: "0") <= 9 }
        case .name: return run(from: start, isNameByte)
        case .namePlaceholder, .valuePlaceholder:
            let end = run(from: start + 1, isNameByte)
            return end > start + 1 ? end : nil
        case .sign, .end:
            let next = start + 1 < text.count ? text[start + 1] : 0
            switch (text[start], next) {
            case (UInt8(ascii: "<"), UInt8(ascii: ">")), (UInt8(ascii: "<"), UInt8(ascii: "=")),
                (UInt8(ascii: ">"), UInt8(ascii: "=")):
                return start + 2
            default: return Self.signs.contains(text[start]) ? start + 1 : nil
            }
        }
    }

    private static let signs = Set("().,[]=<>+-".utf8)

    static func isNameByte(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") <= 9 || byte == UInt8(ascii: "_")
    }
}
