/// EVERY(b): whether b is TRUE in all rows; NULL counts as not TRUE (SQL Reference, "EVERY").
extension AggregateFunction {
    static let every = AggregateFunction(
        "EVERY", of: .boolean, returns: { _ in .boolean }, makeAccumulator: { _, _ in TruthAccumulator(every: true) })
}
