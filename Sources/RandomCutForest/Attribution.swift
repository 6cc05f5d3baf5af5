/// What a forest answers when it is asked why a record is strange.

/// Which coordinates make a record strange, and in which direction. All cells together are the record's score.
public struct Attribution: Sendable, Equatable {
    /// Per position of the shingle (oldest record first) and column: what the value being too high contributes, at least 0.
    public var high: [Double]
    /// The same for the value being too low.
    public var low: [Double]
    /// Number of columns of a record.
    public let columns: Int

    /// Sum of all cells: the score.
    public var total: Double { high.reduce(0, +) + low.reduce(0, +) }

    /// A column's part over all positions of the shingle. `column` counts from 0 and must be below ``columns``.
    public func part(ofColumn column: Int) -> (high: Double, low: Double) {
        precondition(column >= 0 && column < columns)
        var sum = (high: 0.0, low: 0.0)
        for i in stride(from: column, to: high.count, by: columns) {
            sum.high += high[i]
            sum.low += low[i]
        }
        return sum
    }
}
