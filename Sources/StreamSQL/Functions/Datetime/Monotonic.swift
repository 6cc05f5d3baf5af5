/// MONOTONIC(x): x itself; asserts that it never decreases, for GROUP BY.
extension ScalarFunction {
    static let monotonic = ScalarFunction(
        "MONOTONIC", [.any], returns: { $0[0] }, monotonicIn: 0, example: (sql: "MONOTONIC(7)", gives: "7")
    ) {
        columns, _, _ in columns[0]
    }
}
