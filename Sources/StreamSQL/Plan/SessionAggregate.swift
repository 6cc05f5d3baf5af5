/// GROUP BY with SESSION: windows of activity, as the engine gets them.

/// A window of a key holds its rows as long as none comes a whole gap after the last one. The columns that come out are the keys, the ROWTIME of the window's
/// first row, the results; the output ROWTIME is the window's end: a gap after its last row.
public struct SessionAggregate: Sendable {
    /// Over the input: the other terms of GROUP BY.
    public var keys: [TypedExpression]
    /// Milliseconds without a row after which a window ends, above 0.
    public var gap: Int64
    public var results: [AggregateCall]
    public init(keys: [TypedExpression], gap: Int64, results: [AggregateCall]) {
        self.keys = keys
        self.gap = gap
        self.results = results
    }
    public var columns: [ColumnDefinition] {
        keys.enumerated().map { ColumnDefinition("KEY$\($0.offset)", $0.element.type) } + [ColumnDefinition("WINDOW$", .timestamp)]
            + results.enumerated().map { ColumnDefinition("RESULT$\($0.offset)", $0.element.type) }
    }
}

extension TypedExpression {
    /// The gap in milliseconds, where the expression is SESSION of ROWTIME.
    var session: Int64? {
        guard case .call(let function, let arguments, _) = self, function.name == "SESSION", arguments.count == 2,
            case .rowtime = arguments[0], case .literal(.integer(let gap), _) = arguments[1], gap > 0
        else { return nil }
        return gap
    }

    /// Whether SESSION is a part of it.
    var containsSession: Bool {
        if case .call(let function, _, _) = self, function.name == "SESSION" { return true }
        return parts.contains(where: \.containsSession)
    }
}
