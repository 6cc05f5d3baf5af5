/// Days of the proleptic Gregorian calendar, counted from 1970-01-01: the one place that knows how long months and years are.

/// A calendar day in numbers. Nothing is checked: who reads dates from outside checks their fields with `daysInMonth`.
///
/// The arithmetic counts years from March, so that the leap day is the last of its year, and 400 years as 146,097 days
/// (Howard Hinnant, chrono-Compatible Low-Level Date Algorithms).
public enum CivilDay {
    /// The number of a day; 0 is 1970-01-01. Month and day may be out of their ranges by any reasonable amount: they carry over.
    @inlinable
    public static func number(year: Int64, month: Int64, day: Int64) -> Int64 {
        let monthIndex = year &* 12 &+ (month &- 1)
        let year = floorDivide(monthIndex, 12)
        let month = monthIndex &- year &* 12 &+ 1
        let marchYear = month <= 2 ? year &- 1 : year
        let era = floorDivide(marchYear, 400)
        let yearOfEra = marchYear &- era &* 400
        let dayOfYear = (153 &* (month &+ (month > 2 ? -3 : 9)) &+ 2) / 5
        let dayOfEra = yearOfEra &* 365 &+ yearOfEra / 4 &- yearOfEra / 100 &+ dayOfYear
        return era &* 146_097 &+ dayOfEra &- 719_468 &+ (day &- 1)
    }

    /// The date of a day: months and days from 1; the year before 1 is 0.
    @inlinable
    public static func date(_ number: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = number &+ 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted &- era &* 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra &+ era &* 400 &+ (month <= 2 ? 1 : 0), month, day)
    }

    /// How many days a month has; the month may be out of its range.
    @inlinable
    public static func daysInMonth(year: Int64, month: Int64) -> Int64 {
        number(year: year, month: month + 1, day: 1) - number(year: year, month: month, day: 1)
    }

    /// 0 for Sunday to 6 for Saturday: 1970-01-01 was a Thursday.
    @inlinable
    public static func weekday(_ number: Int64) -> Int64 {
        let shifted = number &+ 4
        return shifted &- floorDivide(shifted, 7) &* 7
    }

    /// The quotient toward negative infinity: of milliseconds by those of a day, the day in which they lie. The divisor is positive.
    @inlinable
    public static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}
