/// Patterns of datetime format letters (SQL Reference, "Date and Time Patterns").

/// A pattern: letters stand for fields, quoted text and everything else for itself.
struct DatetimePattern: Sendable {
    enum Element: Sendable, Equatable {
        case literal([UInt8])
        /// A letter and how often it is repeated.
        case field(UInt8, Int)
    }
    let elements: [Element]

    private static let letters = Set("yYMwWDdFEuaHkKhmsSzZX".utf8)

    /// - Throws: for letters without a meaning and a quote that is not closed.
    init(_ text: String) throws(RowFailure) {
        var elements: [Element] = []
        var literal: [UInt8] = []
        func flush() {
            if !literal.isEmpty { elements.append(.literal(literal)) }
            literal = []
        }
        let bytes = Array(text.utf8)
        let quote = UInt8(ascii: "'")
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == quote {
                guard let end = bytes[(index + 1)...].firstIndex(of: quote) else {
                    throw .argument("The format '\(text)' has an open quote.")
                }
                // Two quotes are one.
                literal += end == index + 1 ? [quote] : Array(bytes[(index + 1)..<end])
                index = end + 1
            } else if UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 {
                guard Self.letters.contains(byte) else {
                    throw .argument("The format '\(text)' has the letter \(Character(Unicode.Scalar(byte))), which has no meaning.")
                }
                flush()
                let count = bytes[index...].prefix { $0 == byte }.count
                elements.append(.field(byte, count))
                index += count
            } else {
                literal.append(byte)
                index += 1
            }
        }
        flush()
        self.elements = elements
    }

    static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ]
    /// From Monday, the first day of ISO 8601.
    static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

    // MARK: Writing

    /// Appends a time, milliseconds since 1970-01-01 UTC.
    func append(_ milliseconds: Int64, to output: inout [UInt8]) {
        let day = CivilTime.floorDivide(milliseconds, CivilTime.millisecondsPerDay)
        let time = milliseconds &- day &* CivilTime.millisecondsPerDay
        for element in elements {
            switch element {
            case .literal(let bytes): output += bytes
            case .field(let letter, let count): Self.append(letter, count, day, time, to: &output)
            }
        }
    }

    private static func append(_ letter: UInt8, _ count: Int, _ day: Int64, _ time: Int64, to output: inout [UInt8]) {
        let date = CivilTime.date(day)
        let weekday = Int(day + 3 - CivilTime.floorDivide(day + 3, 7) * 7)
        let firstOfYear = CivilTime.days(year: date.year, month: 1, day: 1)
        let hour = time / 3_600_000
        func number(_ value: Int64) { CivilTime.appendPadded(value.magnitude, width: min(count, 18), to: &output) }
        func name(_ name: String) { output += count >= 4 ? Array(name.utf8) : Array(name.utf8.prefix(3)) }
        switch Character(Unicode.Scalar(letter)) {
        case "y": count == 2 ? number(date.year % 100) : number(date.year)
        case "Y":
            let year = weekYear(day, date.year)
            count == 2 ? number(year % 100) : number(year)
        case "M": count >= 3 ? name(months[Int(date.month - 1)]) : number(date.month)
        case "w": number(weekOfYear(day, weekYear(day, date.year)))
        case "W":
            let first = day - date.day + 1
            number((day - firstOfWeek(first)) / 7 + 1)
        case "D": number(day - firstOfYear + 1)
        case "d": number(date.day)
        case "F": number((date.day - 1) / 7 + 1)
        case "E": name(weekdays[weekday])
        case "u": number(Int64(weekday + 1))
        case "a": output += Array((hour < 12 ? "AM" : "PM").utf8)
        case "H": number(hour)
        case "k": number(hour == 0 ? 24 : hour)
        case "K": number(hour % 12)
        case "h": number(hour % 12 == 0 ? 12 : hour % 12)
        case "m": number(time / 60_000 % 60)
        case "s": number(time / 1000 % 60)
        case "S": number(time % 1000)
        case "z": output += Array("UTC".utf8)
        case "Z": output += Array("+0000".utf8)
        default: output.append(UInt8(ascii: "Z"))
        }
    }

    /// The Sunday on or before a day.
    private static func firstOfWeek(_ day: Int64) -> Int64 {
        day - (day + 4 - CivilTime.floorDivide(day + 4, 7) * 7)
    }

    /// Weeks begin on Sunday; the week with 1 January is the first of the year.
    private static func weekYear(_ day: Int64, _ year: Int64) -> Int64 {
        day >= firstOfWeek(CivilTime.days(year: year + 1, month: 1, day: 1)) ? year + 1 : year
    }

    private static func weekOfYear(_ day: Int64, _ weekYear: Int64) -> Int64 {
        (day - firstOfWeek(CivilTime.days(year: weekYear, month: 1, day: 1))) / 7 + 1
    }
}
