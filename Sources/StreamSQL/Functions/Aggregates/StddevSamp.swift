/// STDDEV_SAMP(x), also STDDEV (whose page spells it STD_DEV): the square root of the sample variance, as DOUBLE; NULLs are ignored, NULL when there are fewer than two values (SQL Reference, "STDDEV_SAMP").
extension AggregateFunction {
    static let stddevSamp = AggregateFunction(
        "STDDEV_SAMP", aliases: ["STDDEV", "STD_DEV"], of: .double, returns: { _ in .double },
        makeAccumulator: { _, _ in MomentsAccumulator(ofSample: true, squareRoot: true) })
}
