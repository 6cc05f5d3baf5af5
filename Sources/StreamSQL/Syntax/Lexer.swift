/// Cuts a program's text into tokens; comments and blanks fall away.

struct Lexer {
    private let text: [Unicode.Scalar]
    private var index = 0
    private var position = SourcePosition.start
    private(set) var errors: [SQLError] = []
    /// The last line with a character that begins no token.
    private var strayLine = 0
    /// How many parentheses are open from PATTERN ( on, where | and ^ have a meaning; 0 elsewhere.
    private var patternDepth = 0

    private init(_ text: [Unicode.Scalar]) { self.text = text }

    /// The tokens of a text, `.end` last, and what in it is no token.
    static func tokens(of text: [Unicode.Scalar]) -> (tokens: [Token], errors: [SQLError]) {
        var lexer = Lexer(text)
        var tokens: [Token] = []
        while true {
            let token = lexer.next()
            lexer.notePattern(token, after: tokens.last)
            tokens.append(token)
            if token.kind == .end { return (tokens, lexer.errors) }
        }
    }

    private mutating func notePattern(_ token: Token, after last: Token?) {
        if token.kind == .sign("("), patternDepth > 0 || last?.kind == .word("PATTERN") { patternDepth += 1 }
        if token.kind == .sign(")"), patternDepth > 0 { patternDepth -= 1 }
    }

    // MARK: Characters

    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        index + ahead < text.count ? text[index + ahead] : nil
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count where index < text.count {
            if text[index] == "\n" {
                position = SourcePosition(line: position.line + 1, column: 1)
            } else {
                position.column += 1
            }
            index += 1
        }
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        // Byte order marks, zero-width and no-break spaces come along when programs are pasted from documents.
        scalar.properties.isWhitespace || scalar == "\u{FEFF}" || scalar == "\u{200B}" || scalar == "\u{1A}"
    }

    /// Word processors turn `--` into other dashes.
    private static func isDash(_ scalar: Unicode.Scalar?) -> Bool { scalar == "-" || scalar == "\u{2013}" || scalar == "\u{2014}" }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool { scalar == "_" || scalar.properties.isAlphabetic }

    private static func isDigit(_ scalar: Unicode.Scalar?) -> Bool {
        guard let scalar else { return false }
        return scalar >= "0" && scalar <= "9"
    }

    private static func isWordPart(_ scalar: Unicode.Scalar) -> Bool { isLetter(scalar) || isDigit(scalar) || scalar == "$" }

    private mutating func skipBlanksAndComments() {
        while let scalar = peek() {
            if Self.isBlank(scalar) {
                advance()
            } else if (Self.isDash(scalar) && Self.isDash(peek(1))) || scalar == "\u{2014}" || (scalar == "/" && peek(1) == "/") {
                while let scalar = peek(), scalar != "\n" { advance() }
            } else if scalar == "/", peek(1) == "*" {
                // Programs in the field leave a comment open at their end: it then reaches to the end.
                advance(2)
                while index < text.count, !(peek() == "*" && peek(1) == "/") { advance() }
                advance(2)
            } else {
                return
            }
        }
    }

    // MARK: Tokens

    private mutating func next() -> Token {
        skipBlanksAndComments()
        let start = index
        let startPosition = position
        let kind = nextKind()
        let written = String(String.UnicodeScalarView(text[start..<min(index, start + 64)]))
        return Token(kind: kind, position: startPosition, text: written)
    }

    private mutating func nextKind() -> Token.Kind {
        guard let scalar = peek() else { return .end }
        switch scalar {
        case "'":
            guard let string = quoted(by: "'", as: "string literal") else { return .invalid }
            return .string(string)
        case "\"": return quotedName()
        case "u", "U":
            guard peek(1) == "&", peek(2) == "'" else { return word() }
            advance(2)
            guard let string = quoted(by: "'", as: "string literal") else { return .invalid }
            return .unicodeString(string)
        case "x", "X":
            guard peek(1) == "'" else { return word() }
            return binaryString()
        case ".": return Self.isDigit(peek(1)) ? number() : sign()
        default:
            if Self.isDigit(scalar) { return number() }
            return Self.isLetter(scalar) ? word() : sign()
        }
    }

    private mutating func word() -> Token.Kind {
        let start = position
        var letters = String.UnicodeScalarView()
        while let scalar = peek(), Self.isWordPart(scalar) {
            letters.append(scalar)
            advance()
        }
        let name = String(letters)
        return checkedLength(name, at: start) ? .word(name.uppercased()) : .invalid
    }

    private mutating func quotedName() -> Token.Kind {
        let start = position
        guard let name = quoted(by: "\"", as: "quoted name") else { return .invalid }
        if name.isEmpty {
            errors.append(SQLError("a name in double quotes may not be empty", at: start))
            return .invalid
        }
        if name.unicodeScalars.contains(where: { $0.value < 0x20 }) {
            errors.append(SQLError("a name may not contain control characters or line ends; is a closing '\"' missing?", at: start))
            return .invalid
        }
        return checkedLength(name, at: start) ? .quotedName(name) : .invalid
    }

    private mutating func checkedLength(_ name: String, at position: SourcePosition) -> Bool {
        guard name.unicodeScalars.count > 128 else { return true }
        errors.append(SQLError("a name has at most 128 characters, this one has \(name.unicodeScalars.count)", at: position))
        return false
    }

    /// Reads from an opening quote to its closing one; two quotes in a row stand for one.
    private mutating func quoted(by quote: Unicode.Scalar, as what: String) -> String? {
        let start = position
        advance()
        var content = String.UnicodeScalarView()
        while let scalar = peek() {
            if scalar == quote {
                advance()
                if peek() != quote { return String(content) }
            }
            content.append(scalar)
            advance()
        }
        errors.append(SQLError("this \(what) is never closed; a \(quote) is missing", at: start))
        return nil
    }

    private mutating func binaryString() -> Token.Kind {
        let start = position
        advance()
        guard let digits = quoted(by: "'", as: "binary literal") else { return .invalid }
        let nibbles = digits.map(\.hexDigitValue)
        guard nibbles.count.isMultiple(of: 2), !nibbles.contains(nil) else {
            errors.append(SQLError("a binary literal consists of pairs of hexadecimal digits, such as x'0A1F'", at: start))
            return .invalid
        }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: nibbles.count, by: 2) {
            bytes.append(UInt8(truncatingIfNeeded: (nibbles[index] ?? 0) * 16 + (nibbles[index + 1] ?? 0)))
        }
        return .binaryString(bytes)
    }

    private mutating func number() -> Token.Kind {
        var written = ""
        var hasPoint = false
        while let scalar = peek(), Self.isDigit(scalar) || (scalar == "." && !hasPoint) {
            if scalar == "." { hasPoint = true }
            written.unicodeScalars.append(scalar)
            advance()
        }
        guard peek() == "e" || peek() == "E" else { return hasPoint ? .decimal(written) : .integer(written) }
        let signLength = peek(1) == "+" || peek(1) == "-" ? 1 : 0
        guard Self.isDigit(peek(1 + signLength)) else { return hasPoint ? .decimal(written) : .integer(written) }
        written += "e"
        advance()
        if signLength == 1, let sign = peek() {
            written.unicodeScalars.append(sign)
            advance()
        }
        while let scalar = peek(), Self.isDigit(scalar) {
            written.unicodeScalars.append(scalar)
            advance()
        }
        return .approximate(written)
    }

    private static let longSigns: Set<String> = ["<>", "!=", "<=", ">=", "||"]
    private static let signs: Set<Unicode.Scalar> = [
        "(", ")", ",", ";", ".", "+", "-", "*", "/", "=", "<", ">", "[", "]", "{", "}", "?", ":", "%",
    ]

    private mutating func sign() -> Token.Kind {
        guard let first = peek() else { return .end }
        if let second = peek(1) {
            let two = String(first) + String(second)
            if Self.longSigns.contains(two) {
                advance(2)
                return .sign(two)
            }
        }
        if Self.signs.contains(first) || patternDepth > 0 && (first == "|" || first == "^") {
            advance()
            return .sign(String(first))
        }
        let advice =
            switch first {
            case "\u{2018}", "\u{2019}", "\u{201B}", "`", "\u{B4}": "; write ' around strings and \" around names"
            case "\u{201C}", "\u{201D}", "\u{201E}": "; write \" around names and ' around strings"
            case "\u{2013}", "\u{2212}": "; write - for minus"
            case "&", "|": "; write AND, OR, or || to join text"
            default: ""
            }
        // Such characters come in pairs and in runs: one error for a line says enough.
        if strayLine != position.line {
            errors.append(SQLError("the character '\(first)' has no meaning in SQL outside quotes\(advice)", at: position))
        }
        strayLine = position.line
        advance()
        return .invalid
    }
}
