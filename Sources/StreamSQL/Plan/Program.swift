/// The typed plan of a program: what the engine runs.

/// A program after planning: the streams it creates and the pumps that fill them.
public struct Program: Sendable {
    /// In order of creation. `error_stream` is not among them; the engine adds it.
    public var streams: [StreamSchema]
    /// In order of creation; each reads streams that exist before it, inputs or created ones.
    public var pumps: [Pump]
    /// The materialized views, in order of creation.
    public var views: [MaterializedView] = []
    /// The reference tables that exist; whoever runs the program gives their rows.
    public var tables: [StreamSchema]
    public init(streams: [StreamSchema], pumps: [Pump], tables: [StreamSchema] = []) {
        self.streams = streams
        self.pumps = pumps
        self.tables = tables
    }
}

/// An in-application stream: its stored name and columns. ROWTIME is implicit.
public struct StreamSchema: Sendable, Hashable {
    public var name: String
    public var columns: [ColumnDefinition]
    public init(name: String, columns: [ColumnDefinition]) {
        self.name = name
        self.columns = columns
    }
}

/// INSERT INTO a stream from a query, for as long as the application runs.
public struct Pump: Sendable {
    public var name: String
    /// The stored name of the stream it fills.
    public var target: String
    /// Gives exactly the target's columns, in its order and types (the planner adds the assignment casts and NULLs).
    public var query: Relation
    /// Created STOPPED: it is planned and checked, but does not run.
    public var isStopped: Bool
    public init(name: String, target: String, query: Relation, isStopped: Bool) {
        self.name = name
        self.target = target
        self.query = query
        self.isStopped = isStopped
    }
}

/// A relational operator over its inputs. New kinds of operators (joins, OVER windows, stagger) are new cases here and a file each in
/// `StreamEngine/Operators/`.
public indirect enum Relation: Sendable {
    /// The rows put into a stream, by stored name.
    case stream(StreamSchema)
    case filter(Relation, condition: TypedExpression)
    /// Computes columns; `rowtime`, when given, sets the output's ROWTIME (`expr AS ROWTIME`), else it is the input row's.
    case project(Relation, columns: [ProjectedColumn], rowtime: TypedExpression?)
    /// GROUP BY with a monotonic term.
    case tumblingAggregate(Relation, TumblingAggregate)
    /// TABLE(F(CURSOR(input), ...)): the input's columns and the function's.
    case tableFunction(Relation, TableFunctionCall)
    /// ORDER BY with a monotonic first term: rows wait while it is constant and leave sorted.
    case sort(Relation, TimedSort)
    /// UNION ALL: merged by ROWTIME.
    case unionAll([Relation])
    /// Functions with OVER.
    case sliding(Relation, SlidingWindows)
    /// WINDOWED BY STAGGER.
    case staggerAggregate(Relation, StaggerAggregate)
    /// GROUP BY of a materialized view: groups that are kept.
    case runningAggregate(Relation, TumblingAggregate)
    /// FILL of windows without rows.
    case fill(Relation, WindowFill)
    /// MATCH_RECOGNIZE.
    case match(Relation, MatchCall)
    /// GROUP BY with SESSION.
    case sessionAggregate(Relation, SessionAggregate)
    /// GROUP BY MONOTONIC(x).
    case runAggregate(Relation, TumblingAggregate)
    /// SELECT DISTINCT.
    case distinct(Relation, TimedDistinct)
    /// Log parsers: the input's columns and those of the records that they give.
    case parseLogs(Relation, [LogParse])
    /// A join of two streams.
    case join(Relation, Relation, WindowJoin)
    /// The first rows of each window of an aggregation.
    case topRows(Relation, TopRows)
    /// The rows of a reference table, by stored name.
    case table(StreamSchema)
    case values(ValuesRelation)
    /// A join whose right side has an end, or a subquery of an expression.
    case lookup(Relation, Relation, LookupJoin)
    /// ORDER BY a time WITHIN an interval.
    case eventTime(Relation, EventTime)
    /// ORDER BY and LIMIT of a relation with an end.
    case select(Relation, RowSelection)

    /// The columns of the rows that come out.
    public var columns: [ColumnDefinition] {
        switch self {
        case .stream(let schema), .table(let schema): schema.columns
        case .values(let values): values.columns
        case .lookup(let left, let right, let join): join.columns(left.columns, right.columns)
        case .select(let input, _), .eventTime(let input, _), .fill(let input, _): input.columns
        case .filter(let input, _), .sort(let input, _), .distinct(let input, _), .topRows(let input, _): input.columns
        case .project(_, let columns, _): columns.map { ColumnDefinition($0.name, $0.expression.type) }
        case .tumblingAggregate(_, let aggregate): aggregate.columns
        case .tableFunction(let input, let call): input.columns + call.addedColumns
        case .unionAll(let inputs): inputs.first?.columns ?? []
        case .sliding(let input, let windows): input.columns + windows.columns
        case .staggerAggregate(_, let aggregate): aggregate.columns
        case .runAggregate(_, let aggregate): aggregate.columns
        case .sessionAggregate(_, let aggregate): aggregate.columns
        case .runningAggregate(_, let aggregate): aggregate.columns
        case .match(let input, let call): call.columns(of: input.columns)
        case .join(let left, let right, _): WindowJoin.columns(left.columns, right.columns)
        case .parseLogs(let input, let parses): input.columns + parses.flatMap(\.columns)
        }
    }
}

/// A column of a projection.
public struct ProjectedColumn: Sendable, Hashable {
    public var name: String
    public var expression: TypedExpression
    public init(_ name: String, _ expression: TypedExpression) {
        self.name = name
        self.expression = expression
    }
}

/// A tumbling aggregation: groups by `keys` while `window` is constant. Its output columns are the keys, the window's value, the results; its
/// output ROWTIME is the window's end, the first time at which `window` has another value.
public struct TumblingAggregate: Sendable {
    /// Over the input; ordinary grouping terms.
    public var keys: [TypedExpression]
    /// Over the input; depends on ROWTIME and constants only and never decreases with it. `whole` for one window of all rows.
    public var window: TypedExpression
    public var results: [AggregateCall]
    public init(keys: [TypedExpression], window: TypedExpression, results: [AggregateCall]) {
        self.keys = keys
        self.window = window
        self.results = results
    }
    /// The window of an aggregation without one: its groups leave when the input ends.
    public static let whole = TypedExpression.literal(.boolean(true), .boolean)
    public var isWhole: Bool { window == Self.whole }
    public var columns: [ColumnDefinition] {
        keys.enumerated().map { ColumnDefinition("KEY$\($0.offset)", $0.element.type) }
            + [ColumnDefinition("WINDOW$", window.type)]
            + results.enumerated().map { ColumnDefinition("RESULT$\($0.offset)", $0.element.type) }
    }
}

/// One aggregate of a group.
public struct AggregateCall: Sendable, Hashable {
    public var function: AggregateFunction
    /// nil for COUNT(*).
    public var argument: TypedExpression?
    public var isDistinct: Bool
    public var type: SQLType
    public init(_ function: AggregateFunction, _ argument: TypedExpression?, isDistinct: Bool = false, type: SQLType) {
        self.function = function
        self.argument = argument
        self.isDistinct = isDistinct
        self.type = type
    }
}

/// A table function with its arguments checked.
public struct TableFunctionCall: Sendable, Hashable {
    public var function: TableFunction
    /// What it adds to the cursor's columns.
    public var addedColumns: [ColumnDefinition]
    public init(_ function: TableFunction, addedColumns: [ColumnDefinition]) {
        self.function = function
        self.addedColumns = addedColumns
    }
}

/// The table functions and their arguments.
public enum TableFunction: Sendable, Hashable {
    /// RANDOM_CUT_FOREST and its kin.
    case randomCutForest(ForestCall)
    /// GROUP_RANK.
    case groupRank(GroupRankCall)
    /// HOTSPOTS.
    case hotspots(HotspotsCall)
}

/// A random cut forest over the rows of a cursor, or one for each value of the partition's columns.
public struct ForestCall: Sendable, Hashable {
    /// What it adds to each row.
    public enum Result: Sendable, Hashable {
        /// ANOMALY_SCORE (SQL Reference, RANDOM_CUT_FOREST).
        case score
        /// ANOMALY_SCORE and ANOMALY_EXPLANATION (SQL Reference, RANDOM_CUT_FOREST_WITH_EXPLANATION).
        case explanation(withDirectionality: Bool)
        /// ANOMALY_SCORE, ANOMALY_GRADE and ANOMALY_CONFIDENCE: an extension.
        case grade
    }

    public var result: Result
    /// The numeric columns that form the point.
    public var inputs: [Int]
    public var trees: Int
    public var sampleSize: Int
    public var timeDecay: Int
    public var shingleSize: Int
    /// The columns of PARTITION BY; none for one forest over all rows.
    public var partition: [Int]

    public init(
        _ result: Result, inputs: [Int], trees: Int = 100, sampleSize: Int = 256, timeDecay: Int = 100_000, shingleSize: Int = 1,
        partition: [Int] = []
    ) {
        self.result = result
        self.inputs = inputs
        self.trees = trees
        self.sampleSize = sampleSize
        self.timeDecay = timeDecay
        self.shingleSize = shingleSize
        self.partition = partition
    }
}

/// A sort whose leading term is monotonic in time.
public struct TimedSort: Sendable {
    /// Over the input; rows are held while it is constant. Depends on ROWTIME and constants only.
    public var period: TypedExpression
    /// The remaining terms, most significant first.
    public var keys: [SortKey]
    public init(period: TypedExpression, keys: [SortKey]) {
        self.period = period
        self.keys = keys
    }
}

/// A term of ORDER BY.
public struct SortKey: Sendable, Hashable {
    public var expression: TypedExpression
    public var isDescending: Bool
    /// Where NULLs stand. By themselves they sort as the largest value.
    public var nullsFirst: Bool
    public init(_ expression: TypedExpression, isDescending: Bool = false, nullsFirst: Bool? = nil) {
        self.expression = expression
        self.isDescending = isDescending
        self.nullsFirst = nullsFirst ?? isDescending
    }

    /// Whether NULLs stand where they do not by themselves.
    public var movesNulls: Bool { nullsFirst != isDescending }

    /// Orders two rows by the term, whose values stand in the column: negative, zero or positive.
    public func compare(_ a: Int, _ b: Int, in column: Column) -> Int { compare(column, a, with: column, b) }

    /// The same for values in two columns of the term's type.
    public func compare(_ column: Column, _ a: Int, with other: Column, _ b: Int) -> Int {
        let order = column.compare(a, with: other, b)
        if movesNulls, column.isNull(a) != other.isNull(b) { return nullsFirst == column.isNull(a) ? -1 : 1 }
        return isDescending ? -order : order
    }
}
