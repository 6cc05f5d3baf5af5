/// Times as Java's `Date.toString` writes them, which AWS's messages do.

enum JavaDate {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Such as `Thu Jan 22 01:22:02 UTC 2015`.
    /// - Parameter milliseconds: since 1970-01-01 UTC; years outside 0...9999 are clamped.
    static func text(_ milliseconds: Int64) -> String {
        let seconds = floorDivide(min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_000), 1000)
        let days = floorDivide(seconds, 86_400)
        let time = seconds - days * 86_400
        let (year, month, day) = civil(days)
        let weekday = weekdays[Int(days - floorDivide(days, 7) * 7)]
        return
            "\(weekday) \(months[month - 1]) \(two(Int64(day))) \(two(time / 3600)):\(two(time / 60 % 60)):\(two(time % 60)) UTC \(year)"
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : String(number) }

    private static func floorDivide(_ a: Int64, _ b: Int64) -> Int64 { a >= 0 ? a / b : -((b - 1 - a) / b) }

    /// The proleptic Gregorian date of a day counted from 1970-01-01. Years are counted from March, so that the leap day is
    /// the last of its year.
    private static func civil(_ days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0), Int(month), Int(day))
    }
}
