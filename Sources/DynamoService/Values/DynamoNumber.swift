/// Numbers as DynamoDB has them: 38 decimal digits, exact, from 1E-130 to 9.99E+125 on both sides of 0.

/// A number in one form only: no zeros at the end of its digits, and 0 without a sign. Equal numbers are equal values.
package struct DynamoNumber: Hashable, Sendable {
    /// Why a text or a result is no number that can be kept.
    package enum Problem: Error, Hashable, Sendable {
        case notNumeric, tooLarge, tooSmall, tooPrecise
    }

    /// The most significant digits.
    static let mostDigits = 38
    /// The powers of ten that the first digit may stand for.
    private static let powers = -130...125

    package private(set) var isNegative: Bool
    /// The significant digits as a whole number, not divisible by 10; 0 for 0.
    package private(set) var digits: UInt128
    /// The power of ten that the last digit stands for.
    package private(set) var exponent: Int

    package static let zero = DynamoNumber(isNegative: false, digits: 0, exponent: 0)

    private init(isNegative: Bool, digits: UInt128, exponent: Int) {
        (self.isNegative, self.digits, self.exponent) = (isNegative, digits, exponent)
    }

    /// Whole numbers of the program's own.
    package init(_ number: Int64) {
        var (digits, exponent) = (UInt128(number.magnitude), 0)
        while digits != 0, digits % 10 == 0 { (digits, exponent) = (digits / 10, exponent + 1) }
        self.init(isNegative: number < 0, digits: digits, exponent: exponent)
    }

    /// Puts a result into its one form.
    private init(normalizing digits: UInt128, exponent: Int, isNegative: Bool) throws(Problem) {
        guard digits != 0 else {
            self = .zero
            return
        }
        var (digits, exponent) = (digits, exponent)
        while digits % 10 == 0 { (digits, exponent) = (digits / 10, exponent + 1) }
        let count = Self.count(digits)
        guard count + exponent - 1 <= Self.powers.upperBound else { throw .tooLarge }
        guard count + exponent - 1 >= Self.powers.lowerBound else { throw .tooSmall }
        guard count <= Self.mostDigits else { throw .tooPrecise }
        self.init(isNegative: isNegative, digits: digits, exponent: exponent)
    }

    /// Of a kept form; nil for what was never one.
    init?(kept digits: UInt128, exponent: Int, isNegative: Bool) {
        do throws(Problem) {
            try self.init(normalizing: digits, exponent: exponent, isNegative: isNegative)
        } catch {
            return nil
        }
        guard self.digits == digits else { return nil }
    }

    /// How many digits a number has; 0 for 0.
    private static func count(_ digits: UInt128) -> Int {
        var (rest, count) = (digits, 0)
        while rest != 0 { (rest, count) = (rest / 10, count + 1) }
        return count
    }

    var digitCount: Int { Self.count(digits) }

    // MARK: Text

    /// Reads `-12.5E+3` and its like.
    package init(_ text: some Collection<UInt8>) throws(Problem) {
        var scan = Scan()
        guard scan.take(Array(text)) else { throw .notNumeric }
        guard scan.digits != 0 else {
            self = .zero
            return
        }
        guard scan.power <= Self.powers.upperBound else { throw .tooLarge }
        guard scan.power >= Self.powers.lowerBound else { throw .tooSmall }
        guard !scan.isTooPrecise else { throw .tooPrecise }
        try self.init(normalizing: scan.digits, exponent: scan.exponent, isNegative: scan.isNegative)
    }

    /// What reading a text has found.
    private struct Scan {
        var isNegative = false
        var digits: UInt128 = 0
        var isTooPrecise = false
        private var significant = 0
        /// Zeros that count only if another digit follows.
        private var pendingZeros = 0
        private var fractionDigits = 0
        private var stated = 0

        /// The power of ten of the last digit in `digits`.
        var exponent: Int { stated - fractionDigits + pendingZeros }
        /// The power of ten of the first digit.
        var power: Int { exponent + significant - 1 }

        /// Past this no exponent is told from another.
        private static let mostExponent = 10_000_000

        mutating func take(_ text: [UInt8]) -> Bool {
            var rest = text[...]
            isNegative = takeSign(&rest)
            var (any, isFraction) = (false, false)
            while let byte = rest.first {
                if byte == UInt8(ascii: "."), !isFraction {
                    isFraction = true
                } else if byte &- UInt8(ascii: "0") <= 9 {
                    any = true
                    take(digit: byte &- UInt8(ascii: "0"), isFraction)
                } else {
                    break
                }
                rest = rest.dropFirst()
            }
            guard any else { return false }
            return rest.isEmpty || takeExponent(rest)
        }

        private func takeSign(_ rest: inout ArraySlice<UInt8>) -> Bool {
            guard let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") else { return false }
            rest = rest.dropFirst()
            return sign == UInt8(ascii: "-")
        }

        private mutating func take(digit: UInt8, _ isFraction: Bool) {
            if isFraction { fractionDigits += 1 }
            if digit == 0 {
                if significant > 0 { pendingZeros += 1 }
                return
            }
            significant += pendingZeros + 1
            if significant > DynamoNumber.mostDigits {
                isTooPrecise = true
            } else {
                for _ in 0...pendingZeros { digits *= 10 }
                digits += UInt128(digit)
            }
            pendingZeros = 0
        }

        private mutating func takeExponent(_ text: ArraySlice<UInt8>) -> Bool {
            guard let first = text.first, first | 0x20 == UInt8(ascii: "e") else { return false }
            var rest = text.dropFirst()
            let isNegative = takeSign(&rest)
            guard !rest.isEmpty, text.count <= 64 else { return false }
            for byte in rest {
                guard byte &- UInt8(ascii: "0") <= 9 else { return false }
                stated = min(stated * 10 + Int(byte &- UInt8(ascii: "0")), Self.mostExponent)
            }
            if isNegative { stated = -stated }
            return true
        }
    }

    /// The number as the service writes it: no exponent, no zeros that say nothing.
    package var text: [UInt8] {
        guard digits != 0 else { return [UInt8(ascii: "0")] }
        var digits = Array(String(self.digits).utf8)
        let sign = isNegative ? [UInt8(ascii: "-")] : []
        if exponent >= 0 { return sign + digits + [UInt8](repeating: UInt8(ascii: "0"), count: exponent) }
        let whole = digits.count + exponent
        if whole <= 0 {
            return sign + [UInt8(ascii: "0"), UInt8(ascii: ".")] + [UInt8](repeating: UInt8(ascii: "0"), count: -whole) + digits
        }
        digits.insert(UInt8(ascii: "."), at: whole)
        return sign + digits
    }

    /// The nearest whole number within 64 bits, cut off toward 0; nil for what lies outside.
    var whole: Int64? {
        guard digits != 0 else { return 0 }
        var number = digits
        if exponent < 0 {
            for _ in 0..<min(-exponent, 40) { number /= 10 }
        } else {
            for _ in 0..<exponent {
                guard number <= UInt128(Int64.max) else { return nil }
                number *= 10
            }
        }
        guard number <= UInt128(Int64.max) else { return nil }
        return isNegative ? -Int64(number) : Int64(number)
    }

    // MARK: Arithmetic

    static prefix func - (number: DynamoNumber) -> DynamoNumber {
        DynamoNumber(
            isNegative: number.digits != 0 && !number.isNegative, digits: number.digits, exponent: number.exponent)
    }

    /// The exact sum.
    /// - Throws: when it has no exact form.
    package static func sum(_ left: DynamoNumber, _ right: DynamoNumber) throws(Problem) -> DynamoNumber {
        if left.digits == 0 { return right }
        if right.digits == 0 { return left }
        let exponent = min(left.exponent, right.exponent)
        // Where one has to be moved by more than there are digits, their last digits stand too far apart: neither ends in a 0.
        guard let first = scaled(left, to: exponent), let second = scaled(right, to: exponent) else { throw .tooPrecise }
        if left.isNegative == right.isNegative {
            let (sum, isOver) = first.addingReportingOverflow(second)
            guard !isOver else { throw .tooPrecise }
            return try DynamoNumber(normalizing: sum, exponent: exponent, isNegative: left.isNegative)
        }
        let isFirst = first >= second
        return try DynamoNumber(
            normalizing: isFirst ? first - second : second - first, exponent: exponent,
            isNegative: isFirst ? left.isNegative : right.isNegative)
    }

    private static func scaled(_ number: DynamoNumber, to exponent: Int) -> UInt128? {
        guard number.exponent - exponent <= mostDigits else { return nil }
        var digits = number.digits
        for _ in 0..<(number.exponent - exponent) {
            let (product, isOver) = digits.multipliedReportingOverflow(by: 10)
            guard !isOver else { return nil }
            digits = product
        }
        return digits
    }
}

extension DynamoNumber: Comparable {
    package static func < (left: DynamoNumber, right: DynamoNumber) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        return left.isNegative ? isSmaller(right, left) : isSmaller(left, right)
    }

    /// Compares the amounts alone.
    private static func isSmaller(_ left: DynamoNumber, _ right: DynamoNumber) -> Bool {
        guard left.digits != 0, right.digits != 0 else { return left.digits == 0 && right.digits != 0 }
        let (leftPower, rightPower) = (left.digitCount + left.exponent, right.digitCount + right.exponent)
        if leftPower != rightPower { return leftPower < rightPower }
        let exponent = min(left.exponent, right.exponent)
        // Of the same power, neither is moved beyond 38 digits.
        guard let first = scaled(left, to: exponent), let second = scaled(right, to: exponent) else { return false }
        return first < second
    }
}
