/// STDDEV_POP(x): the square root of the population variance, as DOUBLE; NULLs are ignored, NULL when there is no value (SQL Reference, "STDDEV_POP").
extension AggregateFunction {
    static let stddevPop = AggregateFunction(
        "STDDEV_POP", of: .double, returns: { _ in .double },
        makeAccumulator: { _, _ in MomentsAccumulator(ofSample: false, squareRoot: true) })
}
