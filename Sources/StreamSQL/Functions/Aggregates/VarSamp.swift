/// VAR_SAMP(x): the sample variance, as DOUBLE; NULLs are ignored, NULL when there are fewer than two values (SQL Reference, "VAR_SAMP").
extension AggregateFunction {
    static let varSamp = AggregateFunction(
        "VAR_SAMP", of: .double, returns: { _ in .double },
        makeAccumulator: { _, _ in MomentsAccumulator(ofSample: true, squareRoot: false) })
}
