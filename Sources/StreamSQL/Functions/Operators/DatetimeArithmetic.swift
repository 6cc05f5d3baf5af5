/// Datetimes and intervals: sums, differences, multiples.

/// Kernels of datetime and interval arithmetic (SQL Reference, "Date, Timestamp, and Interval Operators").
enum DatetimeArithmetic {
    /// The signature of datetime ± interval, interval + datetime and interval ± interval; nil for other types.
    static func sumSignature(_ left: SQLType, _ right: SQLType) -> Signature? {
        switch (left, right) {
        case (.date, .interval), (.timestamp, .interval): return Signature([left, right], returns: left)
        case (.interval, .date), (.interval, .timestamp): return Signature([left, right], returns: right)
        case (.time, .interval(let q)) where !q.countsMonths: return Signature([left, right], returns: left)
        case (.interval(let q), .time) where !q.countsMonths: return Signature([left, right], returns: right)
        case (.interval(let p), .interval(let q)) where p.countsMonths == q.countsMonths:
            return Signature([left, right], returns: .interval(p.union(q)))
        case (.interval, .null): return Signature([left, left], returns: left)
        case (.null, .interval): return Signature([right, right], returns: right)
        case (.null, .date), (.null, .time), (.null, .timestamp):
            return Signature([.interval(IntervalQualifier(.day, to: .second)), right], returns: right)
        case (.date, .null), (.time, .null), (.timestamp, .null):
            return Signature([left, .interval(IntervalQualifier(.day, to: .second))], returns: left)
        default: return nil
        }
    }

    /// Exact numbers multiply intervals exactly; others as DOUBLE.
    static func factorType(_ type: SQLType) -> SQLType { type.isExactNumeric ? type : .double }

    /// `column + sign * interval`, where the column holds datetimes or intervals.
    static func shift(
        _ column: Column, by interval: Column, sign: Int64, _ type: SQLType, _ context: inout EvaluationContext
    ) -> Column {
        let nulls = Kernel.nulls([column, interval])
        let months = interval.type.intervalQualifier?.countsMonths ?? false
        let range = type.integerRange
        let values = Kernel.map(column.integerOperand, interval.integerOperand, nulls: nulls, filler: Int64(0), &context) {
            value, amount throws(RowFailure) in
            let (signed, overflow) = amount.multipliedReportingOverflow(by: sign)
            if overflow { throw .overflow(type) }
            let (sum, carry) = try shift(value, by: signed, months: months, type)
            if carry || !range.contains(sum) { throw .overflow(type) }
            return sum
        }
        return Column(type, .integers(values), nulls: nulls)
    }

    @inline(__always)
    private static func shift(
        _ value: Int64, by amount: Int64, months: Bool, _ type: SQLType
    ) throws(RowFailure) -> (partialValue: Int64, overflow: Bool) {
        let day = CivilTime.millisecondsPerDay
        switch type {
        case .date:
            if months {
                guard amount.magnitude < 1_000_000 else { throw .overflow(type) }
                return (CivilTime.addMonths(amount, toDay: value), false)
            }
            return value.addingReportingOverflow(CivilTime.floorDivide(amount, day))
        case .time:
            let (sum, overflow) = value.addingReportingOverflow(amount % day)
            return ((sum % day + day) % day, overflow)
        case .timestamp where months:
            guard amount.magnitude < 1_000_000 else { throw .overflow(type) }
            let date = CivilTime.floorDivide(value, day)
            return (CivilTime.addMonths(amount, toDay: date) &* day &+ (value &- date &* day), false)
        default: return value.addingReportingOverflow(amount)
        }
    }

    /// `interval * number` or `interval / number` in whole milliseconds or months: products and months are truncated toward zero. Quotients in
    /// milliseconds are rounded down, so that `(ROWTIME - epoch) SECOND / 10` has the same windows as STEP before 1970 too.
    static func scale(
        _ interval: Column, by number: Column, dividing: Bool, _ type: SQLType, _ context: inout EvaluationContext
    ) -> Column {
        let nulls = Kernel.nulls([interval, number])
        let roundsDown = dividing && !(interval.type.intervalQualifier?.countsMonths ?? false)
        if number.type.isApproximateNumeric {
            let values = Kernel.map(interval.integerOperand, number.doubleOperand, nulls: nulls, filler: Int64(0), &context) {
                amount, factor throws(RowFailure) in
                if dividing && factor == 0 { throw .divisionByZero }
                let result = dividing ? Double(amount) / factor : Double(amount) * factor
                guard let whole = Int64(exactly: result.rounded(roundsDown ? .down : .towardZero)) else { throw .overflow(type) }
                return whole
            }
            return Column(type, .integers(values), nulls: nulls)
        }
        let unit = Int128(DecimalDigits.power(number.type.exactDigits?.scale ?? 0))
        let values = Kernel.map(interval.integerOperand, number.integerOperand, nulls: nulls, filler: Int64(0), &context) {
            amount, factor throws(RowFailure) in
            if dividing && factor == 0 { throw .divisionByZero }
            let (above, below) = dividing ? (Int128(amount) * unit, Int128(factor)) : (Int128(amount) * Int128(factor), unit)
            var (result, rest) = above.quotientAndRemainder(dividingBy: below)
            if roundsDown, rest != 0, (rest < 0) != (below < 0) { result -= 1 }
            guard let whole = Int64(exactly: result) else { throw .overflow(type) }
            return whole
        }
        return Column(type, .integers(values), nulls: nulls)
    }
}
