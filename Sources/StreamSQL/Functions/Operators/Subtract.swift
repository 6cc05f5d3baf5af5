/// `-`: subtraction of numbers and intervals, of an interval from a datetime; with one argument, the opposite.
extension ScalarFunction {
    static let subtract = ScalarFunction(
        name: "-", example: (sql: "5 - 7", gives: "-2"),
        resolve: { types throws(SignatureError) in
            if types.count == 1, types[0].isNumeric || types[0].isInterval || types[0] == .null {
                return Signature(types, returns: types[0])
            }
            guard types.count == 2 else { throw SignatureError("takes 1 or 2 arguments, not \(types.count)") }
            if let numeric = ArithmeticOperation.subtract.numericSignature(types[0], types[1]) { return numeric }
            if types[0].isDatetime && types[1].isDatetime {
                throw SignatureError("the difference of two datetimes needs an interval qualifier: (a - b) SECOND")
            }
            if !types[1].isDatetime, let times = DatetimeArithmetic.sumSignature(types[0], types[1]) { return times }
            throw SignatureError("cannot subtract \(types[1]) from \(types[0])")
        },
        evaluate: { columns, type, context in
            if columns.count == 1 { return columns[0].negated(&context) }
            if type.isNumeric { return ArithmeticOperation.subtract.evaluate(columns[0], columns[1], type, &context) }
            return DatetimeArithmetic.shift(columns[0], by: columns[1], sign: -1, type, &context)
        }
    ).with { $0.trend = Trend.difference }
}
