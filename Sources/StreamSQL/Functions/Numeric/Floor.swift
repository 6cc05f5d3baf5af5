/// FLOOR(number): the greatest whole number that is not greater.
extension ScalarFunction {
    static let floor = ScalarFunction(
        "FLOOR", [.number], returns: { Rounding.resultType($0[0]) }, monotonicIn: 0, example: (sql: "FLOOR(-3.3)", gives: "-4")
    ) { columns, type, context in Rounding.evaluate(columns[0], type, up: false) }
}

/// What FLOOR and CEIL share.
enum Rounding {
    /// DECIMAL loses its fraction; other numbers keep their type.
    static func resultType(_ type: SQLType) -> SQLType {
        if case .decimal(let precision, _) = type { return .decimal(precision: precision, scale: 0) }
        return type
    }

    static func evaluate(_ column: Column, _ type: SQLType, up: Bool) -> Column {
        if case .doubles(let values) = column.values {
            return Column(type, .doubles(values.map { $0.rounded(up ? .up : .down) }), nulls: column.nulls)
        }
        guard let scale = column.type.exactDigits?.scale, scale > 0 else { return Column(type, column.values, nulls: column.nulls) }
        let unit = DecimalDigits.power(scale)
        let values = column.integers.map { value in
            let whole = CivilTime.floorDivide(value, unit)
            return up && whole * unit != value ? whole + 1 : whole
        }
        return Column(type, .integers(values), nulls: column.nulls)
    }
}
