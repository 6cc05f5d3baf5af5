/// Base64 (RFC 4648, section 4) on bytes: how blobs travel in JSON.

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

    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// How many characters stand for so many bytes.
    public static func encodedCount(_ bytes: Int) -> Int { (bytes + 2) / 3 * 4 }

    /// Appends the characters that stand for `bytes`.
    public static func append(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let start = output.count
        output.append(contentsOf: repeatElement(UInt8(ascii: "="), count: encodedCount(bytes.count)))
        output.withUnsafeMutableBufferPointer { output in
            let letters = alphabet.utf8Start
            var target = start
            var source = 0
            while bytes.count &- source >= 3 {
                let word =
                    UInt32(bytes[source]) << 16 | UInt32(bytes[source &+ 1]) << 8 | UInt32(bytes[source &+ 2])
                output[target] = letters[Int(truncatingIfNeeded: word >> 18)]
                output[target &+ 1] = letters[Int(truncatingIfNeeded: word >> 12 & 63)]
                output[target &+ 2] = letters[Int(truncatingIfNeeded: word >> 6 & 63)]
                output[target &+ 3] = letters[Int(truncatingIfNeeded: word & 63)]
                source &+= 3
                target &+= 4
            }
            let rest = bytes.count &- source
            guard rest > 0 else { return }
            let word = UInt32(bytes[source]) << 16 | (rest == 2 ? UInt32(bytes[source &+ 1]) << 8 : 0)
            output[target] = letters[Int(truncatingIfNeeded: word >> 18)]
            output[target &+ 1] = letters[Int(truncatingIfNeeded: word >> 12 & 63)]
            if rest == 2 { output[target &+ 2] = letters[Int(truncatingIfNeeded: word >> 6 & 63)] }
        }
    }

    /// The characters that stand for `bytes`.
    public static func encode(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        bytes.withUnsafeBytes { append($0, to: &output) }
        return String(decoding: output, as: UTF8.self)
    }

    // MARK: Decoding

    /// The value of each character; 0xFF for those outside the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for index in 0..<64 { values[Int(alphabet.utf8Start[index])] = UInt8(index) }
        return values
    }()

    /// Appends what the characters stand for. After an error some bytes may have been appended.
    public static func appendDecoded(
        _ characters: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]
    ) throws(Problem) {
        guard characters.count % 4 == 0 else { throw .length(characters.count) }
        guard let last = characters.last else { return }
        let padding = last != UInt8(ascii: "=") ? 0 : characters[characters.count - 2] == UInt8(ascii: "=") ? 2 : 1
        let whole = characters.count - (padding > 0 ? 4 : 0)
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: whole / 4 * 3))
        try values.withUnsafeBufferPointer { (values) throws(Problem) in
            let isGood = output.withUnsafeMutableBufferPointer { output in
                decodeWhole(characters, whole, values, to: output, at: start)
            }
            if !isGood { throw .character(characters[..<whole].first { values[Int($0)] == 0xFF } ?? 0) }
            guard padding > 0 else { return }
            let tail = characters[whole..<(characters.count - padding)]
            for character in tail where values[Int(character)] == 0xFF { throw .character(character) }
            let (a, b) = (values[Int(tail[whole])], values[Int(tail[whole + 1])])
            output.append(a << 2 | b >> 4)
            guard padding == 1 else {
                if b & 0xF != 0 { throw .looseBits }
                return
            }
            let c = values[Int(tail[whole + 2])]
            output.append(b << 4 | c >> 2)
            if c & 3 != 0 { throw .looseBits }
        }
    }

    /// Decodes groups of four without padding; false when a character is none of the alphabet.
    private static func decodeWhole(
        _ characters: UnsafeBufferPointer<UInt8>, _ count: Int, _ values: UnsafeBufferPointer<UInt8>,
        to output: UnsafeMutableBufferPointer<UInt8>, at start: Int
    ) -> Bool {
        var target = start
        var source = 0
        var seen: UInt8 = 0
        while source < count {
            let a = values[Int(characters[source])]
            let b = values[Int(characters[source &+ 1])]
            let c = values[Int(characters[source &+ 2])]
            let d = values[Int(characters[source &+ 3])]
            seen |= a | b | c | d
            output[target] = a << 2 | b >> 4
            output[target &+ 1] = b << 4 | c >> 2
            output[target &+ 2] = c << 6 | d
            source &+= 4
            target &+= 3
        }
        return seen < 64
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
