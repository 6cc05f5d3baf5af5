/// MOD(a, b): the remainder of whole numbers, with the sign of the dividend; the type is the divisor's.
extension ScalarFunction {
    private static let whole = ParameterKind(
        "a whole number", takes: { $0.exactDigits?.scale == 0 }, widen: { $0 == .null ? .integer : $0 })

    static let mod = ScalarFunction("MOD", [whole, whole], returns: { $0[1] }, example: (sql: "MOD(-4, 3)", gives: "-1")) {
        columns, type, context in
        let nulls = Kernel.nulls(columns)
        let values = Kernel.map(columns[0].integerOperand, columns[1].integerOperand, nulls: nulls, filler: Int64(0), &context) {
            a, b throws(RowFailure) in
            if b == 0 { throw .divisionByZero }
            // The least integer divided by -1 overflows; its remainder is 0 all the same.
            return a.remainderReportingOverflow(dividingBy: b).partialValue
        }
        return Column(type, .integers(values), nulls: nulls)
    }
}
