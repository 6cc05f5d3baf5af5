/// VAR_POP(x): the population variance, as DOUBLE; NULLs are ignored, NULL when there is no value (SQL Reference, "VAR_POP").
extension AggregateFunction {
    static let varPop = AggregateFunction(
        "VAR_POP", of: .double, returns: { _ in .double },
        makeAccumulator: { _, _ in MomentsAccumulator(ofSample: false, squareRoot: false) })
}
