/// IS [NOT] DISTINCT FROM: comparison in which NULL equals NULL, and the answer is never UNKNOWN.

enum Distinct {
    static let functions: [ScalarFunction] = [
        function("IS DISTINCT FROM", distinct: true, example: (sql: "1 IS DISTINCT FROM 1.0", gives: "FALSE")),
        function("IS NOT DISTINCT FROM", distinct: false, example: (sql: "'a' IS NOT DISTINCT FROM NULL", gives: "FALSE")),
    ]

    private static func function(_ name: String, distinct: Bool, example: (sql: String, gives: String)) -> ScalarFunction {
        ScalarFunction(
            name: name, example: example,
            resolve: { types throws(SignatureError) in try Comparison.signature(types) },
            evaluate: { columns, _, context in
                let equal = Comparison.equal.holds(columns[0], columns[1])
                let values = (0..<context.count).map { row in
                    let (a, b) = (columns[0].isNull(row), columns[1].isNull(row))
                    return (a || b ? a == b : equal[row]) != distinct
                }
                return Column(.boolean, .booleans(values))
            }
        ).with { $0.isInfallible = true }
    }
}
