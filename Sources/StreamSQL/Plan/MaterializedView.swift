/// A materialized view: groups of all rows so far, kept by key.

/// CREATE MATERIALIZED VIEW name AS SELECT ... GROUP BY keys. Its rows are the groups that HAVING lets through; they change as rows come.
public struct MaterializedView: Sendable {
    public var name: String
    /// What is kept: a running aggregation.
    public var relation: Relation
    /// Over the columns of `relation`.
    public var having: TypedExpression?
    /// Over the columns of `relation`: the view's columns.
    public var columns: [ProjectedColumn]
    /// Over the columns of `relation`: the ROWTIME of a row, which is that of the last row of its group.
    public var rowtime: TypedExpression
    /// For each key of the groups the view's column that is it, as far as there is one.
    public var keys: [Int?]

    public var schema: StreamSchema {
        StreamSchema(name: name, columns: columns.map { ColumnDefinition($0.name, $0.expression.type) })
    }

    static func plan(_ create: Syntax.CreateView, _ context: PlanContext) throws(SQLError) -> MaterializedView {
        let position = create.query.position
        guard case .select(let select) = create.query.body, create.query.limit == nil, create.query.order.isEmpty,
            !select.isDistinct
        else {
            throw SQLError(
                "a materialized view is one SELECT with GROUP BY; order and limit its rows in the query that reads it", at: position
            )
        }
        let planned = try QueryPlanner(context).plan(create.query, for: .materialized)
        guard case .project(var input, var columns, let rowtime) = planned.relation else {
            throw SQLError("a materialized view is one SELECT with GROUP BY", at: position)
        }
        var having: TypedExpression?
        if case .filter(let below, let condition) = input { (input, having) = (below, condition) }
        guard case .runningAggregate(let source, let aggregate) = input, !source.isStatic else {
            throw SQLError("a materialized view groups the rows of a stream", at: position)
        }
        let named = try QueryPlanner.renamed(planned.columns.map(\.definition), create.columnNames)
        var seen: Set<String> = []
        for index in columns.indices {
            columns[index].name = named[index].name
            guard seen.insert(named[index].name).inserted else {
                throw SQLError(
                    "the view would have two columns \(Identifiers.written(named[index].name)); give one another name with AS",
                    at: planned.columns[index].position)
            }
            let type = columns[index].expression.type
            guard type != .null, !type.isInterval else {
                throw SQLError("a \(type) is no type of a column; use CAST", at: planned.columns[index].position)
            }
        }
        let keys = aggregate.keys.enumerated().map { place, key in
            columns.firstIndex { $0.expression == .column(place, key.type) }
        }
        return MaterializedView(
            name: create.name.last.text, relation: input, having: having, columns: columns,
            rowtime: rowtime ?? .column(aggregate.keys.count + 1, .timestamp), keys: keys)
    }
}
