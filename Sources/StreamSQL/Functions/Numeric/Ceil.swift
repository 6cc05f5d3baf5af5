/// CEIL(number), also CEILING: the least whole number that is not less.
extension ScalarFunction {
    static let ceil = ScalarFunction(
        "CEIL", [.number], returns: { Rounding.resultType($0[0]) }, monotonicIn: 0, example: (sql: "CEILING(-3 * 3.1)", gives: "-9")
    ) { columns, type, context in Rounding.evaluate(columns[0], type, up: true) }
    .with { $0.aliases = ["CEILING"] }
}
