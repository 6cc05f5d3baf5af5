/// The table of operators.

extension ScalarFunctions {
    static let operators: [ScalarFunction] = {
        let arithmetic: [ScalarFunction] = [.add, .subtract, .multiply, .divide, .intervalBetween]
        let texts: [ScalarFunction] = [.concatenate, .like, .notLike, .similarTo, .notSimilarTo]
        return arithmetic + texts + [.not] + Comparison.functions + Distinct.functions + TruthTest.functions
    }()
}
