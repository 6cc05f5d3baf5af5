/// MATCH_RECOGNIZE as the engine gets it: a small program for the pattern, conditions, and what measures look at.

/// What finds matches among the rows of each partition. The columns that come out are the partition's and the measures.
public struct MatchCall: Sendable {
    /// Columns of the input.
    public var partition: [Int]
    /// What variables are called, for CLASSIFIER and EXPLAIN.
    public var variables: [String]
    /// The condition of each variable.
    public var conditions: [MatchCondition]
    public var pattern: [MatchInstruction]
    /// As it is written.
    public var patternText: String
    /// All rows of a match, and the end of an absence, lie within so many milliseconds of the first row; nil for no bound.
    public var within: Int64?
    public var skip: MatchSkip
    /// What the measures look at in a match.
    public var references: [MatchReference]
    /// Over the references.
    public var measures: [ProjectedColumn]

    public func columns(of input: [ColumnDefinition]) -> [ColumnDefinition] {
        partition.map { ColumnDefinition(input[$0].name, input[$0].type) }
            + measures.map { ColumnDefinition($0.name, $0.expression.type) }
    }
}

/// A step of the pattern's program; what comes first is preferred.
public enum MatchInstruction: Sendable, Hashable {
    /// A row that the variable's condition lets through.
    case row(variable: Int)
    case split(Int, Int)
    case jump(Int)
    /// No row that the variable's condition lets through, until the time is over; then it is a match.
    case absence(variable: Int)
    case match
}

/// The condition of a variable.
public struct MatchCondition: Sendable {
    /// Over the input's columns and, behind them, the references; nil for any row.
    public var expression: TypedExpression?
    public var references: [MatchReference]
    /// Whether it is the same for a row whatever the rows before it were taken for.
    public var isOfRow: Bool { references.allSatisfy { if case .before = $0.place { true } else { false } } }
}

/// A value of the rows of a match, or of one on its way.
public struct MatchReference: Sendable, Hashable {
    /// Which row's value it is.
    public enum Place: Sendable, Hashable {
        /// Of the partition, so many before the one at hand: PREV.
        case before(Int)
        /// The first, or the last, row of a variable (nil: of all), so many rows of it further in; `back` rows of the partition before that.
        case first(variable: Int?, skip: Int, back: Int)
        case last(variable: Int?, skip: Int, back: Int)
        /// Of all rows of a variable (nil: of all).
        case all(variable: Int?, AggregateCall)
        /// The name of the variable that the last row was taken for.
        case classifier
    }
    public var place: Place
    /// Over the input's columns; the argument, for an aggregate.
    public var expression: TypedExpression?
    public var type: SQLType
}

/// Where the search goes on after a match.
public enum MatchSkip: Sendable, Hashable {
    case pastLastRow
    case toNextRow
    case toFirst(Int)
    case toLast(Int)
}
