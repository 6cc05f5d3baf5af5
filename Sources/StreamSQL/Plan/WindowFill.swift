/// FILL: rows for windows in which a known key has none, as the engine gets it.

/// What stands above an aggregation by windows of ROWTIME: the same columns, with rows for the windows that a key has left out.
public struct WindowFill: Sendable {
    /// What an aggregate is in a window without rows.
    public enum Value: Sendable, Hashable {
        case null
        /// Of the key's last window with rows.
        case previous
        /// On the line between the key's windows with rows before and after.
        case linear
        case constant(SQLValue)
    }

    /// The aggregation below.
    public var aggregate: TumblingAggregate
    /// One for each aggregate.
    public var values: [Value]
    /// How many windows of a key are filled one after the other at most; then the key is forgotten until it has a row again.
    public var most: Int

    /// Where a clause says nothing.
    public static let most = 100

    /// Whether rows wait for the window that ends a gap.
    public var waits: Bool { values.contains(.linear) }
}
