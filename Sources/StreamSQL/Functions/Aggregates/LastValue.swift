/// LAST_VALUE(x): x of the last row of the group, be it NULL (SQL Reference, "LAST_VALUE"; bare in AWS's stagger window sample).
extension AggregateFunction {
    static let lastValue = AggregateFunction(
        "LAST_VALUE", of: .any, returns: { $0 },
        makeAccumulator: { argument, _ in EdgeAccumulator(argument, first: false) })
}
