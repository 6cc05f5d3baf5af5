/// Times in the basic form of ISO 8601, as signatures and their messages have them.

import CivilCalendar

/// Such as `20261130T182149Z`, in seconds since 1970-01-01 UTC.
package enum SignatureTime {
    /// Nil for anything but `yyyyMMddTHHmmssZ` with fields in their ranges.
    package static func seconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == 16, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z") else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            range.reduce(Optional(0)) { sum, index in
                guard let sum, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) else { return nil }
                return sum * 10 + Int64(bytes[index] - UInt8(ascii: "0"))
            }
        }
        guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8), let hour = number(9..<11),
            let minute = number(11..<13), let second = number(13..<15), (1...12).contains(month),
            (1...CivilDay.daysInMonth(year: year, month: month)).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        return CivilDay.number(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second
    }

    /// - Parameter seconds: years outside 0...9999 are clamped.
    package static func text(_ seconds: Int64) -> String {
        let seconds = min(max(seconds, -62_167_219_200), 253_402_300_799)
        let day = CivilDay.floorDivide(seconds, 86_400)
        let (time, date) = (seconds - day * 86_400, CivilDay.date(day))
        func digits(_ number: Int64, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
        }
        return digits(date.year, 4) + digits(date.month, 2) + digits(date.day, 2) + "T" + digits(time / 3600, 2)
            + digits(time / 60 % 60, 2) + digits(time % 60, 2) + "Z"
    }

    /// The other form that a Date header may have: `Mon, 30 Nov 2026 18:21:49 GMT` (RFC 9110, section 5.6.7).
    static func seconds(httpDate text: String) -> Int64? {
        let parts = text.split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(of: String(parts[2])) else { return nil }
        let time = parts[4].filter { $0 != ":" }
        func padded(_ number: some StringProtocol) -> String { number.count < 2 ? "0\(number)" : String(number) }
        return seconds("\(parts[3])\(padded(String(month + 1)))\(padded(parts[1]))T\(time)Z")
    }
}
