/// TO_TIMESTAMP(ms): the time so many milliseconds after 1970-01-01 UTC.
extension ScalarFunction {
    static let toTimestamp = ScalarFunction(
        "TO_TIMESTAMP", [.wholeNumber], returns: { _ in .timestamp }, monotonicIn: 0,
        example: (sql: "TO_TIMESTAMP(1622538000000)", gives: "2021-06-01 09:00:00")
    ) { columns, type, context in
        let range = type.integerRange
        let values = Kernel.map(columns[0].integers, nulls: columns[0].nulls, filler: Int64(0), &context) {
            value throws(RowFailure) in
            guard range.contains(value) else { throw .overflow(type) }
            return value
        }
        return Column(type, .integers(values), nulls: columns[0].nulls)
    }
}
