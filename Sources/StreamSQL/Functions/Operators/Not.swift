/// NOT: three-valued negation.
extension ScalarFunction {
    static let not = ScalarFunction("NOT", [.boolean], returns: { _ in .boolean }, example: (sql: "NOT (1 = 2)", gives: "TRUE")) {
        columns, _, _ in
        Column(.boolean, .booleans(columns[0].booleans.map { !$0 }), nulls: columns[0].nulls)
    }.with { $0.isInfallible = true }
}
