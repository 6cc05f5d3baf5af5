/// EXTRACT(unit FROM x): a field of a datetime or an interval.
extension ScalarFunction {
    static let extract = ScalarFunction(
        "EXTRACT", [.text, .datetimeOrInterval], returns: { _ in .bigint },
        example: (sql: "EXTRACT(MONTH FROM DATE '2004-02-29')", gives: "2")
    ) { columns, type, context in
        let units = columns[0].byteColumn
        let values = columns[1].integers
        let from = columns[1].type
        // DECIMAL(5,3), what EXTRACT(SECOND ...) gives, holds the milliseconds too.
        let scale = type.exactDigits?.scale ?? 0
        return Kernel.eachRow(columns, type, &context) { row, builder throws(RowFailure) in
            guard let unit = TimeUnit(rawValue: units.text(row)) else {
                throw .argument("'\(units.text(row))' is no unit of time.")
            }
            let field = field(unit, of: values[row], from)
            if unit == .second {
                builder.append(DecimalDigits.rescale(field / (scale >= 3 ? 1 : 1000), from: scale >= 3 ? 3 : 0, to: scale) ?? 0)
            } else {
                builder.append(DecimalDigits.rescale(field, from: 0, to: scale) ?? 0)
            }
        }
    }.with {
        // Seconds have a fraction.
        $0.refine = { literals throws(SignatureError) in
            literals[0] == .text(TimeUnit.second.rawValue) ? .decimal(precision: 5, scale: 3) : nil
        }
    }
}

/// The field's value; seconds in milliseconds.
private func field(_ unit: TimeUnit, of value: Int64, _ type: SQLType) -> Int64 {
    if case .interval(let qualifier) = type {
        guard qualifier.countsMonths == (unit >= .month) else { return 0 }
        let rest = unit < qualifier.leading ? value % (TimeUnit.larger(unit)?.intervalWeight ?? .max) : value
        return unit == .second ? rest : rest / unit.intervalWeight
    }
    let dayLength = CivilTime.millisecondsPerDay
    let day = type == .date ? value : type == .time ? 0 : CivilTime.floorDivide(value, dayLength)
    let time = type == .date ? 0 : type == .time ? value : value &- day &* dayLength
    let date = CivilTime.date(day)
    switch unit {
    case .year: return date.year
    case .month: return date.month
    case .day: return date.day
    case .hour: return time / 3_600_000
    case .minute: return time / 60_000 % 60
    case .second: return time % 60_000
    }
}

extension TimeUnit {
    /// The next larger unit.
    fileprivate static func larger(_ unit: TimeUnit) -> TimeUnit? {
        allCases.last { $0 > unit }
    }
}
