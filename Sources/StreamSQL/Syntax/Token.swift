/// The words and signs that a program's text is cut into.

/// A token of the language, with the place where it begins.
struct Token: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// A keyword or unquoted name, in upper case.
        case word(String)
        /// A name in double quotes, as stored.
        case quotedName(String)
        /// Digits only.
        case integer(String)
        /// Digits with a point.
        case decimal(String)
        /// Digits with an exponent.
        case approximate(String)
        /// `'...'`, quotes resolved.
        case string(String)
        /// `u&'...'`, quotes resolved, escapes not (UESCAPE may follow).
        case unicodeString(String)
        /// `x'...'`.
        case binaryString([UInt8])
        /// An operator or punctuation mark.
        case sign(String)
        /// Something that is not a token; the lexer has reported it.
        case invalid
        /// The end of the text.
        case end
    }
    var kind: Kind
    var position: SourcePosition
    /// The text as written, for messages.
    var text: String

    /// How a message names the token.
    var described: String {
        if case .end = kind { return "the end of the program" }
        return text.count <= 40 ? "'\(text)'" : "'\(text.prefix(37))...'"
    }
}
