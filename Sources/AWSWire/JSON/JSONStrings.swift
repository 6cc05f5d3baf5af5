/// JSON's string escapes, both ways.

enum JSONStrings {
    static func hexValue(_ digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(digit - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(digit - UInt8(ascii: "A")) + 10
        default: nil
        }
    }

    /// Appends what a string with escapes means, in UTF-8. A surrogate without its other half becomes U+FFFD.
    ///
    /// The parser has checked every escape; of bytes it has not seen, malformed ones are left out.
    static func appendUnescaped(_ text: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        var index = 0
        while index < text.count {
            let byte = text[index]
            index += 1
            guard byte == UInt8(ascii: "\\"), index < text.count else {
                output.append(byte)
                continue
            }
            let kind = text[index]
            index += 1
            switch kind {
            case UInt8(ascii: "b"): output.append(0x08)
            case UInt8(ascii: "f"): output.append(0x0C)
            case UInt8(ascii: "n"): output.append(0x0A)
            case UInt8(ascii: "r"): output.append(0x0D)
            case UInt8(ascii: "t"): output.append(0x09)
            case UInt8(ascii: "u"): append(scalarAt: &index, of: text, to: &output)
            default: output.append(kind)
            }
        }
    }

    private static func append(scalarAt index: inout Int, of text: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        guard let unit = codeUnit(at: index, of: text) else { return }
        index += 4
        var value = unit
        if unit & 0xFC00 == 0xD800, index + 1 < text.count, text[index] == UInt8(ascii: "\\"), text[index + 1] == UInt8(ascii: "u"),
            let low = codeUnit(at: index + 2, of: text), low & 0xFC00 == 0xDC00
        {
            value = 0x10000 + (unit & 0x3FF) << 10 + low & 0x3FF
            index += 6
        }
        let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
        output.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    private static func codeUnit(at index: Int, of text: UnsafeBufferPointer<UInt8>) -> UInt32? {
        guard text.count - index >= 4 else { return nil }
        var value: UInt32 = 0
        for digit in text[index..<(index + 4)] {
            guard let digitValue = hexValue(digit) else { return nil }
            value = value << 4 | digitValue
        }
        return value
    }

    /// Whether a text is ASCII that stands in JSON as it is.
    static func isPlain(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let base = UnsafeRawPointer(text.baseAddress) else { return true }
        let ones: UInt64 = 0x0101_0101_0101_0101
        var special: UInt64 = 0
        var index = 0
        while text.count &- index >= 8 {
            let word = base.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
            let backslashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
            // High bits where a byte is a quote, a backslash, below 0x20 or above 0x7F; none anywhere where there is no such byte.
            special |= (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | (word &- ones &* 0x20) & ~word | word
            index &+= 8
        }
        while index < text.count {
            let byte = text[index]
            if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return false }
            index &+= 1
        }
        return special & (ones &* 0x80) == 0
    }

    /// Appends UTF-8 text with the escapes that it needs in a JSON string.
    static func appendEscaped(_ text: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        var plainStart = 0
        for index in 0..<text.count {
            let byte = text[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            output.append(contentsOf: text[plainStart..<index])
            plainStart = index + 1
            appendEscape(of: byte, to: &output)
        }
        output.append(contentsOf: text[plainStart..<text.count])
    }

    private static func appendEscape(of byte: UInt8, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: output.append(UInt8(ascii: "b"))
        case 0x0C: output.append(UInt8(ascii: "f"))
        case 0x0A: output.append(UInt8(ascii: "n"))
        case 0x0D: output.append(UInt8(ascii: "r"))
        case 0x09: output.append(UInt8(ascii: "t"))
        case 0..<0x20:
            let digits = StaticString("0123456789abcdef").utf8Start
            output.append(contentsOf: [UInt8(ascii: "u"), UInt8(ascii: "0"), UInt8(ascii: "0")])
            output.append(digits[Int(byte >> 4)])
            output.append(digits[Int(byte & 0xF)])
        default: output.append(byte)
        }
    }
}
