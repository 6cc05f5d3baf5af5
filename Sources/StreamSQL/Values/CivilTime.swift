/// Dates and times of SQL as numbers and as text, in UTC.

import CivilCalendar

/// Calendar arithmetic and the ISO text forms. Days and milliseconds count from 1970-01-01.
public enum CivilTime {
    static let millisecondsPerDay: Int64 = 86_400_000
    /// 0001-01-01 ... 9999-12-31, what the text forms can show.
    static let dayRange: ClosedRange<Int64> = -719_162...2_932_896
    package static let millisecondRange: ClosedRange<Int64> =
        dayRange.lowerBound * millisecondsPerDay...dayRange.upperBound * millisecondsPerDay + (millisecondsPerDay - 1)

    /// See `CivilDay.number`.
    @inline(__always)
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 { CivilDay.number(year: year, month: month, day: day) }

    /// See `CivilDay.date`.
    @inline(__always)
    static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) { CivilDay.date(days) }

    static func daysInMonth(year: Int64, month: Int64) -> Int64 { CivilDay.daysInMonth(year: year, month: month) }

    /// The day `months` later, at most the last of its month: 31 January plus a month is 28 or 29 February.
    static func addMonths(_ months: Int64, toDay day: Int64) -> Int64 {
        let date = date(day)
        let first = days(year: date.year, month: date.month &+ months, day: 1)
        let target = Self.date(first)
        return first &+ min(date.day, daysInMonth(year: target.year, month: target.month)) &- 1
    }

    /// See `CivilDay.floorDivide`.
    @inline(__always)
    static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 { CivilDay.floorDivide(value, divisor) }

    // MARK: Text

    /// `yyyy-MM-dd`.
    static func appendDate(_ days: Int64, to output: inout [UInt8]) {
        let date = date(days)
        if date.year < 0 { output.append(UInt8(ascii: "-")) }
        appendPadded(date.year.magnitude, width: 4, to: &output)
        output.append(UInt8(ascii: "-"))
        appendPadded(date.month.magnitude, width: 2, to: &output)
        output.append(UInt8(ascii: "-"))
        appendPadded(date.day.magnitude, width: 2, to: &output)
    }

    /// How milliseconds are shown.
    enum Fraction { case never, always, whenNotZero }

    /// `HH:mm:ss`, `HH:mm:ss.SSS`.
    static func appendTime(_ millisecondOfDay: Int64, fraction: Fraction, to output: inout [UInt8]) {
        let milliseconds = millisecondOfDay.magnitude
        appendPadded(milliseconds / 3_600_000, width: 2, to: &output)
        output.append(UInt8(ascii: ":"))
        appendPadded(milliseconds / 60_000 % 60, width: 2, to: &output)
        output.append(UInt8(ascii: ":"))
        appendPadded(milliseconds / 1000 % 60, width: 2, to: &output)
        if fraction == .always || fraction == .whenNotZero && milliseconds % 1000 != 0 {
            output.append(UInt8(ascii: "."))
            appendPadded(milliseconds % 1000, width: 3, to: &output)
        }
    }

    /// `yyyy-MM-dd HH:mm:ss`, `yyyy-MM-dd HH:mm:ss.SSS`.
    static func appendTimestamp(_ milliseconds: Int64, fraction: Fraction, to output: inout [UInt8]) {
        let day = floorDivide(milliseconds, millisecondsPerDay)
        appendDate(day, to: &output)
        output.append(UInt8(ascii: " "))
        appendTime(milliseconds &- day &* millisecondsPerDay, fraction: fraction, to: &output)
    }

    static func appendPadded(_ value: UInt64, width: Int, to output: inout [UInt8]) {
        var unit: UInt64 = 1
        var digits = 1
        while value / unit >= 10 || digits < width {
            unit *= 10
            digits += 1
        }
        while unit > 0 {
            output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / unit % 10))
            unit /= 10
        }
    }

    /// Which texts are read as datetimes.
    enum Strictness {
        /// `yyyy-MM-dd HH:mm:ss[.f]` with all fields (literals, CAST); an hour may have one digit, as in the reference's `2011-07-01 4:03:34`.
        case sql
        /// Also a date alone, the `T` form, and at the end `Z` or an offset from UTC such as `+02:00` (records).
        case record
    }

    /// Days of a text `yyyy-MM-dd`, nil for any other.
    static func parseDate(_ text: UnsafeRawBufferPointer) -> Int64? {
        var cursor = Cursor(text)
        guard let days = cursor.date(), cursor.isAtEnd else { return nil }
        return days
    }

    /// Milliseconds of a text `HH:mm:ss[.f]`, nil for any other.
    static func parseTime(_ text: UnsafeRawBufferPointer) -> Int64? {
        var cursor = Cursor(text)
        guard let time = cursor.time(fractionDigits: 9), cursor.isAtEnd else { return nil }
        return time
    }

    /// Milliseconds of a text, nil when it has another form.
    static func parseTimestamp(_ text: UnsafeRawBufferPointer, _ strictness: Strictness = .sql) -> Int64? {
        var cursor = Cursor(text)
        guard let days = cursor.date() else { return nil }
        let midnight = days * millisecondsPerDay
        if cursor.isAtEnd { return strictness == .record ? midnight : nil }
        guard cursor.take(UInt8(ascii: " ")) || strictness == .record && cursor.take(UInt8(ascii: "T")) else { return nil }
        guard let time = cursor.time(fractionDigits: 9) else { return nil }
        var offset: Int64 = 0
        if strictness == .record, !cursor.isAtEnd, !cursor.take(UInt8(ascii: "Z")) {
            guard let given = cursor.offset() else { return nil }
            offset = given
        }
        let milliseconds = midnight + time - offset
        return cursor.isAtEnd && millisecondRange.contains(milliseconds) ? milliseconds : nil
    }

    /// Reads fixed-width fields.
    private struct Cursor {
        let text: UnsafeRawBufferPointer
        var index = 0
        init(_ text: UnsafeRawBufferPointer) { self.text = text }
        var isAtEnd: Bool { index == text.count }

        mutating func take(_ byte: UInt8) -> Bool {
            guard index < text.count, text[index] == byte else { return false }
            index += 1
            return true
        }

        mutating func digits(_ count: Int) -> Int64? {
            guard text.count - index >= count else { return nil }
            var value: Int64 = 0
            for _ in 0..<count {
                let digit = text[index] &- UInt8(ascii: "0")
                guard digit < 10 else { return nil }
                value = value * 10 + Int64(digit)
                index += 1
            }
            return value
        }

        mutating func date() -> Int64? {
            guard let year = digits(4), take(UInt8(ascii: "-")), let month = digits(2), take(UInt8(ascii: "-")),
                let day = digits(2), year >= 1, (1...12).contains(month), day >= 1,
                day <= CivilTime.daysInMonth(year: year, month: month)
            else { return nil }
            return CivilTime.days(year: year, month: month, day: day)
        }

        /// One digit or two.
        private mutating func hour() -> Int64? {
            let isShort = text.count - index >= 2 && text[index + 1] == UInt8(ascii: ":")
            return digits(isShort ? 1 : 2)
        }

        /// `+hh:mm`, `+hhmm` or `+hh`, or with a minus, in milliseconds; ISO 8601 allows up to a day less a minute.
        mutating func offset() -> Int64? {
            let isBehind = take(UInt8(ascii: "-"))
            guard isBehind || take(UInt8(ascii: "+")), let hours = digits(2), hours < 24 else { return nil }
            var minutes: Int64 = 0
            if !isAtEnd {
                _ = take(UInt8(ascii: ":"))
                guard let given = digits(2), given < 60 else { return nil }
                minutes = given
            }
            return (hours * 60 + minutes) * (isBehind ? -60_000 : 60_000)
        }

        mutating func time(fractionDigits: Int) -> Int64? {
            guard let hour = hour(), take(UInt8(ascii: ":")), let minute = digits(2), take(UInt8(ascii: ":")),
                let second = digits(2), hour < 24, minute < 60, second < 60
            else { return nil }
            var milliseconds = ((hour * 60 + minute) * 60 + second) * 1000
            guard take(UInt8(ascii: ".")) else { return milliseconds }
            var unit: Int64 = 100
            var count = 0
            while let digit = digits(1) {
                milliseconds += digit * unit
                unit /= 10
                count += 1
            }
            return (1...fractionDigits).contains(count) ? milliseconds : nil
        }
    }
}

extension CivilTime {
    /// Days of a text `yyyy-MM-dd`; nil for any other (DATE literals).
    static func date(parsing text: String) -> Int64? { Array(text.utf8).withUnsafeBytes { parseDate($0) } }
    /// Milliseconds of a text `HH:mm:ss[.SSS]`; nil for any other (TIME literals).
    static func time(parsing text: String) -> Int64? { Array(text.utf8).withUnsafeBytes { parseTime($0) } }
    /// Milliseconds of a text `yyyy-MM-dd HH:mm:ss[.SSS]`; nil for any other (TIMESTAMP literals).
    static func timestamp(parsing text: String) -> Int64? { Array(text.utf8).withUnsafeBytes { parseTimestamp($0) } }
}
