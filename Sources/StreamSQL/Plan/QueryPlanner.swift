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
    /// An INSERT whose column list has ROWTIME, or a query whose rows are shown: the query's ROWTIME is a column like others.
    case insertNamingRowtime
    /// Rows of a materialized view, by key.
    case materialized
}

struct QueryPlanner {
    let context: PlanContext
    init(_ context: PlanContext) { self.context = context }

    func plan(_ query: Syntax.Query, for use: QueryUse) throws(SQLError) -> PlannedQuery {
        try context.enter(at: query.position)
        defer { context.leave() }
        if !query.with.isEmpty {
            var inner = query
            inner.with = []
            return try context.with(query.with) { () throws(SQLError) in try plan(inner, for: use) }
        }
        switch query.body {
        case .select(let select):
            return try SelectPlanner(context, select, order: query.order, limit: query.limit, use: use).plan()
        case .parenthesized(let inner): return try sorted(plan(inner, for: use), query)
        case .set(let operation, let operands): return try sorted(try set(operation, operands, for: use, at: query.position), query)
        case .values(let rows): return try sorted(try ValuesPlanner(context).plan(rows, at: query.position), query)
        }
    }

    private func set(_ operation: Syntax.SetOperator, _ operands: [Syntax.Query], for use: QueryUse, at position: SourcePosition)
        throws(SQLError) -> PlannedQuery
    {
        let all = try union(operands, for: use)
        guard operation != .unionAll else { return all }
        guard context.isBounded(all.relation), case .unionAll(let sides) = all.relation else {
            throw SQLError("\(operation.rawValue) is not supported on streams, only UNION ALL", at: position)
        }
        var result = all
        if operation == .union {
            result.relation = .distinctRows(of: all.relation)
        } else if let first = sides.first {
            result.relation = sides.dropFirst().reduce(first) { .combined($0, $1, isIntersection: operation == .intersect) }
        }
        return result
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

    /// ORDER BY and LIMIT of a query that is not a plain SELECT: the terms see the columns that come out.
    private func sorted(_ planned: PlannedQuery, _ query: Syntax.Query) throws(SQLError) -> PlannedQuery {
        let order = query.order
        guard !order.isEmpty || query.limit != nil else { return planned }
        let isBounded = context.isBounded(planned.relation)
        if !isBounded { try OrderPlanner.refuse(query.limit) }
        var scope = Scope(name: nil, columns: planned.columns.map(\.definition))
        scope.ignoresCase = context.ignoresCase
        var binder = ExpressionBinder(context, scope)
        let outputs = planned.columns.enumerated().map { (name: $1.name, expression: TypedExpression.column($0, $1.type)) }
        var terms: [(SortKey, SourcePosition)] = []
        for term in order {
            var expression = try OrderPlanner.output(of: term, outputs)
            if expression == nil { expression = try binder.bind(term.expression) }
            guard let expression else { continue }
            try context.spend(expression.nodeCount, at: term.expression.position)
            terms.append((term.key(expression), term.expression.start))
        }
        if isBounded {
            return PlannedQuery(
                relation: OrderPlanner.select(planned.relation, terms.map(\.0), query.limit), columns: planned.columns)
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
        case .match(let input, let match):
            let (below, scope) = try source(input)
            var planner = MatchPlanner(context, below, scope, match)
            relation = try planner.plan()
            columns = relation.columns
        case .join(let kind, let left, let right, let condition):
            return try JoinPlanner(context).plan(kind, left, right, condition, at: reference.position)
        }
        columns = try Self.renamed(columns, reference.columnNames)
        var scope = Scope(name: reference.alias?.text ?? name, columns: columns, isTimed: !relation.isStatic)
        scope.ignoresCase = context.ignoresCase
        return (relation, scope)
    }

    private func named(_ name: Syntax.QualifiedName) throws(SQLError) -> (Relation, [ColumnDefinition]) {
        switch try context.object(name) {
        case .input(let schema), .stream(let schema):
            context.reads.insert(schema.name)
            try context.spend(schema.columns.count, at: name.position)
            return (.stream(schema), schema.columns)
        case .table(let schema):
            context.reads.insert(schema.name)
            try context.spend(schema.columns.count, at: name.position)
            return (.table(schema), schema.columns)
        case .materialized:
            throw SQLError(
                "\(Identifiers.written(name.last.text)) is a materialized view, which queries read: millrace query \"SELECT ... FROM application.view\"; programs cannot",
                at: name.last.position)
        case .common(let table, let objects):
            return try context.with(objects: objects) { () throws(SQLError) in
                let planned = try plan(table.query, for: .subquery)
                return (planned.relation, try Self.renamed(planned.columns.map(\.definition), table.columnNames))
            }
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

extension Syntax.OrderTerm {
    /// The term with its expression bound.
    func key(_ expression: TypedExpression) -> SortKey {
        SortKey(expression, isDescending: isDescending, nullsFirst: nullsFirst)
    }
}

extension Relation {
    /// The rows that differ, of a relation with an end, in the order of their first appearance. NULLs are alike.
    static func distinctRows(of input: Relation) -> Relation {
        let columns = input.columns
        let keys = columns.enumerated().map { TypedExpression.column($0.offset, $0.element.type) }
        return .project(
            .tumblingAggregate(input, TumblingAggregate(keys: keys, window: TumblingAggregate.whole, results: [])),
            columns: columns.enumerated().map { ProjectedColumn($1.name, .column($0, $1.type)) }, rowtime: nil)
    }

    /// The rows of one relation with an end that another has too (INTERSECT) or has not (EXCEPT), each once.
    fileprivate static func combined(_ left: Relation, _ right: Relation, isIntersection: Bool) -> Relation {
        let columns = left.columns
        func marked(_ side: Relation, _ value: Int64) -> Relation {
            .project(
                side,
                columns: columns.enumerated().map { ProjectedColumn($1.name, .column($0, $1.type)) }
                    + [ProjectedColumn("SIDE$", .literal(.integer(value), .integer))], rowtime: nil)
        }
        let keys = columns.enumerated().map { TypedExpression.column($0.offset, $0.element.type) }
        let side = TypedExpression.column(columns.count, .integer)
        let grouped = Relation.tumblingAggregate(
            .unionAll([marked(left, 1), marked(right, 2)]),
            TumblingAggregate(
                keys: keys, window: TumblingAggregate.whole,
                results: [AggregateCall(.min, side, type: .integer), AggregateCall(.max, side, type: .integer)]))
        guard let equal = ScalarFunctions.named("=") else { return left }
        func holds(_ place: Int, _ value: Int64) -> TypedExpression {
            .call(equal, [.column(columns.count + 1 + place, .integer), .literal(.integer(value), .integer)], .boolean)
        }
        return .project(
            .filter(grouped, condition: .and(holds(0, 1), holds(1, isIntersection ? 2 : 1))),
            columns: columns.enumerated().map { ProjectedColumn($1.name, .column($0, $1.type)) }, rowtime: nil)
    }
}
