/// Plans joins in FROM: of two streams, each side within its window, or with what has an end.

struct JoinPlanner {
    private let context: PlanContext
    init(_ context: PlanContext) { self.context = context }

    /// A join; conditions of ON with subqueries are looked at behind it.
    func plan(
        _ kind: Syntax.JoinKind, _ left: Syntax.TableReference, _ right: Syntax.TableReference, _ condition: Syntax.JoinCondition,
        at position: SourcePosition
    ) throws(SQLError) -> (Relation, Scope) {
        guard case .on(let expression) = condition, let first = expression.conjuncts.first(where: \.hasSubquery) else {
            return try planned(kind, left, right, condition, at: position)
        }
        guard kind == .inner else {
            throw SQLError(
                "a subquery stands in ON of an inner join only; put it into WHERE of a query around a side of this one",
                at: first.start)
        }
        let own = expression.conjuncts.filter { !$0.hasSubquery }
        let rest: Syntax.JoinCondition = own.isEmpty ? .none : .on(Syntax.Expression(.and(own), at: expression.position))
        var (relation, scope) = try planned(own.isEmpty ? .cross : kind, left, right, rest, at: position)
        let later = expression.conjuncts.filter(\.hasSubquery)
        var subqueries = SubqueryPlanner(context)
        (relation, scope) = try subqueries.take(later, over: relation, scope)
        for part in later {
            var binder = ExpressionBinder(context, scope)
            binder.aggregateRefusal = "cannot stand in ON"
            binder.subqueries = subqueries.results
            relation = .filter(relation, condition: try binder.condition(part, in: "ON"))
        }
        return (relation, scope)
    }

    private func planned(
        _ kind: Syntax.JoinKind, _ left: Syntax.TableReference, _ right: Syntax.TableReference, _ condition: Syntax.JoinCondition,
        at position: SourcePosition
    ) throws(SQLError) -> (Relation, Scope) {
        try context.enter(at: position)
        defer { context.leave() }
        let sides = (left: try side(left), right: try side(right))
        let areBounded = (left: context.isBounded(sides.left.relation), right: context.isBounded(sides.right.relation))
        if areBounded.left || areBounded.right {
            if let window = left.window ?? right.window {
                throw SQLError("a window is for a join of two streams; a table has none", at: window.position)
            }
            return try TableJoinPlanner(self, kind, condition, position).plan(sides.left, sides.right, areBounded)
        }
        guard left.window != nil || right.window != nil else {
            throw SQLError(
                "a join of two streams needs a window on at least one side: FROM a OVER (RANGE INTERVAL '1' MINUTE PRECEDING) JOIN b",
                at: position)
        }
        var scope = Scope(joining: sides.left.scope, sides.right.scope)
        let bound = try bind(condition, kind, sides.left.scope, sides.right.scope, &scope, at: position)
        let windows = (left: try frame(left.window), right: try frame(right.window))
        // A row of a side lies at most its window before the pair's later row. That of an unmatched row of the other side has no time.
        func lag(_ window: SlidingFrame?, _ isOtherPreserved: Bool, _ side: Scope) -> Int64? {
            guard !isOtherPreserved, side.sources.count == 1 else { return nil }
            return switch window {
            case nil: 0
            case .range(let length)?: length
            default: nil
            }
        }
        scope.setLag(lag(windows.left, kind == .right || kind == .full, sides.left.scope), ofSourcesFrom: 0)
        scope.setLag(
            lag(windows.right, kind == .left || kind == .full, sides.right.scope), ofSourcesFrom: sides.left.scope.sources.count)
        let join = WindowJoin(
            left: JoinSide(window: windows.left, isPreserved: kind == .left || kind == .full),
            right: JoinSide(window: windows.right, isPreserved: kind == .right || kind == .full),
            keys: bound.map { keys(of: $0, sides.left.scope.columns.count, sides.right.scope.columns.count) } ?? [],
            condition: bound)
        return (.join(sides.left.relation, sides.right.relation, join), scope)
    }

    /// The condition over the joined columns.
    func bind(
        _ condition: Syntax.JoinCondition, _ kind: Syntax.JoinKind, _ left: Scope, _ right: Scope, _ scope: inout Scope,
        at position: SourcePosition
    ) throws(SQLError) -> TypedExpression? {
        try context.spend(scope.columns.count, at: position)
        switch condition {
        case .none: return nil
        case .on(let expression):
            var binder = ExpressionBinder(context, scope)
            binder.aggregateRefusal = "cannot stand in ON"
            return try binder.condition(expression, in: "ON")
        case .using(let names): return try equal(names, kind, left, &scope, at: position)
        case .natural:
            let names = left.visible().map { left.columns[$0].name }.filter { name in
                right.visible().contains { right.columns[$0].name == name }
            }
            return try equal(
                names.map { Syntax.Name(text: $0, isQuoted: true, position: position) }, kind, left, &scope, at: position)
        }
    }

    private func side(_ reference: Syntax.TableReference) throws(SQLError) -> (relation: Relation, scope: Scope) {
        var reference = reference
        reference.window = nil
        let (relation, scope) = try QueryPlanner(context).source(reference)
        return (relation, scope)
    }

    /// The columns of USING: one of the two is left out of `*` and of names without a qualifier.
    private func equal(
        _ names: [Syntax.Name], _ kind: Syntax.JoinKind, _ left: Scope, _ scope: inout Scope, at position: SourcePosition
    ) throws(SQLError) -> TypedExpression? {
        if kind == .full { throw SQLError("FULL JOIN takes ON only", at: position) }
        let binder = ExpressionBinder(context, scope)
        var all: TypedExpression?
        for name in names {
            let (mine, theirs) = (
                try scope.column(name, below: left.columns.count), try scope.column(name, from: left.columns.count)
            )
            let test = try binder.apply(
                "=", [.column(mine, scope.columns[mine].type), .column(theirs, scope.columns[theirs].type)], at: name.position)
            all = all.map { .and($0, test) } ?? test
            // An unmatched row has its value on its own side.
            scope.leaveOut(kind == .right ? mine : theirs)
        }
        return all
    }

    private func frame(_ window: Syntax.Window?) throws(SQLError) -> SlidingFrame? {
        guard let window else { return nil }
        if let term = window.partition.first { throw SQLError("a window of a join takes no PARTITION BY", at: term.start) }
        if let base = window.base {
            throw SQLError("a window of a join is written out: OVER (RANGE INTERVAL '1' MINUTE PRECEDING)", at: base.position)
        }
        guard let written = window.frame else { throw SQLError("a window of a join needs RANGE or ROWS", at: window.position) }
        let frame = try SlidingPlanner.frame(written, at: window.position)
        if frame == .endless { throw SQLError("a window of a join cannot go back to the first row", at: window.position) }
        return frame
    }

    // MARK: Keys

    /// The equalities of a condition between a column of one side and one of the other, as expressions over each.
    private func keys(
        of condition: TypedExpression, _ leftCount: Int, _ rightCount: Int
    ) -> [(left: TypedExpression, right: TypedExpression)] {
        if case .and(let a, let b) = condition { return keys(of: a, leftCount, rightCount) + keys(of: b, leftCount, rightCount) }
        guard case .call(let function, let arguments, _) = condition, function.name == "=",
            arguments[0].type.isComparedAsStored(with: arguments[1].type),
            let first = side(of: arguments[0], leftCount, rightCount), let second = side(of: arguments[1], leftCount, rightCount),
            first.isLeft != second.isLeft
        else { return [] }
        return [first.isLeft ? (first.expression, second.expression) : (second.expression, first.expression)]
    }

    /// A column, or one that is widened, as an expression over its own side.
    private func side(
        of expression: TypedExpression, _ leftCount: Int, _ rightCount: Int
    ) -> (isLeft: Bool, expression: TypedExpression)? {
        switch expression {
        case .cast(let operand, let type, .widening):
            return side(of: operand, leftCount, rightCount).map { ($0.isLeft, .cast($0.expression, type, .widening)) }
        case .column(let index, let type):
            if index == leftCount { return (true, .rowtime) }
            if index < leftCount { return (true, .column(index, type)) }
            // Behind the columns of each side stands its ROWTIME.
            return (false, index - leftCount - 1 == rightCount ? .rowtime : .column(index - leftCount - 1, type))
        default: return nil
        }
    }
}

extension Syntax.Expression {
    /// Whether a subquery is a part of it.
    fileprivate var hasSubquery: Bool {
        switch kind {
        case .exists, .subquery, .inQuery: true
        default: kind.children.contains(where: \.hasSubquery)
        }
    }
}

extension SQLType {
    /// Whether equal values of the two types are stored alike.
    fileprivate func isComparedAsStored(with other: SQLType) -> Bool {
        if isExactNumeric && other.isExactNumeric { return exactDigits?.scale == other.exactDigits?.scale }
        return storage == other.storage && !isNumeric || self == other
    }
}
