/// What a join of two streams becomes.

/// A join of the rows of two relations, each within a window of its own. The columns that come out are those of the left and its ROWTIME, then those of
/// the right and its ROWTIME; the output ROWTIME is the later of the two.
public struct WindowJoin: Sendable {
    public var left: JoinSide
    public var right: JoinSide
    /// Expressions over each side that must be alike for a pair to match: only such pairs are looked at.
    public var keys: [(left: TypedExpression, right: TypedExpression)]
    /// Over the joined columns; nil where every pair matches.
    public var condition: TypedExpression?

    public init(
        left: JoinSide, right: JoinSide, keys: [(left: TypedExpression, right: TypedExpression)], condition: TypedExpression?
    ) {
        self.left = left
        self.right = right
        self.keys = keys
        self.condition = condition
    }

    /// The joined columns.
    public static func columns(_ left: [ColumnDefinition], _ right: [ColumnDefinition]) -> [ColumnDefinition] {
        let rowtime = ColumnDefinition("ROWTIME", .timestamp, isHidden: true)
        return left + [rowtime] + right + [rowtime]
    }
}

/// One side of a join.
public struct JoinSide: Sendable, Hashable {
    /// How far back its rows can be matched by rows of the other side that come later; nil for a side without a window, whose rows are matched as
    /// they come only.
    public var window: SlidingFrame?
    /// Whether its rows leave without a match too.
    public var isPreserved: Bool
    public init(window: SlidingFrame?, isPreserved: Bool) {
        self.window = window
        self.isPreserved = isPreserved
    }
}
