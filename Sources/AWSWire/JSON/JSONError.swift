/// Why bytes are not JSON.

/// A JSON text was refused.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: String, Hashable, Sendable {
        case endOfText = "the text ends too early"
        case unexpectedByte = "unexpected character"
        case badEscape = "an unknown escape"
        case badNumber = "a malformed number"
        case badUTF8 = "not UTF-8"
        case tooDeep = "nested too deeply"
        case tooLong = "the text is too long"
    }
    public var reason: Reason
    /// Where, in bytes from the start.
    public var offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }
    public var description: String { "\(reason.rawValue) at byte \(offset)" }
}
