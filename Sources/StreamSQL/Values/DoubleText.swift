/// Reading and writing floating-point numbers as text.

enum DoubleText {
    private static let powers: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21,
        1e22,
    ]

    /// The nearest double of a decimal number with optional sign, fraction and exponent; nil for any other text and beyond the range.
    static func parse(_ text: UnsafeRawBufferPointer) -> Double? {
        var mantissa: UInt64 = 0
        var digits = 0
        var exponent = 0
        var index = 0
        let negative = text.first == UInt8(ascii: "-")
        if negative || text.first == UInt8(ascii: "+") { index = 1 }
        var sawPoint = false
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: ".") && !sawPoint {
                sawPoint = true
            } else {
                let digit = byte &- UInt8(ascii: "0")
                guard digit < 10 else { break }
                // More digits than these do not fit; the slow path reads them.
                if digits < 19 { mantissa = mantissa &* 10 &+ UInt64(digit) }
                digits += 1
                if sawPoint { exponent -= 1 }
            }
            index += 1
        }
        guard digits > 0 else { return nil }
        // The product or quotient of two exact doubles is rounded once, hence right.
        if index == text.count && digits <= 15 && exponent >= -22 {
            let value = Double(mantissa) / powers[-exponent]
            return negative ? -value : value
        }
        guard isNumber(text, from: index), let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else {
            return nil
        }
        return value
    }

    /// The nearest 32-bit number, as a double; nil as above.
    static func parseReal(_ text: UnsafeRawBufferPointer) -> Double? {
        // Rounding a double again may miss the nearest float, so the text is read anew.
        guard parse(text) != nil, let value = Float(String(decoding: text, as: UTF8.self)), value.isFinite else { return nil }
        return Double(value)
    }

    /// Whether what follows the digits is nothing or an exponent.
    private static func isNumber(_ text: UnsafeRawBufferPointer, from start: Int) -> Bool {
        guard start < text.count else { return true }
        guard text[start] | 0x20 == UInt8(ascii: "e") else { return false }
        var index = start + 1
        if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") { index += 1 }
        guard index < text.count else { return false }
        return text[index...].allSatisfy { $0 &- UInt8(ascii: "0") < 10 }
    }

    /// The shortest text that reads back the same, as JSON writes numbers. The value is finite.
    static func append(_ value: Double, isReal: Bool, to output: inout [UInt8]) {
        output.append(contentsOf: (isReal ? Float(value).description : value.description).utf8)
    }

    /// As CAST writes it: like JSON, with the exponent as `E16`.
    static func sqlText(_ value: Double, isReal: Bool) -> String {
        let text = isReal ? Float(value).description : value.description
        guard let e = text.firstIndex(of: "e") else { return text }
        let mantissa = text[..<e]
        let exponent = text[text.index(after: e)...].drop { $0 == "+" }
        return "\(mantissa)\(mantissa.contains(".") ? "" : ".0")E\(exponent)"
    }
}
