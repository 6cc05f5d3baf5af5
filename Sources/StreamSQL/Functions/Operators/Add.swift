/// `+`: addition of numbers and intervals, a datetime and an interval; with one argument, the argument.
extension ScalarFunction {
    static let add = ScalarFunction(
        name: "+", example: (sql: "1.5 + 2", gives: "3.5"),
        resolve: { types throws(SignatureError) in
            if types.count == 1, types[0].isNumeric || types[0].isInterval || types[0] == .null {
                return Signature(types, returns: types[0])
            }
            guard types.count == 2 else { throw SignatureError("takes 1 or 2 arguments, not \(types.count)") }
            if let numeric = ArithmeticOperation.add.numericSignature(types[0], types[1]) { return numeric }
            if let times = DatetimeArithmetic.sumSignature(types[0], types[1]) { return times }
            throw SignatureError("cannot add \(types[0]) and \(types[1])")
        },
        evaluate: { columns, type, context in
            if columns.count == 1 { return columns[0] }
            if type.isNumeric { return ArithmeticOperation.add.evaluate(columns[0], columns[1], type, &context) }
            if columns[0].type.isInterval && type.isDatetime {
                return DatetimeArithmetic.shift(columns[1], by: columns[0], sign: 1, type, &context)
            }
            return DatetimeArithmetic.shift(columns[0], by: columns[1], sign: 1, type, &context)
        }
    ).with { $0.trend = Trend.sum }
}
