/// Exact decimal numbers: unscaled digits in 64 bits, never through a double.

/// Arithmetic on unscaled digits.
enum DecimalDigits {
    /// DECIMAL has at most this many digits (SQL Reference, "Data Types").
    static let maxPrecision = 18

    private static let powers: [Int64] = {
        var powers: [Int64] = [1]
        for exponent in 1...18 { powers.append(powers[exponent - 1] * 10) }
        return powers
    }()

    /// 10 to the power `exponent`, 0...18.
    static func power(_ exponent: Int) -> Int64 { powers[min(max(exponent, 0), 18)] }

    /// Half away from zero.
    static func divideRounding(_ value: Int64, by divisor: Int64) -> Int64 {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        let rest = remainder.magnitude
        guard rest >= divisor.magnitude - rest else { return quotient }
        return (value < 0) == (divisor < 0) ? quotient + 1 : quotient - 1
    }

    /// Half away from zero, in 128 bits.
    static func divideRounding(_ value: Int128, by divisor: Int128) -> Int128 {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        let rest = remainder.magnitude
        guard rest >= divisor.magnitude - rest else { return quotient }
        return (value < 0) == (divisor < 0) ? quotient + 1 : quotient - 1
    }

    /// The same number with another scale, rounded half away from zero; nil when it needs more than 64 bits.
    static func rescale(_ value: Int64, from: Int, to: Int) -> Int64? {
        if from == to { return value }
        if to < from { return from - to > 18 ? 0 : divideRounding(value, by: power(from - to)) }
        guard to - from <= 18 else { return value == 0 ? 0 : nil }
        let (scaled, overflow) = value.multipliedReportingOverflow(by: power(to - from))
        return overflow ? nil : scaled
    }

    /// Why a text is not a number of a type.
    enum Misfit: Error { case notANumber, tooLarge, fractionLost }

    /// Reads a decimal number, with optional sign, fraction and exponent, as unscaled digits of `scale`.
    ///
    /// - Parameter rounding: digits beyond the scale are rounded half away from zero; otherwise they are `Misfit.fractionLost` unless zero.
    static func parse(_ text: UnsafeRawBufferPointer, scale: Int, rounding: Bool) throws(Misfit) -> Int64 {
        var index = 0
        var negative = false
        if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
            negative = text[index] == UInt8(ascii: "-")
            index += 1
        }
        let digitsStart = index
        var point: Int?
        var end = index
        var digitCount = 0
        scan: while end < text.count {
            switch text[end] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digitCount += 1
            case UInt8(ascii: ".") where point == nil: point = end
            default: break scan
            }
            end += 1
        }
        guard digitCount > 0 else { throw .notANumber }
        let exponent = try Self.exponent(text, from: end)
        // The digit at `index` weighs 10^place units of the result.
        var place = (point ?? end) - digitsStart - 1 + exponent + scale
        var value: UInt64 = 0
        var roundUp = false
        index = digitsStart
        while index < end {
            let byte = text[index]
            index += 1
            if byte == UInt8(ascii: ".") { continue }
            let digit = UInt64(byte &- UInt8(ascii: "0"))
            if place >= 0 {
                let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, carry) = tens.addingReportingOverflow(digit)
                if overflow || carry { throw .tooLarge }
                value = sum
            } else {
                if digit != 0 && !rounding { throw .fractionLost }
                if place == -1 && digit >= 5 { roundUp = true }
            }
            place -= 1
        }
        // Zeroes that an exponent or the scale asks for after the last digit.
        while place >= 0 && value != 0 {
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { throw .tooLarge }
            value = tens
            place -= 1
        }
        if roundUp { value += value < .max ? 1 : 0 }
        if negative {
            guard value <= Int64.min.magnitude else { throw .tooLarge }
            return value == Int64.min.magnitude ? .min : -Int64(value)
        }
        guard let result = Int64(exactly: value) else { throw .tooLarge }
        return result
    }

    private static func exponent(_ text: UnsafeRawBufferPointer, from start: Int) throws(Misfit) -> Int {
        guard start < text.count else { return 0 }
        guard text[start] | 0x20 == UInt8(ascii: "e") else { throw .notANumber }
        var index = start + 1
        var negative = false
        if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
            negative = text[index] == UInt8(ascii: "-")
            index += 1
        }
        guard index < text.count else { throw .notANumber }
        var value = 0
        while index < text.count {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[index]) else { throw .notANumber }
            // Beyond this every number is zero or too large anyway.
            value = min(1_000_000_000, value * 10 + Int(text[index] - UInt8(ascii: "0")))
            index += 1
        }
        return negative ? -value : value
    }

    /// Appends the number as plain digits, with exactly `scale` of them after the point.
    static func append(_ value: Int64, scale: Int, to output: inout [UInt8]) {
        if value < 0 { output.append(UInt8(ascii: "-")) }
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { buffer in
            var rest = value.magnitude
            var first = buffer.count
            repeat {
                first -= 1
                buffer[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0 || buffer.count - first <= scale && first > 0
            let point = buffer.count - scale
            output.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[first..<point]))
            if scale > 0 {
                output.append(UInt8(ascii: "."))
                output.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[point...]))
            }
        }
    }

    /// The number as plain digits.
    static func text(_ value: Int64, scale: Int) -> String {
        var bytes: [UInt8] = []
        append(value, scale: scale, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
