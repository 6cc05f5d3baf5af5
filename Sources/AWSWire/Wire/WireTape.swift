/// The tape: what a parsed request is made of, one 64-bit entry per value, pointing into the request's own bytes.

/// One entry of the tape.
///
/// | bits | strings, numbers, bytes | arrays, objects |
/// |---|---|---|
/// | 60...63 | kind | kind |
/// | 32...59 | length in bytes | 0 |
/// | 0...31 | where it begins in the text | index of the entry after the last child |
///
/// The members of an object are entries in turn: name, value, name, value.
struct TapeEntry: Sendable {
    enum Kind: UInt64, Sendable {
        case null = 0
        case `false` = 1
        case `true` = 2
        case number = 3
        /// A string that stands in the text as it is.
        case string = 4
        /// A string with escapes in it.
        case escapedString = 5
        case array = 6
        case object = 7
        // Of CBOR only.
        case bytes = 8
        /// The whole item, its head included; so the two below.
        case integer = 9
        case float = 10
        case time = 11
    }

    let rawValue: UInt64

    /// Longer texts are refused, so that offsets fit 32 bits and lengths 28.
    static let maxTextLength = 1 << 28 - 1

    init(_ kind: Kind, length: Int = 0, offset: Int) {
        rawValue = kind.rawValue << 60 | UInt64(truncatingIfNeeded: length) << 32 | UInt64(truncatingIfNeeded: offset)
    }

    var kind: Kind { Kind(rawValue: rawValue >> 60) ?? .null }
    var length: Int { Int(truncatingIfNeeded: rawValue >> 32 & 0xFFF_FFFF) }
    var offset: Int { Int(truncatingIfNeeded: rawValue & 0xFFFF_FFFF) }
}
