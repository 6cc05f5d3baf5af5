/// Intervals as text: the values of literals and of CAST.

/// Reads and writes what stands in `INTERVAL '...' qualifier`.
enum IntervalText {
    /// The months or milliseconds of a text such as `2 00:06:11.5` for DAY TO SECOND or `-1-06` for YEAR TO MONTH; nil when the text
    /// does not have the qualifier's fields. The first field may have any number of digits (the strict limit of two is not kept by users).
    static func parse(_ text: String, _ qualifier: IntervalQualifier) -> Int64? {
        var rest = text.utf8[...].trimmingBlanks
        var negative = false
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            negative = sign == UInt8(ascii: "-")
            rest = rest.dropFirst()
        }
        guard qualifier.trailing <= qualifier.leading, qualifier.countsMonths == (qualifier.trailing >= .month) else { return nil }
        let units = TimeUnit.allCases.filter { $0 <= qualifier.leading && $0 >= qualifier.trailing }
        var total: Int64 = 0
        for unit in units {
            if unit != qualifier.leading {
                let separator: UInt8 = unit == .month ? UInt8(ascii: "-") : unit == .hour ? UInt8(ascii: " ") : UInt8(ascii: ":")
                guard rest.first == separator else { return nil }
                rest = rest.dropFirst()
            }
            let digits = rest.prefix { $0 &- UInt8(ascii: "0") < 10 }
            guard (1...18).contains(digits.count) else { return nil }
            let value = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
            if unit != qualifier.leading && value >= unit.countInNextLarger { return nil }
            let (amount, overflow) = value.multipliedReportingOverflow(by: unit.intervalWeight)
            let (sum, carry) = total.addingReportingOverflow(amount)
            if overflow || carry { return nil }
            total = sum
            rest = rest.dropFirst(digits.count)
        }
        if qualifier.trailing == .second, rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix { $0 &- UInt8(ascii: "0") < 10 }
            guard (1...9).contains(digits.count) else { return nil }
            var weight: Int64 = 100
            for digit in digits {
                total = total &+ Int64(digit - UInt8(ascii: "0")) * weight
                weight /= 10
            }
            rest = rest.dropFirst(1 + digits.count)
        }
        return rest.isEmpty && total >= 0 ? (negative ? -total : total) : nil
    }

    /// Appends the sign (always) and the qualifier's fields, the first without padding; milliseconds only when there are some.
    static func append(_ value: Int64, _ qualifier: IntervalQualifier, to output: inout [UInt8]) {
        output.append(value < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
        var rest = value.magnitude
        for unit in TimeUnit.allCases where unit <= qualifier.leading && unit >= qualifier.trailing {
            let weight = UInt64(unit.intervalWeight)
            if unit != qualifier.leading {
                output.append(unit == .month ? UInt8(ascii: "-") : unit == .hour ? UInt8(ascii: " ") : UInt8(ascii: ":"))
            }
            CivilTime.appendPadded(rest / weight, width: unit == qualifier.leading ? 1 : 2, to: &output)
            rest %= weight
        }
        if qualifier.trailing == .second && rest > 0 {
            output.append(UInt8(ascii: "."))
            CivilTime.appendPadded(rest, width: 3, to: &output)
        }
    }
}

extension TimeUnit {
    /// Months or milliseconds.
    var intervalWeight: Int64 {
        switch self {
        case .year: 12
        case .month: 1
        case .day: CivilTime.millisecondsPerDay
        case .hour: 3_600_000
        case .minute: 60_000
        case .second: 1000
        }
    }

    /// How many make one of the next larger unit of an interval.
    fileprivate var countInNextLarger: Int64 {
        switch self {
        case .month: 12
        case .hour: 24
        case .minute, .second: 60
        case .year, .day: .max
        }
    }
}

extension Collection<UInt8> where SubSequence == Self {
    /// Without blanks before and after.
    var trimmingBlanks: Self {
        let rest = drop { $0 == UInt8(ascii: " ") }
        var end = rest.startIndex
        for index in rest.indices where rest[index] != UInt8(ascii: " ") { end = rest.index(after: index) }
        return rest[rest.startIndex..<end]
    }
}

extension UnsafeRawBufferPointer {
    var trimmingBlanks: UnsafeRawBufferPointer {
        var start = 0
        while start < count && self[start] == UInt8(ascii: " ") { start += 1 }
        return UnsafeRawBufferPointer(rebasing: self[start...]).withoutTrailingBlanks
    }

    /// How many characters (Unicode scalars) UTF-8 text has.
    var scalarCount: Int {
        var scalars = 0
        for byte in self where byte & 0xC0 != 0x80 { scalars += 1 }
        return scalars
    }

    /// The first `count` characters.
    func prefixScalars(_ limit: Int) -> UnsafeRawBufferPointer {
        guard count > limit else { return self }
        var index = 0
        for _ in 0..<limit {
            guard index < count else { return self }
            index = nextScalar(after: index)
        }
        return UnsafeRawBufferPointer(rebasing: self[..<index])
    }
}
