/// `(a - b) qualifier`: the interval between two datetimes of the same type, cut to the qualifier's last field.
extension ScalarFunction {
    static let intervalBetween = ScalarFunction(
        name: "INTERVAL_BETWEEN",
        example: (sql: "CAST((TIME '12:03:34' - TIME '11:57:23') MINUTE TO SECOND AS VARCHAR(8))", gives: "+6:11"),
        resolve: { types throws(SignatureError) in
            guard types.count == 2 else { throw SignatureError("takes 2 arguments, not \(types.count)") }
            let type = types[0] == .null ? types[1] : types[0]
            guard type.isDatetime, types.allSatisfy({ $0 == type || $0 == .null }) else {
                throw SignatureError("takes the difference of two datetimes of the same type, not of \(types[0]) and \(types[1])")
            }
            return Signature([type, type], returns: .interval(IntervalQualifier(.day, to: .second)))
        },
        evaluate: { columns, type, context in
            let nulls = Kernel.nulls(columns)
            let qualifier = type.intervalQualifier ?? IntervalQualifier(.day, to: .second)
            let unit: Int64 = columns[0].type == .date ? CivilTime.millisecondsPerDay : 1
            let values = Kernel.map(columns[0].integerOperand, columns[1].integerOperand, nulls: nulls, filler: Int64(0), &context)
            {
                later, earlier throws(RowFailure) in
                let (difference, overflow) = later.subtractingReportingOverflow(earlier)
                let (milliseconds, carry) = difference.multipliedReportingOverflow(by: unit)
                if overflow || carry { throw .overflow(type) }
                if qualifier.countsMonths {
                    let months = wholeMonths(from: earlier &* unit, to: later &* unit)
                    return qualifier.trailing == .year ? months / 12 * 12 : months
                }
                let step = qualifier.trailing.milliseconds
                return milliseconds / step * step
            }
            return Column(type, .integers(values), nulls: nulls)
        }
    ).with {
        $0.trend = Trend.difference
        $0.written = "(a - b) qualifier"
    }
}

/// Whole calendar months from one time to another, toward zero.
private func wholeMonths(from start: Int64, to end: Int64) -> Int64 {
    if end < start { return -wholeMonths(from: end, to: start) }
    let day = CivilTime.millisecondsPerDay
    let (startDay, endDay) = (CivilTime.floorDivide(start, day), CivilTime.floorDivide(end, day))
    let (a, b) = (CivilTime.date(startDay), CivilTime.date(endDay))
    let months = (b.year - a.year) * 12 + b.month - a.month
    let isShort = (b.day, end &- endDay &* day) < (a.day, start &- startDay &* day)
    return isShort ? months - 1 : months
}

extension TimeUnit {
    /// The length of a unit of fixed length; of MONTH and YEAR, which have none, that of a millisecond.
    var milliseconds: Int64 {
        switch self {
        case .day: CivilTime.millisecondsPerDay
        case .hour: 3_600_000
        case .minute: 60_000
        // Seconds have milliseconds as their fraction.
        case .second: 1
        case .year, .month: 1
        }
    }
}
