/// STEP(x BY n): the greatest multiple of n that is not greater: of an interval from 1970-01-01, of a whole number from zero.
extension ScalarFunction {
    static let step = ScalarFunction(
        name: "STEP", monotonicIn: 0,
        example: (sql: "STEP(TIMESTAMP '2004-09-30 13:48:23' BY INTERVAL '2' HOUR)", gives: "2004-09-30 12:00:00"),
        resolve: { types throws(SignatureError) in
            guard types.count == 2 else { throw SignatureError("takes 2 arguments, not \(types.count)") }
            switch (types[0], types[1]) {
            case (.date, .interval), (.timestamp, .interval), (.time, .interval): return Signature(types, returns: types[0])
            case (.interval(let p), .interval(let q)) where p.countsMonths == q.countsMonths:
                return Signature(types, returns: types[0])
            case (.null, .interval): return Signature([.timestamp, types[1]], returns: .timestamp)
            case (let value, let step) where value.isInteger && step.isInteger: return Signature(types, returns: value)
            default:
                throw SignatureError("takes a datetime BY an interval or an integer BY an integer, not \(types[0]) BY \(types[1])")
            }
        },
        evaluate: { columns, type, context in
            let nulls = Kernel.nulls(columns)
            let months = columns[1].type.intervalQualifier?.countsMonths ?? false
            let values = Kernel.map(columns[0].integerOperand, columns[1].integerOperand, nulls: nulls, filler: Int64(0), &context)
            {
                value, step throws(RowFailure) in
                guard step > 0 else { throw .argument("STEP needs a step above 0.") }
                let day = CivilTime.millisecondsPerDay
                switch type {
                // Whole numbers are divided as SQL divides them, toward zero.
                case _ where type.isInteger: return value / step * step
                case .date where months: return floorMonths(value, by: step)
                case .date:
                    let days = max(1, step / day)
                    return CivilTime.floorDivide(value, days) &* days
                case .timestamp where months: return floorMonths(CivilTime.floorDivide(value, day), by: step) &* day
                case .time where months: return 0
                default:
                    let (multiple, overflow) = CivilTime.floorDivide(value, step).multipliedReportingOverflow(by: step)
                    if overflow { throw .overflow(type) }
                    return multiple
                }
            }
            return Column(type, .integers(values), nulls: nulls)
        }
    ).with {
        $0.refine = { literals throws(SignatureError) in
            if case .integer(let width)? = literals[1], width <= 0 {
                throw SignatureError("STEP needs a width above 0", argument: 1)
            }
            return nil
        }
    }
}

/// The first day of the span of `months` calendar months, counted from January 1970, that holds the day. Steps of years begin
/// in January.
private func floorMonths(_ day: Int64, by months: Int64) -> Int64 {
    let date = CivilTime.date(day)
    let index = (date.year &- 1970) &* 12 &+ date.month &- 1
    return CivilTime.days(year: 1970, month: CivilTime.floorDivide(index, months) &* months &+ 1, day: 1)
}
