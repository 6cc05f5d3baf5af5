/// FLOOR(x TO unit), CEIL(x TO unit): datetimes and intervals cut down or rounded up to whole units.
extension ScalarFunction {
    static let floorTo = ScalarFunction(
        "FLOOR_TO", [.datetimeOrInterval, .text], returns: { $0[0] }, monotonicIn: 0,
        example: (sql: "FLOOR(TIMESTAMP '2004-09-30 13:48:23' TO HOUR)", gives: "2004-09-30 13:00:00")
    ) { columns, type, context in UnitRounding.evaluate(columns, type, up: false, &context) }.with { $0.written = "FLOOR" }

    static let ceilTo = ScalarFunction(
        "CEIL_TO", [.datetimeOrInterval, .text], returns: { $0[0] }, monotonicIn: 0,
        example: (sql: "CEIL(DATE '2004-09-30' TO YEAR)", gives: "2005-01-01")
    ) { columns, type, context in UnitRounding.evaluate(columns, type, up: true, &context) }.with { $0.written = "CEIL" }
}

/// What FLOOR and CEIL of datetimes share.
enum UnitRounding {
    static func evaluate(_ columns: [Column], _ type: SQLType, up: Bool, _ context: inout EvaluationContext) -> Column {
        let units = columns[1].byteColumn
        let nulls = Kernel.nulls(columns)
        var values = columns[0].integers
        let range = type.integerRange
        // Mostly a literal: read once for all rows that have the same.
        var last: (text: ArraySlice<UInt8>, unit: TimeUnit?) = ([], nil)
        for row in values.indices where nulls?[row] != true {
            let text = units.bytes[units.range(row)]
            if last.text != text { last = (text, TimeUnit(rawValue: units.text(row))) }
            guard let unit = last.unit else {
                context.fail(row, .argument("'\(units.text(row))' is no unit of time."))
                continue
            }
            let value = values[row]
            let floor = floor(value, type, to: unit)
            values[row] = up && floor != value ? next(floor, type, unit) : floor
            if !range.contains(values[row]) { context.fail(row, .overflow(type)) }
        }
        return Column(type, .integers(values), nulls: nulls)
    }

    /// The start of the unit that holds the value.
    static func floor(_ value: Int64, _ type: SQLType, to unit: TimeUnit) -> Int64 {
        let day = CivilTime.millisecondsPerDay
        switch type {
        case .date: return floorDay(value, to: unit)
        case .timestamp where unit >= .day: return floorDay(CivilTime.floorDivide(value, day), to: unit) &* day
        case .time where unit >= .day: return 0
        case .interval(let qualifier) where qualifier.countsMonths != (unit >= .month):
            // Months are whole of every smaller unit, and no number of days is a whole month.
            return qualifier.countsMonths ? value : 0
        default:
            let weight = unit.intervalWeight
            return CivilTime.floorDivide(value, weight) &* weight
        }
    }

    private static func floorDay(_ day: Int64, to unit: TimeUnit) -> Int64 {
        guard unit >= .month else { return day }
        let date = CivilTime.date(day)
        return CivilTime.days(year: date.year, month: unit == .year ? 1 : date.month, day: 1)
    }

    /// The start of the next unit.
    static func next(_ floor: Int64, _ type: SQLType, _ unit: TimeUnit) -> Int64 {
        let day = CivilTime.millisecondsPerDay
        switch type {
        case .date: return unit >= .month ? CivilTime.addMonths(unit.intervalWeight, toDay: floor) : floor
        case .timestamp where unit >= .month:
            return CivilTime.addMonths(unit.intervalWeight, toDay: CivilTime.floorDivide(floor, day)) &* day
        default: return floor.addingReportingOverflow(unit.intervalWeight).partialValue
        }
    }
}
