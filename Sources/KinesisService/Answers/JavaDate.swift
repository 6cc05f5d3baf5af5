/// Times as Java's `Date.toString` writes them, which AWS's messages do.

import CivilCalendar

enum JavaDate {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Such as `Thu Jan 22 01:22:02 UTC 2015`.
    /// - Parameter milliseconds: since 1970-01-01 UTC; years outside 0...9999 are clamped.
    static func text(_ milliseconds: Int64) -> String {
        let seconds = CivilDay.floorDivide(min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_000), 1000)
        let days = CivilDay.floorDivide(seconds, 86_400)
        let time = seconds - days * 86_400
        let (year, month, day) = CivilDay.date(days)
        let weekday = weekdays[Int(CivilDay.weekday(days))]
        return
            "\(weekday) \(months[Int(month) - 1]) \(two(day)) \(two(time / 3600)):\(two(time / 60 % 60)):\(two(time % 60)) UTC \(year)"
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : String(number) }
}
