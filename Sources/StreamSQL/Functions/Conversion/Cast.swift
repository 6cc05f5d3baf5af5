/// Conversions between types: CAST, assignment to a column, widening of operands (SQL Reference, "CAST").

/// The matrix of conversions and their kernels.
enum Cast {
    /// Whether values of one type may be converted to another in this mode; whether each value fits is seen row by row.
    static func isAllowed(from: SQLType, to: SQLType, mode: CastMode) -> Bool {
        if from == to || from == .null { return true }
        if from.isNumeric && to.isNumeric || from.isCharacter && to.isCharacter || from.isBinary && to.isBinary { return true }
        if let p = from.intervalQualifier, let q = to.intervalQualifier { return p.countsMonths == q.countsMonths }
        switch mode {
        case .assignment: return false
        // Comparison of a date with a timestamp, and texts made by `||`.
        case .widening: return from == .date && to == .timestamp || to.isCharacter && !from.isBinary
        case .explicit: break
        }
        if from.isCharacter { return to != .null && !to.isBinary }
        if to.isCharacter { return !from.isBinary }
        switch (from, to) {
        case (.date, .timestamp), (.time, .timestamp), (.timestamp, .date), (.timestamp, .time): return true
        case (.interval(let qualifier), _): return to.isExactNumeric && qualifier.leading == qualifier.trailing
        default: return false
        }
    }

    /// Whether it reads the time besides its operand: a TIME becomes one of the day on which the query started.
    static func readsClock(from: SQLType, to: SQLType) -> Bool { from == .time && to == .timestamp }

    /// Whether every value fits; see `ScalarFunction.isInfallible`.
    static func isInfallible(from: SQLType, to: SQLType, mode: CastMode) -> Bool {
        if from == to || from == .null || from.isExactNumeric && to == .double { return true }
        // Assignment cuts texts to the column's length.
        return mode == .assignment && from.isCharacter && to.isCharacter
    }

    /// The column in another type. A value that does not fit is a row error, except that assignment cuts text to the column's length.
    static func convert(_ column: Column, to type: SQLType, mode: CastMode, context: inout EvaluationContext) -> Column {
        if column.type == type { return column }
        if column.type == .null { return .nulls(type, count: column.count) }
        switch type {
        case .char, .varchar:
            return column.type.isCharacter
                ? TextCast.fit(column, type, mode, &context) : TextCast.write(column, type, mode, &context)
        case .binary, .varbinary: return TextCast.fit(column, type, mode, &context)
        case _ where column.type.isCharacter: return TextCast.read(column, type, &context)
        case _ where column.type.isNumeric && type.isNumeric: return NumberCast.convert(column, type, &context)
        default: return convertTime(column, type, &context)
        }
    }

    private static func convertTime(_ column: Column, _ type: SQLType, _ context: inout EvaluationContext) -> Column {
        let day = CivilTime.millisecondsPerDay
        let today = CivilTime.floorDivide(context.queryStartMilliseconds, day) &* day
        let from = column.type
        switch (from, type) {
        case (.interval(let qualifier), .interval): return column.retyped(type, cutTo: qualifier, type)
        case (.interval(let qualifier), _): return NumberCast.number(ofInterval: column, qualifier, type, &context)
        default: break
        }
        let range = type.integerRange
        let values = Kernel.map(column.integers, nulls: column.nulls, filler: Int64(0), &context) { value throws(RowFailure) in
            let converted: Int64 =
                switch (from, type) {
                case (.date, .timestamp): value &* day
                case (.time, .timestamp): today &+ value
                case (.timestamp, .date): CivilTime.floorDivide(value, day)
                case (.timestamp, .time): value &- CivilTime.floorDivide(value, day) &* day
                default: throw .conversion("\(from) cannot be converted to \(type).")
                }
            guard range.contains(converted) else { throw .overflow(type) }
            return converted
        }
        return Column(type, .integers(values), nulls: column.nulls)
    }

    /// The most characters that a value needs as text.
    static func textLength(_ type: SQLType) -> Int {
        switch type {
        case .boolean: 5
        case .tinyint: 4
        case .smallint: 6
        case .integer: 11
        case .bigint: 20
        case .decimal(let precision, _): precision + 3
        case .real: 16
        case .double: 25
        case .char(let n), .varchar(let n): n
        case .binary(let n), .varbinary(let n): n
        case .date: 11
        case .time: 12
        case .timestamp: 24
        case .interval: 32
        case .null: 1
        }
    }
}

extension Column {
    /// An interval with another qualifier: fields below its last one are cut off.
    fileprivate func retyped(_ type: SQLType, cutTo from: IntervalQualifier, _ to: SQLType) -> Column {
        guard let qualifier = to.intervalQualifier, qualifier.trailing > from.trailing else {
            return Column(type, values, nulls: nulls)
        }
        let step = qualifier.trailing == .second ? 1 : qualifier.trailing.intervalWeight
        return Column(type, .integers(integers.map { $0 / step * step }), nulls: nulls)
    }
}
