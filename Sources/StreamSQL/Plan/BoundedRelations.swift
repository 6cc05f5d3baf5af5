/// Relations with an end: tables, VALUES, and what only they have, such as ORDER BY any term and LIMIT.

/// Rows written out.
public struct ValuesRelation: Sendable {
    public var columns: [ColumnDefinition]
    /// Expressions without columns, of the columns' types; they are evaluated once.
    public var rows: [[TypedExpression]]
    public init(columns: [ColumnDefinition], rows: [[TypedExpression]]) {
        self.columns = columns
        self.rows = rows
    }
}

/// The rows of a relation with an end in the order of some terms, or some of them.
public struct RowSelection: Sendable, Hashable {
    /// None where the order stays as it is.
    public var keys: [SortKey]
    /// How many rows leave at most, after those that are passed over; nil for all.
    public var count: Int?
    public var offset: Int
    public init(keys: [SortKey], count: Int? = nil, offset: Int = 0) {
        self.keys = keys
        self.count = count
        self.offset = offset
    }
}

extension Relation {
    /// Whether all its rows are known at once: it reads no streams.
    public var isStatic: Bool { !leaves.contains { if case .stream = $0 { true } else { false } } }

    /// The names of the tables that it reads.
    public var tableNames: Set<String> { Set(leaves.compactMap { if case .table(let schema) = $0 { schema.name } else { nil } }) }

    /// The streams, tables and written rows below.
    private var leaves: [Relation] {
        let inputs = inputs
        return inputs.isEmpty ? [self] : inputs.flatMap(\.leaves)
    }

    /// The relations directly below.
    public var inputs: [Relation] {
        switch self {
        case .stream, .table, .values: []
        case .filter(let input, _), .sort(let input, _), .distinct(let input, _), .topRows(let input, _), .project(let input, _, _),
            .tumblingAggregate(let input, _), .tableFunction(let input, _), .sliding(let input, _), .staggerAggregate(let input, _),
            .sessionAggregate(let input, _), .runningAggregate(let input, _), .match(let input, _), .fill(let input, _),
            .runAggregate(let input, _), .parseLogs(let input, _), .select(let input, _), .eventTime(let input, _):
            [input]
        case .unionAll(let inputs): inputs
        case .join(let left, let right, _), .lookup(let left, let right, _): [left, right]
        }
    }
}
