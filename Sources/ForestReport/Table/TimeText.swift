/// Times as they stand in tables, and as a calendar shows them. All in UTC.

import CivilCalendar

package enum TimeText {
    /// Milliseconds since 1970-01-01 UTC of `yyyy-MM-dd` or `yyyy/MM/dd`, or of that with `HH:mm`, seconds, decimals of a second and `Z` or an offset, the day and the
    /// time parted by `T` or a space. nil for anything else: a number is no time here, for one cannot see its unit.
    package static func milliseconds(_ text: String) -> Int64? {
        var scanner = Scanner(text)
        guard let year = scanner.digits(4), let mark = scanner.takeFirst(of: ["-", "/"]), let month = scanner.digits(2),
            scanner.take(mark), let day = scanner.digits(2), (1...12).contains(month), day >= 1,
            day <= CalendarDay.daysIn(month: month, of: year)
        else { return nil }
        let start = Int64(CalendarDay.number(year: year, month: month, day: day)) * 86_400_000
        if scanner.isAtEnd { return start }
        guard scanner.take("T") || scanner.take(" "), let hour = scanner.digits(2), scanner.take(":"),
            let minute = scanner.digits(2),
            hour < 24, minute < 60
        else { return nil }
        var milliseconds = start + Int64(hour * 60 + minute) * 60_000
        if scanner.take(":") {
            guard let second = scanner.digits(2), second < 60 else { return nil }
            milliseconds += Int64(second) * 1_000
            if scanner.take(".") {
                guard let fraction = scanner.fraction() else { return nil }
                milliseconds += fraction
            }
        }
        if scanner.take("Z") { return scanner.isAtEnd ? milliseconds : nil }
        let isWest = scanner.take("-")
        guard isWest || scanner.take("+") else { return scanner.isAtEnd ? milliseconds : nil }
        guard let hours = scanner.digits(2) else { return nil }
        _ = scanner.take(":")
        guard let minutes = scanner.digits(2), scanner.isAtEnd, hours <= 18, minutes < 60 else { return nil }
        return milliseconds + Int64(hours * 60 + minutes) * (isWest ? 60_000 : -60_000)
    }

    /// A number in a column that is known to hold times: seconds since 1970-01-01 UTC below 10^11, else milliseconds.
    package static func milliseconds(ofNumber text: String) -> Int64? {
        guard let number = Double(text), number.magnitude < 1e15 else { return nil }
        return Int64((number.magnitude < 1e11 ? number * 1_000 : number).rounded())
    }

    /// `2014-07-01 00:30:00`, with the milliseconds where there are any; or without the seconds.
    package static func written(_ milliseconds: Int64, withSeconds: Bool = true) -> String {
        let day = CalendarDay(milliseconds: milliseconds)
        let rest = Int(milliseconds - Int64(day.number) * 86_400_000)
        let parts = [rest / 3_600_000, rest / 60_000 % 60] + (withSeconds ? [rest / 1_000 % 60] : [])
        let clock = parts.map { padded($0, 2) }.joined(separator: ":")
        let fraction = rest % 1_000 == 0 || !withSeconds ? "" : "." + padded(rest % 1_000, 3)
        return "\(padded(day.year, 4))-\(padded(day.month, 2))-\(padded(day.day, 2)) \(clock)\(fraction)"
    }

    package static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }

    private struct Scanner {
        private var rest: Substring.UTF8View

        init(_ text: String) { rest = text[...].utf8 }

        var isAtEnd: Bool { rest.isEmpty }

        mutating func take(_ sign: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: sign) else { return false }
            rest.removeFirst()
            return true
        }

        mutating func takeFirst(of signs: [Unicode.Scalar]) -> Unicode.Scalar? {
            for sign in signs where take(sign) { return sign }
            return nil
        }

        mutating func digits(_ count: Int) -> Int? {
            guard rest.count >= count else { return nil }
            var number = 0
            for _ in 0..<count {
                guard let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                number = number * 10 + Int(byte - UInt8(ascii: "0"))
                rest.removeFirst()
            }
            return number
        }

        /// Decimals of a second as milliseconds; further ones are cut off.
        mutating func fraction() -> Int64? {
            var value: Int64 = 0
            var count = 0
            while let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                if count < 3 { value = value * 10 + Int64(byte - UInt8(ascii: "0")) }
                count += 1
                rest.removeFirst()
            }
            guard count > 0 else { return nil }
            for _ in min(count, 3)..<3 { value *= 10 }
            return value
        }
    }
}

/// A day of the Gregorian calendar.
package struct CalendarDay: Equatable {
    package var year: Int
    /// From 1.
    package var month: Int
    package var day: Int

    /// The day in which a time lies.
    package init(milliseconds: Int64) {
        self.init(number: Int(CivilDay.floorDivide(milliseconds, 86_400_000)))
    }

    /// Counted from 1970-01-01.
    package init(number: Int) {
        let date = CivilDay.date(Int64(number))
        (year, month, day) = (Int(date.year), Int(date.month), Int(date.day))
    }

    package var number: Int { Self.number(year: year, month: month, day: day) }

    package static func number(year: Int, month: Int, day: Int) -> Int {
        Int(CivilDay.number(year: Int64(year), month: Int64(month), day: Int64(day)))
    }

    package static func daysIn(month: Int, of year: Int) -> Int {
        Int(CivilDay.daysInMonth(year: Int64(year), month: Int64(month)))
    }
}
