/// Plans a SELECT: its source, its filter, its columns; grouping is `GroupPlanner`'s.

struct SelectPlanner {
    private let context: PlanContext
    private let select: Syntax.Select
    private let order: [Syntax.OrderTerm]
    private let limit: Syntax.Limit?
    private let use: QueryUse

    init(_ context: PlanContext, _ select: Syntax.Select, order: [Syntax.OrderTerm], limit: Syntax.Limit?, use: QueryUse) {
        self.context = context
        self.select = select
        self.order = order
        self.limit = limit
        self.use = use
    }

    /// An item of the select list after `*` is spelt out.
    fileprivate enum Item {
        case column(Int, SourcePosition)
        case expression(Syntax.Expression)
    }

    /// An item with the name that it gives its column.
    private struct NamedItem {
        var item: Item
        var name: String
        var isAlias = false
        /// The record that it is a field of.
        var record: String?
    }

    /// A column of the select list.
    private struct ListColumn {
        var name: String
        var expression: TypedExpression
        var position: SourcePosition
        var isRowtime = false
        var record: String?
    }

    func plan() throws(SQLError) -> PlannedQuery {
        var (relation, scope) = try source()
        let isBounded = context.isBounded(relation)
        if !isBounded { try OrderPlanner.refuse(limit) }
        var subqueries = SubqueryPlanner(context)
        if let filter = select.filter {
            (relation, scope) = try subqueries.take([filter], over: relation, scope)
            var binder = ExpressionBinder(context, scope)
            binder.aggregateRefusal = "cannot stand in WHERE; use HAVING"
            binder.subqueries = subqueries.results
            relation = relation.filtered(by: try binder.condition(filter, in: "WHERE"))
        }
        if !isBounded { (relation, scope) = try timedByGroups(relation, scope) }
        let named = try items(scope)
        var group = try grouping(named, scope, isBounded: isBounded)
        let written = named.compactMap(\.item.expression) + order.map(\.expression)
        var groupSubqueries = SubqueryPlanner(context)
        if var planner = group {
            try groupSubqueries.take(written + [select.having].compactMap(\.self), of: &planner, scope)
            group = planner
        } else {
            (relation, scope) = try subqueries.take(written, over: relation, scope)
        }
        var parses = LogParsePlanner(context, scope)
        let items = try parses.take(named.map { ($0.item.expression, $0.name) })
        if let first = parses.positions.first, group != nil || select.isDistinct {
            throw SQLError("a record cannot be grouped; read its fields in a query around it", at: first)
        }
        let sliding = try SlidingPlanner(context, scope.adding(parses.columns), named: select.windows)
        var columns: [ListColumn] = []
        var hasErrors = false
        for (item, fields) in zip(named, items) {
            if let fields {
                columns += fields.map {
                    ListColumn(name: $0.name, expression: $0.expression, position: $0.position, record: item.name)
                }
                continue
            }
            do throws(SQLError) {
                let (expression, position) = try bind(item.item, scope, &group, sliding, subqueries.results)
                let isRowtime = item.name == "ROWTIME" && isRowtime(expression, alias: item.isAlias)
                if isRowtime, expression.type != .timestamp {
                    throw SQLError("ROWTIME must be a TIMESTAMP, not \(expression.type)", at: position)
                }
                columns.append(
                    ListColumn(
                        name: item.name, expression: expression, position: position, isRowtime: isRowtime, record: item.record))
            } catch {
                // The other items are looked at too: a program should show all its errors at once.
                context.report(error)
                hasErrors = true
                if context.hasEnoughErrors { break }
            }
        }
        var having = try havingCondition(scope, &group)
        var sortTerms = try sortTerms(columns, scope, &group, sliding, subqueries.results)
        if hasErrors { throw .consequence(at: select.position) }
        relation = parses.relation(over: relation)
        if let group { relation = group.relation(over: relation) }
        if let fill = select.fill { relation = try FillPlanner.plan(fill, over: relation) }
        if group != nil {
            let groupCount = relation.columns.count
            relation = groupSubqueries.joined(relation)
            func placed(_ expression: TypedExpression) -> TypedExpression {
                SubqueryPlanner.placed(expression, groupCount: groupCount)
            }
            having = having.map(placed)
            for index in columns.indices { columns[index].expression = placed(columns[index].expression) }
            for index in sortTerms.indices { sortTerms[index].key.expression = placed(sortTerms[index].key.expression) }
        }
        if let having { relation = .filter(relation, condition: having) }
        relation = sliding.relation(over: relation)
        let windowColumn = group?.windowColumn
        if isBounded {
            relation = OrderPlanner.select(relation, sortTerms.map(\.key), select.isDistinct ? nil : limit)
            var planned = try projected(columns, relation, windowColumn: nil, isBounded: true)
            if select.isDistinct { planned.relation = OrderPlanner.select(planned.relation, [], limit) }
            return planned
        }
        let eventTime = try eventTime(columns, scope, &group, sliding)
        if let eventTime { relation = .eventTime(relation, eventTime) }
        relation = try OrderPlanner.sort(relation, sortTerms, window: windowColumn)
        for index in columns.indices where columns[index].isRowtime && columns[index].expression == eventTime?.time {
            // It is the rows' ROWTIME by now.
            columns[index].expression = .rowtime
        }
        return try projected(columns, relation, windowColumn: windowColumn, isBounded: false)
    }

    /// ORDER BY a time WITHIN an interval.
    private func eventTime(
        _ columns: [ListColumn], _ scope: Scope, _ group: inout GroupPlanner?, _ sliding: SlidingPlanner
    ) throws(SQLError) -> EventTime? {
        guard let term = order.first(where: { $0.within != nil }), let within = term.within else { return nil }
        guard order.count == 1, group == nil else {
            throw SQLError(
                "ORDER BY ... WITHIN is the only term, and its query has no GROUP BY; group in a query around it", at: within.start)
        }
        guard case .literal(.integer(let lateness), .interval(let qualifier)) = within.kind, !qualifier.countsMonths, lateness >= 0
        else { throw SQLError("WITHIN takes an interval of days or smaller units, such as INTERVAL '5' SECOND", at: within.start) }
        var time = try OrderPlanner.output(of: term, columns.map { (name: $0.name, expression: $0.expression) })
        if time == nil { time = try bind(.expression(term.expression), scope, &group, sliding, [:]).0 }
        guard let time, time.type == .timestamp else {
            throw SQLError("ORDER BY ... WITHIN takes a TIMESTAMP", at: term.expression.start)
        }
        return EventTime(time: time, lateness: lateness)
    }

    /// Groups of a join by the ROWTIME of one of its sides: the rows get that time, for which they wait as long as the side's window is.
    private func timedByGroups(_ relation: Relation, _ scope: Scope) throws(SQLError) -> (Relation, Scope) {
        guard let terms = select.groupBy, scope.sources.count > 1 else { return (relation, scope) }
        for term in terms {
            var binder = ExpressionBinder(context, scope)
            // What is wrong with it is said later.
            guard let bound = try? binder.bind(term) else { continue }
            for source in scope.sources {
                guard case .column(let column, _)? = source.rowtime, let lag = source.lag, bound.columnsRead == [column],
                    case .growing = bound.readingRowtime(for: column).trend
                else { continue }
                let event = EventTime(time: .column(column, .timestamp), lateness: lag)
                return (lag == 0 ? relation : .eventTime(relation, event), scope.timed(by: column))
            }
        }
        return (relation, scope)
    }

    private func source() throws(SQLError) -> (Relation, Scope) {
        if let from = select.from { return try QueryPlanner(context).source(from) }
        guard context.streamsEnd || use == .subquery else {
            throw SQLError("SELECT without FROM is not supported; a pump reads streams", at: select.position)
        }
        return (.values(ValuesRelation(columns: [], rows: [[]])), Scope(name: nil, columns: [], isTimed: false))
    }

    private func sortTerms(
        _ columns: [ListColumn], _ scope: Scope, _ group: inout GroupPlanner?, _ sliding: SlidingPlanner,
        _ subqueries: [SourcePosition: TypedExpression]
    ) throws(SQLError) -> [(key: SortKey, position: SourcePosition)] {
        let outputs = columns.map { (name: $0.name, expression: $0.expression) }
        var terms: [(key: SortKey, position: SourcePosition)] = []
        for term in order where term.within == nil || context.streamsEnd {
            var expression = try OrderPlanner.output(of: term, outputs)
            if expression == nil { expression = try bind(.expression(term.expression), scope, &group, sliding, subqueries).0 }
            guard let expression else { continue }
            try context.spend(expression.nodeCount, at: term.expression.position)
            terms.append((term.key(expression), term.expression.start))
        }
        return terms
    }

    /// The select list over its relation.
    private func projected(
        _ all: [ListColumn], _ relation: Relation, windowColumn: Int?, isBounded: Bool
    ) throws(SQLError) -> PlannedQuery {
        let rowtimes = all.filter(\.isRowtime)
        if rowtimes.count > 1 { throw SQLError("ROWTIME is set twice", at: rowtimes[1].position) }
        let columns = all.filter { !$0.isRowtime }
        guard !columns.isEmpty else { throw SQLError("the query gives no column besides ROWTIME", at: select.position) }
        let rowtime = rowtimes.first.flatMap { $0.expression == .rowtime ? nil : $0.expression }
        var relation = Relation.project(
            relation, columns: columns.map { ProjectedColumn($0.name, $0.expression) }, rowtime: rowtime)
        if select.isDistinct {
            if rowtime != nil {
                throw SQLError("SELECT DISTINCT cannot set ROWTIME; do that in a query around it", at: rowtimes[0].position)
            }
            relation =
                isBounded
                ? .distinctRows(of: relation) : .distinct(relation, try distinct(all, columns, windowColumn: windowColumn))
        }
        return PlannedQuery(
            relation: relation,
            columns: columns.map {
                OutputColumn(name: $0.name, type: $0.expression.type, position: $0.position, record: $0.record)
            })
    }

    /// Duplicates are looked for while the first item that grows with time stays the same; ROWTIME itself tells no rows apart (SQL Reference, "SELECT ALL
    /// and SELECT DISTINCT").
    private func distinct(_ all: [ListColumn], _ columns: [ListColumn], windowColumn: Int?) throws(SQLError) -> TimedDistinct {
        func grows(_ expression: TypedExpression) -> TypedExpression? {
            // A window changes exactly when the ROWTIME of its groups does.
            if let windowColumn, case .column(windowColumn, _) = expression { return .rowtime }
            return expression.trend == .growing ? expression : nil
        }
        let growing = all.compactMap { grows($0.expression) }
        guard let window = growing.first(where: { $0 != .rowtime }) ?? growing.first else {
            throw SQLError(
                "SELECT DISTINCT on a stream needs an item that grows with time, such as FLOOR(ROWTIME TO MINUTE)",
                at: select.position)
        }
        return TimedDistinct(window: window, columns: columns.indices.filter { columns[$0].expression != .rowtime })
    }

    /// Whether a column named ROWTIME is the row's time instead of a column of its own.
    private func isRowtime(_ expression: TypedExpression, alias: Bool) -> Bool {
        switch use {
        case .subquery, .materialized: true
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

    private func items(_ scope: Scope) throws(SQLError) -> [NamedItem] {
        var items: [NamedItem] = []
        func add(_ columns: [Int], at position: SourcePosition) throws(SQLError) {
            try context.spend(scope.columns.count, at: position)
            items += columns.map {
                NamedItem(item: .column($0, position), name: scope.columns[$0].name, record: scope.columns[$0].record)
            }
        }
        for item in select.items {
            switch item {
            case .star(let position): try add(scope.visible(), at: position)
            case .qualifiedStar(let name):
                if let fields = scope.fields(of: name.last, name.qualifiers[...]) {
                    try add(fields, at: name.position)
                } else {
                    try add(scope.visible(of: try scope.source(name.last)), at: name.position)
                }
            case .expression(let expression, let alias):
                if case .name(let name) = expression.kind, let fields = scope.fields(of: name.last, name.qualifiers[...]) {
                    // A whole record.
                    let first = items.count
                    try add(fields, at: name.position)
                    for index in first..<items.count { items[index].record = alias?.text ?? name.last.text }
                } else if let alias {
                    items.append(NamedItem(item: .expression(expression), name: alias.text, isAlias: true))
                } else if case .name(let name) = expression.kind {
                    items.append(NamedItem(item: .expression(expression), name: storedName(name, scope)))
                } else {
                    items.append(NamedItem(item: .expression(expression), name: "EXPR$\(items.count)"))
                }
            }
        }
        return items
    }

    /// A column's name as it is stored, where a name without quotes may mean one in another case.
    private func storedName(_ name: Syntax.QualifiedName, _ scope: Scope) -> String {
        guard context.ignoresCase else { return name.last.text }
        let source = name.qualifiers.last.flatMap { try? scope.source($0) }
        return (try? scope.column(name.last, of: source)).map { scope.columns[$0].name } ?? name.last.text
    }

    private func bind(
        _ item: Item, _ scope: Scope, _ group: inout GroupPlanner?, _ sliding: SlidingPlanner,
        _ subqueries: [SourcePosition: TypedExpression]
    ) throws(SQLError) -> (TypedExpression, SourcePosition) {
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
            binder.sliding = sliding
            binder.subqueries = subqueries
            return (try binder.bind(expression), expression.start)
        }
    }

    /// The grouping, if the query has one.
    private func grouping(_ named: [NamedItem], _ scope: Scope, isBounded: Bool) throws(SQLError) -> GroupPlanner? {
        let items = named.map(\.item)
        if isBounded, select.stagger == nil {
            let written = items.compactMap(\.expression) + [select.having].compactMap(\.self) + order.map(\.expression)
            guard select.groupBy != nil || select.having != nil || written.contains(where: { $0.firstAggregate(context) != nil })
            else { return nil }
            return try GroupPlanner(context, scope, wholeTerms: try groupTerms(named, scope))
        }
        if use == .materialized {
            if let stagger = select.stagger {
                throw SQLError("a materialized view has GROUP BY and no windows", at: stagger.range.start)
            }
            return try GroupPlanner(context, scope, runningTerms: select.groupBy ?? [])
        }
        if let terms = select.groupBy {
            return try GroupPlanner(context, scope, terms: terms, at: select.groupPosition)
        }
        if let stagger = select.stagger { return try GroupPlanner(context, scope, stagger: stagger) }
        for case .expression(let expression) in items {
            guard let aggregate = expression.firstAggregate(context) else { continue }
            throw SQLError(
                "\(Identifiers.written(aggregate.name.text)) needs a GROUP BY with a term that grows with time, such as \(GroupPlanner.example(scope))",
                at: aggregate.name.position)
        }
        return nil
    }
}

extension SelectPlanner {
    private func groupTerms(_ named: [NamedItem], _ scope: Scope) throws(SQLError) -> [Syntax.Expression] {
        var terms: [Syntax.Expression] = []
        for term in select.groupBy ?? [] { terms.append(try groupTerm(term, named, scope)) }
        return terms
    }

    /// A term of GROUP BY over rows with an end: an item of the select list may be named by its place or its name.
    private func groupTerm(_ term: Syntax.Expression, _ named: [NamedItem], _ scope: Scope) throws(SQLError) -> Syntax.Expression {
        switch term.kind {
        case .literal(.integer(let ordinal), let type) where type.isInteger:
            guard let place = Int(exactly: ordinal), named.indices.contains(place - 1), let item = named[place - 1].item.expression
            else { throw SQLError("GROUP BY \(ordinal): the query has no such item", at: term.start) }
            return item
        case .name(let name) where name.qualifiers.isEmpty && (try? scope.column(name.last)) == nil:
            let items = named.filter { $0.isAlias && $0.name == name.last.text }
            if let item = items.first?.item.expression, items.count == 1 { return item }
            return term
        default: return term
        }
    }
}

extension SelectPlanner.Item {
    fileprivate var expression: Syntax.Expression? { if case .expression(let expression) = self { expression } else { nil } }
}

extension TypedExpression {
    /// The expression with the row's own time for a column.
    fileprivate func readingRowtime(for column: Int) -> TypedExpression {
        if case .column(column, _) = self { return .rowtime }
        return (try? mapParts { part throws(SQLError) in part.readingRowtime(for: column) }) ?? self
    }
}

extension Syntax.Expression {
    /// The first call of an aggregate function in the expression.
    func firstAggregate(_ context: PlanContext) -> Syntax.Call? {
        if case .call(let call) = kind, call.window == nil, context.functions[call.name.text] == nil,
            AggregateFunctions.named(call.name.text) != nil
        {
            return call
        }
        for child in kind.children { if let found = child.firstAggregate(context) { return found } }
        return nil
    }
}
