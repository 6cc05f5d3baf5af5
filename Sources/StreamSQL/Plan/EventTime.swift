/// Rows in the order of a time of their own.

/// `ORDER BY time WITHIN interval`: rows leave in the order of a time that they carry, which becomes their ROWTIME. A row waits until the clock is so far past
/// its time that no earlier one may come; one that comes later than that fails.
public struct EventTime: Sendable, Hashable {
    /// Over the input; a TIMESTAMP.
    public var time: TypedExpression
    /// How far the clock may be past a row's time when it comes, milliseconds.
    public var lateness: Int64
    public init(time: TypedExpression, lateness: Int64) {
        self.time = time
        self.lateness = lateness
    }
}
