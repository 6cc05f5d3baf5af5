/// ABS(number or interval): the value without its sign, in the same type.
extension ScalarFunction {
    static let abs = ScalarFunction(
        "ABS", [ParameterKind("a number or an interval", takes: { $0.isNumeric || $0.isInterval })], returns: { $0[0] },
        example: (sql: "ABS(-3.5)", gives: "3.5")
    ) { columns, type, context in
        if case .doubles(let values) = columns[0].values {
            return Column(type, .doubles(values.map { $0.magnitude }), nulls: columns[0].nulls)
        }
        let range = type.integerRange
        let values = Kernel.map(columns[0].integers, nulls: columns[0].nulls, filler: Int64(0), &context) {
            value throws(RowFailure) in
            guard let size = Int64(exactly: value.magnitude), range.contains(size) else { throw .overflow(type) }
            return size
        }
        return Column(type, .integers(values), nulls: columns[0].nulls)
    }
}
