/// Base64 (RFC 4648, section 4) on bytes: how blobs travel in JSON.

internal import CBase64

public enum Base64 {
    /// Why characters are not base64.
    public enum Problem: Error, Hashable, Sendable {
        /// The length is not a multiple of four.
        case length(Int)
        case character(UInt8)
        /// The last character before the padding carries bits that belong to no byte.
        case looseBits
    }

    // MARK: Encoding

    /// How many characters stand for so many bytes.
    public static func encodedCount(_ bytes: Int) -> Int { (bytes + 2) / 3 * 4 }

    /// Writes the characters that stand for `bytes`: `encodedCount` of them.
    @inline(__always)
    static func write(_ bytes: UnsafeRawBufferPointer, to characters: UnsafeMutableRawPointer) {
        CBase64_encode(
            bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, characters.assumingMemoryBound(to: UInt8.self))
    }

    /// The characters that stand for `bytes`.
    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        bytes.withContiguousStorageIfAvailable { encode(contiguous: $0) } ?? encode(Array(bytes))
    }

    private static func encode(contiguous bytes: UnsafeBufferPointer<UInt8>) -> String {
        String(unsafeUninitializedCapacity: encodedCount(bytes.count)) { characters in
            CBase64_encode(bytes.baseAddress, bytes.count, characters.baseAddress)
            return encodedCount(bytes.count)
        }
    }

    // MARK: Decoding

    /// Appends what the characters stand for. After an error some bytes may have been appended.
    public static func appendDecoded(
        _ characters: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]
    ) throws(Problem) {
        guard characters.count % 4 == 0 else { throw .length(characters.count) }
        guard let last = characters.last else { return }
        let padding = last != equals ? 0 : characters[characters.count - 2] == equals ? 2 : 1
        let whole = characters.count - (padding > 0 ? 4 : 0)
        var decoded = 0
        output.append(atMost: whole / 4 * 3) { room in
            decoded = CBase64_decode_prefix(characters.baseAddress, whole, room)
            return decoded / 4 * 3
        }
        // The group that stopped it has a character of another kind.
        guard decoded == whole else { throw .character(characters[decoded..<whole].first { value($0) == nil } ?? 0) }
        if padding > 0 { try appendDecoded(lastGroup: UnsafeBufferPointer(rebasing: characters[whole...]), padding, to: &output) }
    }

    /// Appends the one or two bytes of a group with padding.
    private static func appendDecoded(
        lastGroup group: UnsafeBufferPointer<UInt8>, _ padding: Int, to output: inout [UInt8]
    ) throws(Problem) {
        var word: UInt32 = 0
        for character in group.dropLast(padding) {
            guard let value = value(character) else { throw .character(character) }
            word = word << 6 | UInt32(value)
        }
        // 18 bits for two bytes, or 12 for one.
        let loose: UInt32 = padding == 1 ? 3 : 15
        if padding == 1 { output.append(UInt8(truncatingIfNeeded: word >> 10)) }
        output.append(UInt8(truncatingIfNeeded: padding == 1 ? word >> 2 : word >> 4))
        if word & loose != 0 { throw .looseBits }
    }

    private static let equals = UInt8(ascii: "=")

    /// What a character of the alphabet stands for; nil for others.
    private static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    /// What the characters stand for; nil when they are not base64.
    public static func decode(_ text: String) -> [UInt8]? {
        var output: [UInt8] = []
        do throws(Problem) {
            try Array(text.utf8).withUnsafeBufferPointer { (characters) throws(Problem) in
                try appendDecoded(characters, to: &output)
            }
        } catch {
            return nil
        }
        return output
    }
}
