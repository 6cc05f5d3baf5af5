/// Plans a SELECT: its source, its filter, its columns; grouping is `GroupPlanner`'s.

struct SelectPlanner {
    private let context: PlanContext
    private let select: Syntax.Select
    private let order: [Syntax.OrderTerm]
    private let use: QueryUse

    init(_ context: PlanContext, _ select: Syntax.Select, order: [Syntax.OrderTerm], use: QueryUse) {
        self.context = context
        self.select = select
        self.order = order
        self.use = use
    }

    /// An item of the select list after `*` is spelt out.
    private enum Item {
        case column(Int, SourcePosition)
        case expression(Syntax.Expression)
    }

    func plan() throws(SQLError) -> PlannedQuery {
        if select.isDistinct {
            throw SQLError("SELECT DISTINCT is not supported yet; GROUP BY can do the same", at: select.position)
        }
        if let stagger = select.stagger {
            throw SQLError(
                "WINDOWED BY STAGGER is not supported yet", at: stagger.partition.first?.position ?? select.groupPosition)
        }
        guard let from = select.from else {
            throw SQLError("SELECT without FROM is not supported; a pump reads streams", at: select.position)
        }
        var (relation, scope) = try QueryPlanner(context).source(from)
        if let filter = select.filter {
            var binder = ExpressionBinder(context, scope)
            binder.aggregateRefusal = "cannot stand in WHERE; use HAVING"
            relation = .filter(relation, condition: try binder.condition(filter, in: "WHERE"))
        }
        let items = try items(scope)
        var group = try grouping(items.map(\.item), scope)
        var columns: [(name: String, expression: TypedExpression, position: SourcePosition, isRowtime: Bool)] = []
        var hasErrors = false
        for (item, name) in items {
            do throws(SQLError) {
                let (expression, position) = try bind(item, scope, &group)
                let isRowtime = name.text == "ROWTIME" && isRowtime(expression, alias: name.isAlias)
                if isRowtime, expression.type != .timestamp {
                    throw SQLError("ROWTIME must be a TIMESTAMP, not \(expression.type)", at: position)
                }
                columns.append((name.text, expression, position, isRowtime))
            } catch {
                // The other items are looked at too: a program should show all its errors at once.
                context.report(error)
                hasErrors = true
                if context.hasEnoughErrors { break }
            }
        }
        let outputs = columns.map { (name: $0.name, expression: $0.expression) }
        let having = try havingCondition(scope, &group)
        var sortTerms: [(key: SortKey, position: SourcePosition)] = []
        for term in order {
            var expression = try OrderPlanner.output(of: term, outputs)
            if expression == nil { expression = try bind(.expression(term.expression), scope, &group).0 }
            guard let expression else { continue }
            try context.spend(expression.nodeCount, at: term.expression.position)
            sortTerms.append((SortKey(expression, isDescending: term.isDescending), term.expression.start))
        }
        if hasErrors { throw .consequence(at: select.position) }
        if let group { relation = group.relation(over: relation) }
        if let having { relation = .filter(relation, condition: having) }
        relation = try OrderPlanner.sort(relation, sortTerms, window: group?.windowColumn)
        let rowtimes = columns.filter(\.isRowtime)
        if rowtimes.count > 1 { throw SQLError("ROWTIME is set twice", at: rowtimes[1].position) }
        columns.removeAll(where: \.isRowtime)
        guard !columns.isEmpty else { throw SQLError("the query gives no column besides ROWTIME", at: select.position) }
        let rowtime = rowtimes.first.flatMap { $0.expression == .rowtime ? nil : $0.expression }
        return PlannedQuery(
            relation: .project(relation, columns: columns.map { ProjectedColumn($0.name, $0.expression) }, rowtime: rowtime),
            columns: columns.map { OutputColumn(name: $0.name, type: $0.expression.type, position: $0.position) })
    }

    /// Whether a column named ROWTIME is the row's time instead of a column of its own.
    private func isRowtime(_ expression: TypedExpression, alias: Bool) -> Bool {
        switch use {
        case .subquery: true
        // A bare ROWTIME in the list is selected for its value; `expression AS ROWTIME` sets the time.
        case .insert: alias
        case .insertNamingRowtime: false
        }
    }

    private func havingCondition(_ scope: Scope, _ group: inout GroupPlanner?) throws(SQLError) -> TypedExpression? {
        guard let having = select.having else { return nil }
        guard var planner = group else { throw SQLError("HAVING needs a GROUP BY; use WHERE", at: having.start) }
        defer { group = planner }
        return try planner.condition(having)
    }

    // MARK: Items

    private func items(_ scope: Scope) throws(SQLError) -> [(item: Item, name: (text: String, isAlias: Bool))] {
        var items: [(item: Item, name: (text: String, isAlias: Bool))] = []
        func addAll(of source: Scope.Source? = nil, at position: SourcePosition) throws(SQLError) {
            try context.spend(scope.columns.count, at: position)
            items += scope.visible(of: source).map { (.column($0, position), (scope.columns[$0].name, false)) }
        }
        for item in select.items {
            switch item {
            case .star(let position): try addAll(at: position)
            case .qualifiedStar(let name):
                try addAll(of: try scope.source(name.last), at: name.position)
            case .expression(let expression, let alias):
                if let alias {
                    items.append((.expression(expression), (alias.text, true)))
                } else if case .name(let name) = expression.kind {
                    items.append((.expression(expression), (name.last.text, false)))
                } else {
                    items.append((.expression(expression), ("EXPR$\(items.count)", false)))
                }
            }
        }
        return items
    }

    private func bind(_ item: Item, _ scope: Scope, _ group: inout GroupPlanner?) throws(SQLError) -> (
        TypedExpression, SourcePosition
    ) {
        switch item {
        case .column(let index, let position):
            let column = TypedExpression.column(index, scope.columns[index].type)
            if let group { return (try group.output(column, at: position), position) }
            return (column, position)
        case .expression(let expression):
            if var planner = group {
                defer { group = planner }
                return (try planner.bind(expression), expression.start)
            }
            var binder = ExpressionBinder(context, scope)
            return (try binder.bind(expression), expression.start)
        }
    }

    /// The grouping, if the query has one.
    private func grouping(_ items: [Item], _ scope: Scope) throws(SQLError) -> GroupPlanner? {
        if let terms = select.groupBy {
            return try GroupPlanner(context, scope, terms: terms, at: select.groupPosition)
        }
        for case .expression(let expression) in items {
            guard let aggregate = expression.firstAggregate(context) else { continue }
            throw SQLError(
                "\(Identifiers.written(aggregate.name.text)) needs a GROUP BY with a term that grows with time, such as \(GroupPlanner.example(scope))",
                at: aggregate.name.position)
        }
        return nil
    }
}

extension Syntax.Expression {
    /// The first call of an aggregate function in the expression.
    fileprivate func firstAggregate(_ context: PlanContext) -> Syntax.Call? {
        if case .call(let call) = kind, call.window == nil, context.functions[call.name.text] == nil,
            AggregateFunctions.named(call.name.text) != nil
        {
            return call
        }
        for child in kind.children { if let found = child.firstAggregate(context) { return found } }
        return nil
    }
}
