/// UNIX_TIMESTAMP(ts): milliseconds since 1970-01-01 UTC.
extension ScalarFunction {
    static let unixTimestamp = ScalarFunction(
        "UNIX_TIMESTAMP", [.timestamp], returns: { _ in .bigint }, monotonicIn: 0,
        example: (sql: "UNIX_TIMESTAMP(TIMESTAMP '2021-06-01 09:00:00')", gives: "1622538000000")
    ) { columns, type, _ in Column(type, columns[0].values, nulls: columns[0].nulls) }
}
