/// Plans subqueries of expressions: IN, EXISTS and scalar ones become columns that joins with what they read make.

/// Takes the subqueries of some expressions of one SELECT. What they read must have an end: it is known whole before the first row is looked at.
struct SubqueryPlanner {
    private let context: PlanContext
    /// What each subquery stands for, by its place.
    private(set) var results: [SourcePosition: TypedExpression] = [:]
    private var relation = Relation.values(ValuesRelation(columns: [], rows: []))
    private var scope = Scope.empty

    /// The grouping of the query, whose groups the subqueries stand beside; nil for rows.
    private var group: GroupPlanner?
    /// What joins with the groups, whose columns are not all known yet.
    private var pending: [(kind: LookupJoin.Kind, right: Relation, condition: TypedExpression?)] = []
    /// Until then, columns of what is read begin at the first, and the columns that joins add at the second.
    private static let rightBase = 1 << 22
    static let addedBase = 1 << 23
    /// Where columns of the groups lie in what subqueries stand for, so that they are not taken for those of the rows.
    static let groupBase = 1 << 24

    init(_ context: PlanContext) { self.context = context }

    /// Notes a column for each subquery of the expressions over groups; `joined` makes them.
    /// - Parameter scope: of the rows that are grouped.
    mutating func take(_ expressions: [Syntax.Expression], of group: inout GroupPlanner, _ scope: Scope) throws(SQLError) {
        (self.group, self.scope) = (group, scope)
        for expression in expressions { try take(expression) }
        if let taken = self.group { group = taken }
        self.group = nil
        group.subqueries = results
    }

    /// The groups with the columns of the subqueries.
    func joined(_ groups: Relation) -> Relation {
        var relation = groups
        let groupCount = groups.columns.count
        for (kind, right, condition) in pending {
            let leftCount = relation.columns.count
            let placed = condition?.mapColumns { index in
                index >= Self.addedBase
                    ? groupCount + index - Self.addedBase : index >= Self.rightBase ? leftCount + index - Self.rightBase : index
            }
            let (keys, rest) = placed.map { LookupJoin.split($0, leftCount: leftCount) } ?? ([], nil)
            relation = .lookup(relation, right, LookupJoin(kind, keys: keys, condition: rest))
        }
        return relation
    }

    /// An expression over the groups and what the subqueries stand for, as one over `joined`.
    static func placed(_ expression: TypedExpression, groupCount: Int) -> TypedExpression {
        expression.mapColumns { $0 >= addedBase ? groupCount + $0 - addedBase : $0 }
    }

    /// Adds a column for each subquery of the expressions behind those of a relation.
    mutating func take(_ expressions: [Syntax.Expression], over relation: Relation, _ scope: Scope) throws(SQLError) -> (
        Relation, Scope
    ) {
        (self.relation, self.scope) = (relation, scope)
        for expression in expressions { try take(expression) }
        return (self.relation, self.scope)
    }

    private mutating func take(_ expression: Syntax.Expression) throws(SQLError) {
        for child in expression.kind.children { try take(child) }
        let position = expression.position
        switch expression.kind {
        case .exists(let query): results[position] = try exists(query, at: position)
        case .subquery(let query): results[position] = try scalar(query, at: position)
        case .inQuery(let operand, let query, let isNegated):
            let isIn = try isIn(operand, query, at: position)
            results[position] = isNegated ? try binder.apply("NOT", [isIn], at: position) : isIn
        default: break
        }
    }

    private var binder: ExpressionBinder {
        var binder = ExpressionBinder(context, scope)
        binder.subqueries = results
        return binder
    }

    // MARK: What they become

    private mutating func exists(_ query: Syntax.Query, at position: SourcePosition) throws(SQLError) -> TypedExpression {
        let inner = try plan(query, at: position)
        // Aggregates without GROUP BY give a row, whatever there is.
        if inner.isAggregated { return .literal(.boolean(true), .boolean) }
        return try add(.exists, inner.relation, inner.condition)
    }

    private mutating func scalar(_ query: Syntax.Query, at position: SourcePosition) throws(SQLError) -> TypedExpression {
        let inner = try plan(query, at: position)
        let item = try onlyItem(of: inner, at: position)
        // The value comes last.
        let columns = inner.relation.columns.enumerated().map { ProjectedColumn($1.name, .column($0, $1.type)) }
        let value = try add(
            .scalar, .project(inner.relation, columns: columns + [ProjectedColumn("VALUE$", item)], rowtime: nil), inner.condition)
        guard let nothing = inner.valueOfNothing else { return value }
        let isThere = try add(.exists, inner.relation, inner.condition)
        return .searchedCase([CaseBranch(condition: isThere, result: value)], otherwise: nothing, value.type)
    }

    /// TRUE where a row is equal; else NULL where a comparison gave NULL, which it does for a NULL on either side; else FALSE.
    private mutating func isIn(_ operand: Syntax.Expression, _ query: Syntax.Query, at position: SourcePosition) throws(SQLError)
        -> TypedExpression
    {
        let value = try bind(operand)
        let inner = try plan(query, at: position)
        let item = try onlyItem(of: inner, at: position)
        if inner.isAggregated { return try binder.apply("=", [value, try scalar(query, at: position)], at: position) }
        let isGrouped = group != nil
        func joined() -> TypedExpression { item.shifted(by: isGrouped ? Self.rightBase : scope.columns.count) }
        let isEqual = try add(
            .exists, inner.relation, .both(inner.condition, try binder.apply("=", [value, joined()], at: position)))
        let isUnknown: TypedExpression
        if inner.condition == nil {
            let hasRows = try add(.exists, inner.relation, nil)
            let nulls = Relation.filter(inner.relation, condition: try binder.apply("IS NULL", [item], at: position))
            let hasNulls = try add(.exists, nulls, nil)
            isUnknown = .or(.and(try binder.apply("IS NULL", [value], at: position), hasRows), hasNulls)
        } else {
            let isNull = TypedExpression.or(
                try binder.apply("IS NULL", [value], at: position), try binder.apply("IS NULL", [joined()], at: position))
            isUnknown = try add(.exists, inner.relation, .both(inner.condition, isNull))
        }
        return .or(
            isEqual,
            .searchedCase(
                [CaseBranch(condition: isUnknown, result: .literal(.null, .boolean))],
                otherwise: .literal(.boolean(false), .boolean), .boolean))
    }

    /// Joins what a subquery reads and gives the column that it adds.
    /// - Parameter condition: over the columns of the scope and then those of what is read.
    private mutating func add(_ kind: LookupJoin.Kind, _ right: Relation, _ condition: TypedExpression?) throws(SQLError)
        -> TypedExpression
    {
        if let group {
            let overGroups = try condition?.overGroups(rightBase: Self.rightBase) { column throws(SQLError) in
                try group.output(column, at: .start)
            }
            pending.append((kind, right, overGroups))
            return .column(
                Self.addedBase + pending.count - 1, kind == .exists ? .boolean : right.columns.last?.type ?? .null)
        }
        let place = scope.columns.count
        let (keys, rest) = condition.map { LookupJoin.split($0.joined(leftCount: place), leftCount: place) } ?? ([], nil)
        relation = .lookup(relation, right, LookupJoin(kind, keys: keys, condition: rest))
        var added = relation.columns[place]
        added.isHidden = true
        scope = scope.adding([added])
        return .column(place, added.type)
    }

    /// An expression beside a subquery: over the rows, or over their groups.
    private mutating func bind(_ expression: Syntax.Expression) throws(SQLError) -> TypedExpression {
        guard group != nil else {
            var binder = binder
            return try binder.bind(expression)
        }
        group?.subqueries = results
        let bound = try group?.bind(expression) ?? .literal(.null, .null)
        return bound.mapColumns { $0 >= Self.addedBase ? $0 : Self.groupBase + $0 }
    }

    // MARK: What they read

    /// A subquery as far as it is a relation of its own.
    private struct Inner {
        var relation: Relation
        /// What it gives, over its relation.
        var items: [TypedExpression]
        /// What of its WHERE names columns of the query around it, which begin at `outerBase`; its own begin at `innerBase`.
        var condition: TypedExpression?
        /// Whether it gives aggregates of what its condition lets through: a row, whatever there is.
        var isAggregated = false
        /// What it gives where there is nothing, unless that is NULL.
        var valueOfNothing: TypedExpression?
    }

    private func onlyItem(of inner: Inner, at position: SourcePosition) throws(SQLError) -> TypedExpression {
        if inner.items.count == 1 { return inner.items[0] }
        throw SQLError("this subquery must give one column, not \(inner.items.count)", at: position)
    }

    private func plan(_ query: Syntax.Query, at position: SourcePosition) throws(SQLError) -> Inner {
        let inner: Inner
        do throws(SQLError) {
            let planned = try context.attempt { () throws(SQLError) in try QueryPlanner(context).plan(query, for: .subquery) }
            inner = Inner(
                relation: planned.relation,
                items: planned.columns.enumerated().map { .column($0.offset, $0.element.type) }, condition: nil)
        } catch {
            // A column that it does not have may be one of the query around it.
            guard let correlated = try? context.attempt({ () throws(SQLError) in try correlated(query) }) else { throw error }
            inner = correlated
        }
        guard context.isBounded(inner.relation) else {
            throw SQLError(
                "a subquery of an expression cannot read a stream, which has no end: only reference tables and VALUES; join streams instead",
                at: position)
        }
        return inner
    }

    /// A SELECT whose WHERE names columns of the query around it.
    private func correlated(_ query: Syntax.Query) throws(SQLError) -> Inner {
        guard case .select(let select) = query.body, query.with.isEmpty, query.limit == nil, select.groupBy == nil,
            select.having == nil, select.stagger == nil, let from = select.from, let filter = select.filter
        else { throw .consequence(at: query.position) }
        var (relation, inner) = try QueryPlanner(context).source(from)
        var binder = ExpressionBinder(context, inner)
        binder.outer = scope
        var condition: TypedExpression?
        for part in filter.conjuncts {
            let bound = try binder.condition(part, in: "WHERE")
            if bound.columnsRead.contains(where: { $0 >= ExpressionBinder.outerBase - 1 }) {
                guard !bound.readsRowtime else { throw .consequence(at: part.position) }
                condition = .both(condition, bound)
            } else {
                relation = .filter(relation, condition: bound)
            }
        }
        if select.items.contains(where: { $0.hasAggregate(context) }) {
            guard let condition else { throw .consequence(at: query.position) }
            return try aggregated(select, relation, inner, by: condition)
        }
        var items: [TypedExpression] = []
        for item in select.items {
            switch item {
            case .star: items += inner.visible().map { .column($0, inner.columns[$0].type) }
            case .qualifiedStar: throw .consequence(at: query.position)
            case .expression(let expression, _):
                var own = ExpressionBinder(context, inner)
                items.append(try own.bind(expression))
            }
        }
        return Inner(relation: relation, items: items, condition: condition?.innerShifted)
    }

    /// Aggregates of the rows that are equal in some terms to the row around the query: groups by these terms.
    private func aggregated(_ select: Syntax.Select, _ input: Relation, _ inner: Scope, by condition: TypedExpression)
        throws(SQLError)
        -> Inner
    {
        guard case .expression(let written, _)? = select.items.first, select.items.count == 1 else {
            throw .consequence(at: select.position)
        }
        let equalities = condition.conjuncts.compactMap { $0.correlation }
        guard equalities.count == condition.conjuncts.count else {
            throw SQLError(
                "aggregates of a subquery that names columns of the query around it need its WHERE to compare them with = and AND",
                at: written.start)
        }
        var binder = ExpressionBinder(context, inner)
        binder.collectsAggregates = true
        let bound = try binder.bind(written)
        let (count, first) = (inner.columns.count, equalities.count + 1)
        guard bound.columnsRead.allSatisfy({ $0 >= count }), !bound.readsRowtime else { throw .consequence(at: written.position) }
        let relation = Relation.tumblingAggregate(
            input,
            TumblingAggregate(keys: equalities.map(\.inner), window: TumblingAggregate.whole, results: binder.aggregates))
        var equal: TypedExpression?
        for (place, equality) in equalities.enumerated() {
            let key = TypedExpression.column(place, equality.inner.type)
            equal = .both(equal, try binder.apply("=", [key, equality.outer], at: written.position))
        }
        let nothing = bound.replacingColumns { index, type in
            binder.aggregates[index - count].function.name == "COUNT" ? .literal(.integer(0), type) : .literal(.null, type)
        }
        return Inner(
            relation: relation, items: [bound.mapColumns { $0 - count + first }], condition: equal?.innerShifted,
            isAggregated: true,
            valueOfNothing: binder.aggregates.contains { $0.function.name == "COUNT" } ? nothing : nil)
    }
}

extension Syntax.SelectItem {
    fileprivate func hasAggregate(_ context: PlanContext) -> Bool {
        if case .expression(let expression, _) = self { expression.firstAggregate(context) != nil } else { false }
    }
}

extension TypedExpression {
    /// Where the columns of a subquery lie in a condition, until it is known how many the query around it has.
    private static let innerBase = 1 << 21

    /// Own columns moved to `innerBase`.
    fileprivate var innerShifted: TypedExpression {
        if case .column(let index, let type) = self, index < ExpressionBinder.outerBase - 1 {
            return .column(Self.innerBase + index, type)
        }
        return (try? mapParts { part throws(SQLError) in part.innerShifted }) ?? self
    }

    /// The condition over groups, and columns of what is read that begin at `rightBase`.
    fileprivate func overGroups(
        rightBase: Int, _ output: (TypedExpression) throws(SQLError) -> TypedExpression
    ) throws(SQLError) -> TypedExpression {
        if case .column(let index, let type) = self {
            // In place already: what was bound over groups, and items of what is read.
            if index >= SubqueryPlanner.groupBase { return .column(index - SubqueryPlanner.groupBase, type) }
            if index >= rightBase { return self }
            if index >= Self.innerBase { return .column(rightBase + index - Self.innerBase, type) }
            if index >= ExpressionBinder.outerBase { return try output(.column(index - ExpressionBinder.outerBase, type)) }
            return self
        }
        return try mapParts { part throws(SQLError) in try part.overGroups(rightBase: rightBase, output) }
    }

    /// The parts of a chain of AND.
    fileprivate var conjuncts: [TypedExpression] { if case .and(let a, let b) = self { a.conjuncts + b.conjuncts } else { [self] } }

    /// The sides of an equality between the rows of a subquery and the row around it.
    fileprivate var correlation: (inner: TypedExpression, outer: TypedExpression)? {
        guard case .call(let function, let arguments, _) = self, function.name == "=", arguments.count == 2 else { return nil }
        func isInner(_ expression: TypedExpression) -> Bool {
            expression.columnsRead.allSatisfy { $0 < ExpressionBinder.outerBase - 1 }
        }
        func isOuter(_ expression: TypedExpression) -> Bool {
            expression.columnsRead.allSatisfy { $0 >= ExpressionBinder.outerBase - 1 }
        }
        if isInner(arguments[0]), isOuter(arguments[1]) { return (arguments[0], arguments[1]) }
        return isInner(arguments[1]) && isOuter(arguments[0]) ? (arguments[1], arguments[0]) : nil
    }

    /// The expression with something else for each column.
    fileprivate func replacingColumns(_ change: (Int, SQLType) -> TypedExpression) -> TypedExpression {
        if case .column(let index, let type) = self { return change(index, type) }
        return (try? mapParts { part throws(SQLError) in part.replacingColumns(change) }) ?? self
    }

    /// The condition over joined columns.
    fileprivate func joined(leftCount: Int) -> TypedExpression {
        if case .column(let index, let type) = self {
            if index >= Self.innerBase { return .column(leftCount + index - Self.innerBase, type) }
            if index == ExpressionBinder.outerBase - 1 { return .rowtime }
            if index >= ExpressionBinder.outerBase { return .column(index - ExpressionBinder.outerBase, type) }
            return self
        }
        return (try? mapParts { part throws(SQLError) in part.joined(leftCount: leftCount) }) ?? self
    }
}

extension Syntax.Expression {
    /// The parts of a chain of AND; itself where it is none.
    var conjuncts: [Syntax.Expression] { if case .and(let parts) = kind { parts.flatMap(\.conjuncts) } else { [self] } }
}
