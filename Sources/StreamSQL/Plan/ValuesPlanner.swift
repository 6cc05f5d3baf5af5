/// Plans VALUES: rows written out.

struct ValuesPlanner {
    private let context: PlanContext
    init(_ context: PlanContext) { self.context = context }

    func plan(_ rows: [[Syntax.Expression]], at position: SourcePosition) throws(SQLError) -> PlannedQuery {
        var binder = ExpressionBinder(context, Scope.empty)
        binder.aggregateRefusal = "cannot stand in VALUES"
        var types = [SQLType](repeating: .null, count: rows.first?.count ?? 0)
        var bound: [[TypedExpression]] = []
        for row in rows {
            guard row.count == types.count else {
                throw SQLError(
                    "all rows of VALUES have the same number of columns: \(types.count) and \(row.count)",
                    at: row.first?.start ?? position)
            }
            var values: [TypedExpression] = []
            for (place, expression) in row.enumerated() {
                let value = try binder.bind(expression)
                guard let common = SQLType.common(types[place], value.type) else {
                    throw SQLError(
                        "VALUES cannot have a \(types[place]) and a \(value.type) in one column; use CAST", at: expression.start)
                }
                types[place] = common
                values.append(value)
            }
            bound.append(values)
        }
        // A column of bare NULLs is a text, as nothing tells what else.
        types = types.map { $0 == .null ? .varchar(1) : $0 }
        let converted = bound.map { row in zip(row, types).map { $0.converted(to: $1, .widening) } }
        let columns = types.enumerated().map { ColumnDefinition("EXPR$\($0.offset)", $0.element) }
        return PlannedQuery(
            relation: .values(ValuesRelation(columns: columns, rows: converted)),
            columns: columns.enumerated().map { OutputColumn(name: $1.name, type: $1.type, position: rows[0][$0].start) })
    }
}
