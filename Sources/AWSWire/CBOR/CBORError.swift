/// Why bytes are not CBOR that the AWS protocols use.

/// A CBOR text was refused.
public struct CBORError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: String, Hashable, Sendable {
        case endOfData = "the data ends too early"
        case moreData = "more than one item"
        case reserved = "a reserved or unassigned item"
        case keyNotText = "a map's key that is no text"
        case taggedKey = "a map's key with a tag"
        case badChunk = "a part of a string that is none"
        case badTime = "a time that is no number"
        case badUTF8 = "not UTF-8"
        case tooDeep = "nested too deeply"
        case tooManyItems = "too many items for its length"
        case tooLong = "the data is too long"
    }
    public var reason: Reason
    /// Where, in bytes from the start.
    public var offset: Int

    init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }
    public var description: String { "\(reason.rawValue) at byte \(offset)" }
}
