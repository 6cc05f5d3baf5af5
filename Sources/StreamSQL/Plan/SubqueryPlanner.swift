/// Plans subqueries of expressions: IN, EXISTS and scalar ones become columns that joins with what they read make.

/// Takes the subqueries of some expressions of one SELECT. What they read must have an end: it is known whole before the first row is looked at.
struct SubqueryPlanner {
    private let context: PlanContext
    /// What each subquery stands for, by its place.
    private(set) var results: [SourcePosition: TypedExpression] = [:]
    private var relation = Relation.values(ValuesRelation(columns: [], rows: []))
    private var scope = Scope.empty

    init(_ context: PlanContext) { self.context = context }

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
        return add(.exists, inner.relation, inner.condition)
    }

    private mutating func scalar(_ query: Syntax.Query, at position: SourcePosition) throws(SQLError) -> TypedExpression {
        let inner = try plan(query, at: position)
        let item = try onlyItem(of: inner, at: position)
        // The value comes last.
        let columns = inner.relation.columns.enumerated().map { ProjectedColumn($1.name, .column($0, $1.type)) }
        return add(
            .scalar, .project(inner.relation, columns: columns + [ProjectedColumn("VALUE$", item)], rowtime: nil), inner.condition)
    }

    /// TRUE where a row is equal; else NULL where a comparison gave NULL, which it does for a NULL on either side; else FALSE.
    private mutating func isIn(_ operand: Syntax.Expression, _ query: Syntax.Query, at position: SourcePosition) throws(SQLError)
        -> TypedExpression
    {
        var binder = binder
        let value = try binder.bind(operand)
        let inner = try plan(query, at: position)
        let item = try onlyItem(of: inner, at: position)
        func joined() -> TypedExpression { item.shifted(by: scope.columns.count) }
        let isEqual = add(
            .exists, inner.relation, .both(inner.condition, try binder.apply("=", [value, joined()], at: position)))
        let isUnknown: TypedExpression
        if inner.condition == nil {
            let hasRows = add(.exists, inner.relation, nil)
            let nulls = Relation.filter(inner.relation, condition: try binder.apply("IS NULL", [item], at: position))
            let hasNulls = add(.exists, nulls, nil)
            isUnknown = .or(.and(try binder.apply("IS NULL", [value], at: position), hasRows), hasNulls)
        } else {
            let isNull = TypedExpression.or(
                try binder.apply("IS NULL", [value], at: position), try binder.apply("IS NULL", [joined()], at: position))
            isUnknown = add(.exists, inner.relation, .both(inner.condition, isNull))
        }
        return .or(
            isEqual,
            .searchedCase(
                [CaseBranch(condition: isUnknown, result: .literal(.null, .boolean))],
                otherwise: .literal(.boolean(false), .boolean), .boolean))
    }

    /// Joins what a subquery reads and gives the column that it adds.
    /// - Parameter condition: over the columns of the scope and then those of what is read.
    private mutating func add(_ kind: LookupJoin.Kind, _ right: Relation, _ condition: TypedExpression?) -> TypedExpression {
        let place = scope.columns.count
        let (keys, rest) = condition.map { LookupJoin.split($0.joined(leftCount: place), leftCount: place) } ?? ([], nil)
        relation = .lookup(relation, right, LookupJoin(kind, keys: keys, condition: rest))
        var added = relation.columns[place]
        added.isHidden = true
        scope = scope.adding([added])
        return .column(place, added.type)
    }

    // MARK: What they read

    /// A subquery as far as it is a relation of its own.
    private struct Inner {
        var relation: Relation
        /// What it gives, over its relation.
        var items: [TypedExpression]
        /// What of its WHERE names columns of the query around it, which begin at `outerBase`; its own begin at `innerBase`.
        var condition: TypedExpression?
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
