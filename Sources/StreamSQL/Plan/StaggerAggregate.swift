/// WINDOWED BY STAGGER, SELECT DISTINCT and the first rows of windows, as the engine gets them.

/// Windows that open with the first row of their keys. The columns that come out are the keys, the ROWTIME at which the window opened, the results; the
/// output ROWTIME is that at which it closes.
public struct StaggerAggregate: Sendable {
    /// Over the input: the terms of PARTITION BY.
    public var keys: [TypedExpression]
    /// How long a window is open, milliseconds, above 0.
    public var length: Int64
    public var results: [AggregateCall]
    public init(keys: [TypedExpression], length: Int64, results: [AggregateCall]) {
        self.keys = keys
        self.length = length
        self.results = results
    }
    public var columns: [ColumnDefinition] {
        keys.enumerated().map { ColumnDefinition("KEY$\($0.offset)", $0.element.type) } + [ColumnDefinition("WINDOW$", .timestamp)]
            + results.enumerated().map { ColumnDefinition("RESULT$\($0.offset)", $0.element.type) }
    }
}

/// Rows whose values in some columns are new since a term of ROWTIME last changed.
public struct TimedDistinct: Sendable, Hashable {
    /// Depends on ROWTIME and constants only and never decreases.
    public var window: TypedExpression
    /// The columns that tell rows apart.
    public var columns: [Int]
    public init(window: TypedExpression, columns: [Int]) {
        self.window = window
        self.columns = columns
    }
}

/// Of the rows that an aggregation gives for one window, the first by some terms.
public struct TopRows: Sendable, Hashable {
    public var keys: [SortKey]
    public var count: Int
    public init(keys: [SortKey], count: Int) {
        self.keys = keys
        self.count = count
    }
}
