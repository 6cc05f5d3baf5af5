/// Java DateTimeFormatter patterns, for the timestamps in object names.

import CivilCalendar

/// A time in the fields that patterns name.
package struct CalendarTime: Sendable, Hashable {
    package var year, month, day, hour, minute, second, millisecond: Int
    package var dayOfYear: Int
    /// 0 is Sunday.
    package var dayOfWeek: Int

    /// From milliseconds since 1970-01-01 in the time zone wanted, in the proleptic Gregorian calendar.
    package init(milliseconds: Int64) {
        let days = CivilDay.floorDivide(milliseconds, 86_400_000)
        let milliseconds = Int(milliseconds &- days &* 86_400_000)
        hour = milliseconds / 3_600_000
        minute = milliseconds / 60_000 % 60
        second = milliseconds / 1000 % 60
        millisecond = milliseconds % 1000
        dayOfWeek = Int(CivilDay.weekday(days))
        let date = CivilDay.date(days)
        (year, month, day) = (Int(date.year), Int(date.month), Int(date.day))
        dayOfYear = Int(days - CivilDay.number(year: date.year, month: 1, day: 1)) + 1
    }
}

/// A pattern of the letters y u M L d D E H h K k a m s S, text in quotes and other characters (java.time DateTimeFormatter, English).
package struct DateTimePattern: Sendable, Hashable {
    private enum Field: Sendable, Hashable {
        case literal(String)
        case letter(Character, count: Int)
    }

    /// The letters and how often each may stand in a row.
    private static let longest: [Character: Int] = [
        "y": 9, "u": 9, "M": 4, "L": 4, "d": 2, "D": 3, "E": 4, "H": 2, "h": 2, "K": 2, "k": 2, "a": 1, "m": 2, "s": 2, "S": 9,
    ]

    private let fields: [Field]

    /// Nil for a letter it does not know, one that stands in a row too often, and a quote that does not end.
    package init?(_ pattern: String) {
        var fields: [Field] = []
        var rest = Substring(pattern)
        while let first = rest.first {
            if first == "'" {
                rest.removeFirst()
                guard let text = Self.quoted(&rest) else { return nil }
                fields.append(.literal(text))
            } else if first.isASCII, first.isLetter {
                let run = rest.prefix { $0 == first }
                guard let longest = Self.longest[first], run.count <= longest else { return nil }
                fields.append(.letter(first, count: run.count))
                rest = rest.dropFirst(run.count)
            } else {
                let run = rest.prefix { $0 != "'" && !($0.isASCII && $0.isLetter) }
                fields.append(.literal(String(run)))
                rest = rest.dropFirst(run.count)
            }
        }
        self.fields = fields
    }

    /// A pattern that is known to be one.
    init(of letters: [(Character, Int)], separator: String, ending: String = "") {
        var fields: [Field] = []
        for (index, (letter, count)) in letters.enumerated() {
            if index > 0 { fields.append(.literal(separator)) }
            fields.append(.letter(letter, count: count))
        }
        self.fields = fields + [.literal(ending)]
    }

    /// What stands between quotes, the first of which is read; two quotes side by side mean one.
    private static func quoted(_ rest: inout Substring) -> String? {
        if rest.first == "'" {
            rest.removeFirst()
            return "'"
        }
        var text = ""
        while let character = rest.popFirst() {
            guard character == "'" else {
                text.append(character)
                continue
            }
            guard rest.first == "'" else { return text }
            rest.removeFirst()
            text.append("'")
        }
        return nil
    }

    package func format(_ time: CalendarTime) -> String {
        fields.map { field in
            switch field {
            case .literal(let text): text
            case .letter(let letter, let count): Self.text(letter, count, time)
            }
        }.joined()
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ]

    private static let daysOfWeek = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    private static func text(_ letter: Character, _ count: Int, _ time: CalendarTime) -> String {
        switch letter {
        case "y", "u": count == 2 ? padded(time.year % 100, 2) : padded(time.year, count)
        case "M", "L":
            switch count {
            case 1, 2: padded(time.month, count)
            case 3: String(months[time.month - 1].prefix(3))
            default: months[time.month - 1]
            }
        case "d": padded(time.day, count)
        case "D": padded(time.dayOfYear, count)
        case "E": count == 4 ? daysOfWeek[time.dayOfWeek] : String(daysOfWeek[time.dayOfWeek].prefix(3))
        case "H": padded(time.hour, count)
        case "h": padded((time.hour + 11) % 12 + 1, count)
        case "K": padded(time.hour % 12, count)
        case "k": padded((time.hour + 23) % 24 + 1, count)
        case "a": time.hour < 12 ? "AM" : "PM"
        case "m": padded(time.minute, count)
        case "s": padded(time.second, count)
        default: String((padded(time.millisecond, 3) + "000000").prefix(count))
        }
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
