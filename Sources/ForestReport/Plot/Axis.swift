/// Where an axis has its ticks, and what they are called.

/// A place on an axis that has a label.
package struct Tick: Equatable, Sendable {
    package var value: Double
    package var label: String
    /// A second line under the label, where the larger unit changes.
    package var context: String?
}

/// Ticks of a vertical axis: at multiples of 1, 2 or 5 times a power of ten.
package enum ValueAxis {
    /// The range to show so that no value lies on the border, and there is some height even where all are alike.
    /// - Parameter zero: whether the axis begins at 0.
    package static func range(of lowest: Double, _ highest: Double, zero: Bool = false) -> ClosedRange<Double> {
        // Halves, for the difference of two numbers may be beyond what a number can be.
        let half = highest / 2 - lowest / 2
        let margin = half > 0 ? half * 0.12 : max(highest.magnitude * 0.1, 1)
        return (zero ? min(0, lowest) : lowest - margin)...(highest + margin)
    }

    /// Ticks within a range, at most `most` of them (2 or more).
    package static func ticks(in range: ClosedRange<Double>, most: Int) -> [Tick] {
        let width = range.upperBound - range.lowerBound
        guard width > 0, width.isFinite else { return [] }
        let step = step(atLeast: width / Double(most))
        guard step > 0, step.isFinite else { return [] }
        var ticks: [Tick] = []
        var number = (range.lowerBound / step).rounded(.up)
        while number * step <= range.upperBound, ticks.count <= most {
            ticks.append(Tick(value: number * step, label: label(number * step, step: step)))
            number += 1
        }
        return ticks
    }

    /// The smallest of 1, 2, 5 times a power of ten that is not below `least`.
    private static func step(atLeast least: Double) -> Double {
        var power = 1.0
        while power > least, power > 1e-300 { power /= 10 }
        while power * 10 <= least, power < 1e300 { power *= 10 }
        return [1.0, 2, 5].map { $0 * power }.first { $0 >= least } ?? 10 * power
    }

    /// A multiple of a step with as many decimals as the step needs and commas between thousands; very large and small ones with an exponent.
    static func label(_ value: Double, step: Double) -> String {
        if value.magnitude < step / 2 { return "0" }
        if value.magnitude >= 1e9 || step < 1e-6 { return exponential(value) }
        var decimals = 0
        var scaled = step
        while decimals < 9, (scaled - scaled.rounded()).magnitude > 1e-6 {
            scaled *= 10
            decimals += 1
        }
        return fixed(value, decimals: decimals)
    }

    /// A number below 10^15 with a fixed number of decimals, at most 9, and commas between thousands.
    static func fixed(_ value: Double, decimals: Int) -> String {
        var unit: Int64 = 1
        for _ in 0..<decimals { unit *= 10 }
        let total = Int64((value.magnitude * Double(unit)).rounded())
        var digits = Array(String(total / unit))
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: index)
            index -= 3
        }
        let fraction = decimals > 0 ? "." + TimeText.padded(Int(total % unit), decimals) : ""
        return (value < 0 && total > 0 ? "−" : "") + String(digits) + fraction
    }

    private static func exponential(_ value: Double) -> String {
        var exponent = 0
        var mantissa = value
        while mantissa.magnitude >= 9.995 {
            mantissa /= 10
            exponent += 1
        }
        while mantissa.magnitude < 0.9995, mantissa != 0 {
            mantissa *= 10
            exponent -= 1
        }
        let text = fixed(mantissa, decimals: 2)
        let short = text.hasSuffix(".00") ? String(text.dropLast(3)) : text
        return "\(short)e\(exponent < 0 ? "−" : "")\(exponent.magnitude)"
    }
}

/// Ticks of a time axis: at whole units of the calendar, in UTC.
package enum TimeAxis {
    private enum Unit {
        case milliseconds(Int64)
        /// Days counted from the first of the month: 1, 2, 7 ...
        case days(Int)
        case months(Int)
        case years(Int)
    }

    private static let second: Int64 = 1_000
    private static let minute = 60 * second
    private static let hour = 60 * minute
    private static let day = 24 * hour

    /// Each with about how many milliseconds it takes.
    private static let units: [(Unit, Int64)] =
        [1, 2, 5, 10, 20, 50, 100, 200, 500].map { (.milliseconds($0), $0) }
        + [1, 2, 5, 10, 15, 30].map { (.milliseconds($0 * second), $0 * second) }
        + [1, 2, 5, 10, 15, 30].map { (.milliseconds($0 * minute), $0 * minute) }
        + [1, 2, 3, 6, 12].map { (.milliseconds($0 * hour), $0 * hour) } + [1, 2, 5, 10].map { (.days($0), Int64($0) * day) }
        + [1, 2, 3, 6].map { (.months($0), Int64($0) * 30 * day) }
        + [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000].map { (.years($0), Int64($0) * 365 * day) }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Ticks from one time to another (milliseconds since 1970-01-01 UTC), at most `most` of them (2 or more).
    package static func ticks(from start: Int64, to end: Int64, most: Int) -> [Tick] {
        guard start <= end else { return [] }
        let (span, overflow) = end.subtractingReportingOverflow(start)
        guard !overflow, span < 5_000 * 365 * day, let unit = units.first(where: { span / $0.1 < Int64(most) }) else { return [] }
        var ticks: [Tick] = []
        var last: (label: String, context: String)?
        for time in times(unit.0, from: start, to: end) {
            let (label, context) = texts(time, unit.0)
            ticks.append(
                Tick(value: Double(time), label: label, context: last?.context == context || context.isEmpty ? nil : context))
            last = (label, context)
        }
        return ticks
    }

    private static func times(_ unit: Unit, from start: Int64, to end: Int64) -> [Int64] {
        var times: [Int64] = []
        switch unit {
        case .milliseconds(let step):
            var time = start / step * step
            if time < start { time += step }
            while time <= end {
                times.append(time)
                time += step
            }
        case .days(let step):
            var day = CalendarDay(milliseconds: start).number
            while Int64(day) * Self.day <= end {
                let date = CalendarDay(number: day)
                // Every 5th or 10th, but not the 30th or 31st beside the 1st.
                if (date.day - 1) % step == 0, step == 1 || date.day + step / 2 <= 31 { times.append(Int64(day) * Self.day) }
                day += 1
            }
        case .months(let step): times = firsts(months: step, from: start, to: end)
        case .years(let step): times = firsts(months: 12 * step, from: start, to: end)
        }
        return times.filter { $0 >= start && $0 <= end }
    }

    private static func firsts(months step: Int, from start: Int64, to end: Int64) -> [Int64] {
        let first = CalendarDay(milliseconds: start)
        var month = (first.year * 12 + first.month - 1) / step * step
        var times: [Int64] = []
        while true {
            let time = Int64(CalendarDay.number(year: month / 12, month: month % 12 + 1, day: 1)) * day
            if time > end { return times }
            times.append(time)
            month += step
        }
    }

    /// A tick's label and the larger unit it lies in.
    private static func texts(_ time: Int64, _ unit: Unit) -> (label: String, context: String) {
        let date = CalendarDay(milliseconds: time)
        let month = months[date.month - 1]
        let rest = Int(time - Int64(date.number) * day)
        let clock = "\(TimeText.padded(rest / 3_600_000, 2)):\(TimeText.padded(rest / 60_000 % 60, 2))"
        switch unit {
        case .milliseconds(let step):
            let seconds = ":\(TimeText.padded(rest / 1_000 % 60, 2))"
            let fraction = "." + TimeText.padded(rest % 1_000, 3)
            let label = step >= minute ? clock : step >= second ? clock + seconds : clock + seconds + fraction
            return (label, "\(date.day) \(month) \(date.year)")
        case .days: return ("\(date.day) \(month)", "\(date.year)")
        case .months: return (month, "\(date.year)")
        case .years: return ("\(date.year)", "")
        }
    }
}
