/// `/`: division of numbers (of integers: truncated toward zero), and of an interval by a number.
extension ScalarFunction {
    static let divide = ScalarFunction(
        name: "/", example: (sql: "5.0 / 2", gives: "2.500000000000"),
        resolve: { types throws(SignatureError) in
            guard types.count == 2 else { throw SignatureError("takes 2 arguments, not \(types.count)") }
            if let numeric = ArithmeticOperation.divide.numericSignature(types[0], types[1]) { return numeric }
            if types[0].isInterval && (types[1].isNumeric || types[1] == .null) {
                return Signature([types[0], DatetimeArithmetic.factorType(types[1])], returns: types[0])
            }
            throw SignatureError("cannot divide \(types[0]) by \(types[1])")
        },
        evaluate: { columns, type, context in
            if type.isNumeric { return ArithmeticOperation.divide.evaluate(columns[0], columns[1], type, &context) }
            return DatetimeArithmetic.scale(columns[0], by: columns[1], dividing: true, type, &context)
        }
    ).with { $0.trend = Trend.quotient }
}
