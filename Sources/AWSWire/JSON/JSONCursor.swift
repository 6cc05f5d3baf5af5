/// Reads the JSON of a request whose shape is known from front to back, once, without noting where its values lie.

internal import CBase64

/// A position in a JSON text (RFC 8259) of which the reader knows what should come.
///
/// Every step says whether what it found is what it looks for, in its plainest form: a text without escapes, base64 without errors. When
/// one says no, the reader gives up and `JSONParser` reads the body again, for whatever is right in another form, and for all that is
/// wrong with the words that AWS has for it. So a reader that succeeds must have seen the whole text: every member, and its end.
///
/// ```swift
/// var cursor = JSONCursor(body)
/// let isPlain = cursor.object { cursor, name in
///     if name.isName("StreamName") { stream = cursor.string() }
///     return stream != nil
/// } && cursor.isAtEnd
/// ```
public struct JSONCursor {
    private let text: UnsafeBufferPointer<UInt8>
    /// Where it stands, in bytes from the start; never past the end.
    public private(set) var position = 0

    /// - Parameter text: must outlive the cursor and what it returns.
    public init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    // MARK: Structure

    /// An object; `member` is given each name, and reads the value.
    @inlinable
    public mutating func object(_ member: (inout JSONCursor, UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
        guard take(UInt8(ascii: "{")) else { return false }
        if take(UInt8(ascii: "}")) { return true }
        repeat {
            guard let name = string(), take(UInt8(ascii: ":")), member(&self, name) else { return false }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "}"))
    }

    /// An array; `element` reads a value each time.
    @inlinable
    public mutating func array(_ element: (inout JSONCursor) -> Bool) -> Bool {
        guard take(UInt8(ascii: "[")) else { return false }
        if take(UInt8(ascii: "]")) { return true }
        repeat {
            guard element(&self) else { return false }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "]"))
    }

    /// Passes over white space and this byte, if it is the next.
    public mutating func take(_ byte: UInt8) -> Bool {
        skipWhiteSpace()
        guard position < text.count, text[position] == byte else { return false }
        position &+= 1
        return true
    }

    /// Whether nothing but white space is left.
    public var isAtEnd: Bool {
        mutating get {
            skipWhiteSpace()
            return position == text.count
        }
    }

    // MARK: Values

    /// The bytes of a string without escapes, which are UTF-8.
    public mutating func string() -> UnsafeBufferPointer<UInt8>? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = position
        let seen = skipPlain()
        guard position < text.count, text[position] == UInt8(ascii: "\"") else { return nil }
        let characters = UnsafeBufferPointer(rebasing: text[start..<position])
        position &+= 1
        return seen < 0x80 || UTF8Check.isValid(characters) ? characters : nil
    }

    /// Decodes the base64 of a string into `bytes`; how many bytes there are.
    ///
    /// The string's end is found by decoding, so its characters are looked at once. Needs room for three quarters of what is left of the
    /// text, and returns nil when there is less and the string is longer than that.
    public mutating func base64(into bytes: UnsafeMutableBufferPointer<UInt8>) -> Int? {
        guard take(UInt8(ascii: "\"")), let source = text.baseAddress, let target = bytes.baseAddress else { return nil }
        let most = min(text.count &- position, bytes.count / 3 * 4)
        let whole = CBase64_decode_prefix(source + position, most, target)
        position &+= whole
        var count = whole / 4 * 3
        guard position < text.count else { return nil }
        if text[position] != UInt8(ascii: "\"") {
            // A last group with padding: it must lie within the room that there was for whole groups.
            guard most &- whole >= 4, let (last, lastCount) = Self.paddedGroup(source + position) else { return nil }
            target[count] = UInt8(truncatingIfNeeded: last >> 8)
            if lastCount == 2 { target[count &+ 1] = UInt8(truncatingIfNeeded: last) }
            count &+= lastCount
            position &+= 4
            guard position < text.count, text[position] == UInt8(ascii: "\"") else { return nil }
        }
        position &+= 1
        return count
    }

    /// The one or two bytes (in the upper and the lower half) that four characters with padding stand for; nil when they are anything else.
    private static func paddedGroup(_ characters: UnsafePointer<UInt8>) -> (word: UInt16, count: Int)? {
        guard characters[3] == UInt8(ascii: "=") else { return nil }
        let isOne = characters[2] == UInt8(ascii: "=")
        var group = (characters[0], characters[1], isOne ? UInt8(ascii: "A") : characters[2], UInt8(ascii: "A"))
        var decoded: (UInt8, UInt8, UInt8) = (0, 0, 0)
        let isGood = withUnsafeBytes(of: &group) { group in
            withUnsafeMutableBytes(of: &decoded) { decoded in
                CBase64_decode_prefix(
                    group.baseAddress?.assumingMemoryBound(to: UInt8.self), 4,
                    decoded.baseAddress?.assumingMemoryBound(to: UInt8.self)) == 4
            }
        }
        // Bits that belong to no byte must be 0.
        guard isGood, decoded.2 == 0, !isOne || decoded.1 == 0 else { return nil }
        return (UInt16(decoded.0) << 8 | UInt16(decoded.1), isOne ? 1 : 2)
    }

    // MARK: Bytes

    private mutating func skipWhiteSpace() {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position &+= 1
            default: return
            }
        }
    }

    /// Passes over the bytes of a string up to a quote, an escape, a control character or the end; all of them, or-ed.
    private mutating func skipPlain() -> UInt8 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        guard let base = UnsafeRawPointer(text.baseAddress) else { return 0 }
        var seen: UInt64 = 0
        while text.count &- position >= 8 {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
            let backslashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
            // A byte's high bit is set where it is a quote, a backslash or below 0x20; above the lowest such byte there may be false ones.
            let special =
                ((quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | (word &- ones &* 0x20) & ~word) & highs
            guard special != 0 else {
                seen |= word
                position &+= 8
                continue
            }
            let plain = special.trailingZeroBitCount / 8
            seen |= plain == 0 ? 0 : word & (UInt64.max >> UInt64(64 &- 8 &* plain))
            position &+= plain
            return seen & highs != 0 ? 0x80 : 0
        }
        var rest: UInt8 = 0
        while position < text.count {
            let byte = text[position]
            guard byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else { break }
            rest |= byte
            position &+= 1
        }
        return rest | (seen & highs != 0 ? 0x80 : 0)
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether these are the bytes of a name.
    @inlinable
    public func isName(_ name: StaticString) -> Bool {
        guard count == name.utf8CodeUnitCount else { return false }
        for index in 0..<count where self[index] != name.utf8Start[index] { return false }
        return true
    }
}
