/// `*`: multiplication of numbers, and of an interval by a number.
extension ScalarFunction {
    static let multiply = ScalarFunction(
        name: "*", example: (sql: "1.5 * 2.25", gives: "3.375"),
        resolve: { types throws(SignatureError) in
            guard types.count == 2 else { throw SignatureError("takes 2 arguments, not \(types.count)") }
            if let numeric = ArithmeticOperation.multiply.numericSignature(types[0], types[1]) { return numeric }
            if types[0].isInterval && (types[1].isNumeric || types[1] == .null) {
                return Signature([types[0], DatetimeArithmetic.factorType(types[1])], returns: types[0])
            }
            if types[1].isInterval && (types[0].isNumeric || types[0] == .null) {
                return Signature([DatetimeArithmetic.factorType(types[0]), types[1]], returns: types[1])
            }
            throw SignatureError("cannot multiply \(types[0]) and \(types[1])")
        },
        evaluate: { columns, type, context in
            if type.isNumeric { return ArithmeticOperation.multiply.evaluate(columns[0], columns[1], type, &context) }
            let (interval, factor) = columns[0].type.isInterval ? (columns[0], columns[1]) : (columns[1], columns[0])
            return DatetimeArithmetic.scale(interval, by: factor, dividing: false, type, &context)
        }
    ).with { $0.trend = Trend.product }
}
