/// MAX(x): the largest value of a number, text or datetime; NULLs are ignored (SQL Reference, "MAX").
extension AggregateFunction {
    static let max = AggregateFunction(
        "MAX", of: .any, returns: { $0 },
        makeAccumulator: { argument, _ in ExtremeAccumulator(argument, largest: true) })
}
