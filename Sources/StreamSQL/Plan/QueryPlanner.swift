/// Plans queries: what FROM reads, set operations, and SELECT without grouping.

/// What a query becomes.
struct PlannedQuery {
    var relation: Relation
    var columns: [OutputColumn]
}

/// A column that a query gives.
struct OutputColumn {
    var name: String
    var type: SQLType
    /// Where the expression stands.
    var position: SourcePosition
    /// The record that it is a field of.
    var record: String?

    var definition: ColumnDefinition {
        var definition = ColumnDefinition(name, type)
        definition.record = record
        return definition
    }
}

/// What a query's rows are for.
enum QueryUse {
    /// Rows of a subquery or a view: their ROWTIME is at hand without being a column.
    case subquery
    case insert
    /// An INSERT whose column list has ROWTIME, so that the query's ROWTIME is a column like others.
    case insertNamingRowtime
}

struct QueryPlanner {
    let context: PlanContext
    init(_ context: PlanContext) { self.context = context }

    func plan(_ query: Syntax.Query, for use: QueryUse) throws(SQLError) -> PlannedQuery {
        try context.enter(at: query.position)
        defer { context.leave() }
        switch query.body {
        case .select(let select): return try SelectPlanner(context, select, order: query.order, use: use).plan()
        case .parenthesized(let inner): return try sorted(plan(inner, for: use), by: query.order)
        case .set(let operation, let operands):
            guard operation == .unionAll else {
                throw SQLError("\(operation.rawValue) is not supported on streams, only UNION ALL", at: query.position)
            }
            return try sorted(try union(operands, for: use), by: query.order)
        case .values: throw SQLError("VALUES is not supported yet; a pump reads streams", at: query.position)
        }
    }

    private func union(_ operands: [Syntax.Query], for use: QueryUse) throws(SQLError) -> PlannedQuery {
        var sides: [PlannedQuery] = []
        for operand in operands { sides.append(try plan(operand, for: use)) }
        guard var columns = sides.first?.columns else { throw SQLError("UNION ALL needs queries", at: .start) }
        for (side, operand) in zip(sides, operands).dropFirst() {
            guard side.columns.count == columns.count else {
                throw SQLError(
                    "the queries of a UNION ALL must have the same number of columns: \(columns.count) and \(side.columns.count)",
                    at: operand.position)
            }
            for (index, column) in side.columns.enumerated() {
                guard let common = SQLType.common(columns[index].type, column.type) else {
                    throw SQLError(
                        "UNION ALL cannot join a \(columns[index].type) and a \(column.type) in one column; use CAST",
                        at: column.position)
                }
                columns[index].type = common
            }
        }
        let relations = sides.map { side in
            if zip(side.columns, columns).allSatisfy({ $0.type == $1.type }) { return side.relation }
            return Relation.project(
                side.relation,
                columns: side.columns.enumerated().map { index, column in
                    let expression = TypedExpression.column(index, column.type).converted(to: columns[index].type, .widening)
                    return ProjectedColumn(columns[index].name, expression)
                }, rowtime: nil)
        }
        return PlannedQuery(relation: .unionAll(relations), columns: columns)
    }

    /// ORDER BY over a query that is not a plain SELECT: its terms see the columns that come out.
    private func sorted(_ planned: PlannedQuery, by order: [Syntax.OrderTerm]) throws(SQLError) -> PlannedQuery {
        guard !order.isEmpty else { return planned }
        let scope = Scope(name: nil, columns: planned.columns.map(\.definition))
        var binder = ExpressionBinder(context, scope)
        let outputs = planned.columns.enumerated().map { (name: $1.name, expression: TypedExpression.column($0, $1.type)) }
        var terms: [(SortKey, SourcePosition)] = []
        for term in order {
            var expression = try OrderPlanner.output(of: term, outputs)
            if expression == nil { expression = try binder.bind(term.expression) }
            guard let expression else { continue }
            try context.spend(expression.nodeCount, at: term.expression.position)
            terms.append((SortKey(expression, isDescending: term.isDescending), term.expression.start))
        }
        return PlannedQuery(relation: try OrderPlanner.sort(planned.relation, terms, window: nil), columns: planned.columns)
    }

    // MARK: FROM

    /// What a FROM clause reads, and the names it gives.
    func source(_ reference: Syntax.TableReference) throws(SQLError) -> (Relation, Scope) {
        if let window = reference.window {
            throw SQLError("a window in FROM is for a join; write f(x) OVER (...) in the select list", at: window.position)
        }
        let relation: Relation
        var columns: [ColumnDefinition]
        var name: String?
        switch reference.kind {
        case .named(let stream):
            (relation, columns) = try named(stream)
            name = stream.last.text
        case .subquery(let query):
            let planned = try plan(query, for: .subquery)
            (relation, columns) = (planned.relation, planned.columns.map(\.definition))
        case .function(let function, let arguments, let partition):
            let planned = try TableFunctionPlanner(context).plan(function, arguments, partition: partition)
            (relation, columns) = (planned, planned.columns)
        case .join(let kind, let left, let right, let condition):
            return try JoinPlanner(context).plan(kind, left, right, condition, at: reference.position)
        }
        columns = try Self.renamed(columns, reference.columnNames)
        return (relation, Scope(name: reference.alias?.text ?? name, columns: columns))
    }

    private func named(_ name: Syntax.QualifiedName) throws(SQLError) -> (Relation, [ColumnDefinition]) {
        switch try context.object(name) {
        case .input(let schema), .stream(let schema):
            context.reads.insert(schema.name)
            try context.spend(schema.columns.count, at: name.position)
            return (.stream(schema), schema.columns)
        case .table:
            throw SQLError(
                "reading the reference table \(Identifiers.written(name.last.text)) is not supported yet", at: name.position)
        case .view(let view):
            let stored = name.last.text
            context.reads.insert(stored)
            try context.beginExpansion(of: stored, .view, at: name.position)
            defer { context.endExpansion(of: stored, .view) }
            let planned = try plan(view.query, for: .subquery)
            return (
                planned.relation, try Self.renamed(planned.columns.map(\.definition), view.columnNames)
            )
        }
    }

    /// The columns under the names of `AS t(a, b)`. A record has one name.
    static func renamed(_ columns: [ColumnDefinition], _ names: [Syntax.Name]) throws(SQLError) -> [ColumnDefinition] {
        guard let first = names.first else { return columns }
        var units: [[Int]] = []
        for index in columns.indices where !columns[index].isHidden {
            if let record = columns[index].record, let last = units.last?.last, last == index - 1, columns[last].record == record {
                units[units.count - 1].append(index)
            } else {
                units.append([index])
            }
        }
        guard names.count == units.count else {
            throw SQLError("\(names.count) names are given for \(units.count) columns", at: first.position)
        }
        var columns = columns
        for (unit, name) in zip(units, names) {
            if name.text == "ROWTIME" { throw SQLError("a column cannot be renamed to ROWTIME", at: name.position) }
            for index in unit {
                if columns[index].record == nil { columns[index].name = name.text } else { columns[index].record = name.text }
            }
        }
        return columns
    }
}
