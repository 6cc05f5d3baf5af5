/// Reading datetimes by a pattern.

extension DatetimePattern {
    /// The fields that a text gave; what it does not give is 1970-01-01 00:00:00.
    private struct Fields {
        var year: Int64 = 1970
        var month: Int64 = 1
        var day: Int64 = 1
        var dayOfYear: Int64?
        /// 0...23, or 0...11 with `isAfternoon`.
        var hour: Int64 = 0
        var isTwelveHour = false
        var isAfternoon = false
        var minute: Int64 = 0
        var second: Int64 = 0
        var millisecond: Int64 = 0
        var offsetMinutes: Int64 = 0

        var milliseconds: Int64? {
            guard (1...9999).contains(year), day <= CivilTime.daysInMonth(year: year, month: month) else { return nil }
            let days =
                dayOfYear.map { CivilTime.days(year: year, month: 1, day: $0) }
                ?? CivilTime.days(year: year, month: month, day: day)
            let hour = isTwelveHour && isAfternoon ? hour + 12 : hour
            return days * CivilTime.millisecondsPerDay + ((hour * 60 + minute - offsetMinutes) * 60 + second) * 1000 + millisecond
        }
    }

    /// Reads the beginning of a text; what follows the pattern's end is ignored. Milliseconds since 1970-01-01 UTC, or nil for a text
    /// of another form or with a field out of its range.
    ///
    /// - Parameter yearOfClock: two-digit years are those from 80 years before to 20 years after it. Clocks that stand before 2020, as in
    ///   a replay of made-up rows, count as 2020.
    func parse(_ text: UnsafeRawBufferPointer, yearOfClock: Int64) -> Int64? {
        var reader = Reader(text: text)
        var fields = Fields()
        for (index, element) in elements.enumerated() {
            switch element {
            case .literal(let bytes):
                guard reader.take(bytes) else { return nil }
            case .field(let letter, let count):
                let width = index + 1 < elements.count && elements[index + 1].isNumber ? count : 18
                guard reader.read(letter, count, width: width, max(2020, yearOfClock), into: &fields) else { return nil }
            }
        }
        return fields.milliseconds
    }

    private struct Reader {
        let text: UnsafeRawBufferPointer
        var index = 0

        init(text: UnsafeRawBufferPointer) { self.text = text }

        mutating func take(_ bytes: [UInt8]) -> Bool {
            guard text.count - index >= bytes.count, text[index..<(index + bytes.count)].elementsEqual(bytes) else { return false }
            index += bytes.count
            return true
        }

        mutating func number(width: Int) -> (value: Int64, digits: Int)? {
            while index < text.count && text[index] == UInt8(ascii: " ") { index += 1 }
            var value: Int64 = 0
            var digits = 0
            while index < text.count, digits < min(width, 18), text[index] &- UInt8(ascii: "0") < 10 {
                value = value * 10 + Int64(text[index] - UInt8(ascii: "0"))
                digits += 1
                index += 1
            }
            return digits > 0 ? (value, digits) : nil
        }

        mutating func number(_ range: ClosedRange<Int64>, width: Int) -> Int64? {
            guard let (value, _) = number(width: width), range.contains(value) else { return nil }
            return value
        }

        /// The position of the name, whole or its first three letters, that stands here in any case.
        mutating func name(of names: [String]) -> Int? {
            for (position, name) in names.enumerated() {
                for candidate in [name, String(name.prefix(3))] where takeIgnoringCase(candidate) { return position }
            }
            return nil
        }

        mutating func takeIgnoringCase(_ word: String) -> Bool {
            let bytes = Array(word.utf8)
            guard text.count - index >= bytes.count else { return false }
            for (offset, byte) in bytes.enumerated() where text[index + offset] | 0x20 != byte | 0x20 { return false }
            index += bytes.count
            return true
        }

        mutating func read(_ letter: UInt8, _ count: Int, width: Int, _ clock: Int64, into fields: inout Fields) -> Bool {
            func set(_ field: WritableKeyPath<Fields, Int64>, _ value: Int64?) -> Bool {
                guard let value else { return false }
                fields[keyPath: field] = value
                return true
            }
            switch Character(Unicode.Scalar(letter)) {
            case "y", "Y":
                guard let (value, digits) = number(width: width) else { return false }
                fields.year = count == 2 && digits == 2 ? Self.fullYear(value, clock) : value
                return true
            case "M" where count >= 3: return set(\.month, name(of: DatetimePattern.months).map { Int64($0 + 1) })
            case "M": return set(\.month, number(1...12, width: width))
            case "d": return set(\.day, number(1...31, width: width))
            case "D":
                fields.dayOfYear = number(1...366, width: width)
                return fields.dayOfYear != nil
            case "E": return name(of: DatetimePattern.weekdays) != nil
            case "u", "F", "w", "W": return number(0...53, width: width) != nil
            case "a":
                if takeIgnoringCase("PM") { fields.isAfternoon = true } else if !takeIgnoringCase("AM") { return false }
                return true
            case "H": return set(\.hour, number(0...23, width: width))
            case "k": return set(\.hour, number(1...24, width: width).map { $0 % 24 })
            case "K", "h":
                fields.isTwelveHour = true
                return set(\.hour, number(0...(letter == UInt8(ascii: "K") ? 11 : 12), width: width).map { $0 % 12 })
            case "m": return set(\.minute, number(0...59, width: width))
            case "s": return set(\.second, number(0...59, width: width))
            case "S": return set(\.millisecond, fraction(count, width: width))
            default: return set(\.offsetMinutes, zone())
            }
        }

        /// Up to three letters are a number of milliseconds; more are a decimal fraction of a second.
        private mutating func fraction(_ count: Int, width: Int) -> Int64? {
            guard var (value, digits) = number(width: width) else { return nil }
            if count > 3 {
                while digits > 3 {
                    value /= 10
                    digits -= 1
                }
                while digits < 3 {
                    value *= 10
                    digits += 1
                }
            }
            return value <= 999 ? value : nil
        }

        private static func fullYear(_ year: Int64, _ clock: Int64) -> Int64 {
            let guess = clock - clock % 100 + year
            return guess > clock + 20 ? guess - 100 : guess <= clock - 80 ? guess + 100 : guess
        }

        private static let zones: [(String, Int64)] = [
            ("UTC", 0), ("GMT", 0), ("EST", -300), ("EDT", -240), ("CST", -360), ("CDT", -300), ("MST", -420), ("MDT", -360),
            ("PST", -480), ("PDT", -420),
        ]

        /// `Z`, `+0100`, `-08:00`, `+01`, `GMT+01:00` and the common names; minutes east of UTC.
        private mutating func zone() -> Int64? {
            let named = Self.zones.first { takeIgnoringCase($0.0) }?.1
            guard index < text.count else { return named }
            let sign = text[index]
            guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), named == nil || named == 0 else {
                if let named { return named }
                return takeIgnoringCase("Z") ? 0 : nil
            }
            index += 1
            guard let hours = number(0...23, width: 2) else { return nil }
            if index < text.count, text[index] == UInt8(ascii: ":") { index += 1 }
            let minutes = index < text.count && text[index] &- UInt8(ascii: "0") < 10 ? number(0...59, width: 2) : 0
            guard let minutes else { return nil }
            return (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -1 : 1)
        }
    }
}

extension DatetimePattern.Element {
    /// Whether the field is written in digits, so that a number before it must end by its width.
    fileprivate var isNumber: Bool {
        guard case .field(let letter, let count) = self else { return false }
        switch Character(Unicode.Scalar(letter)) {
        case "E", "a", "z", "Z", "X": return false
        case "M": return count < 3
        default: return true
        }
    }
}
