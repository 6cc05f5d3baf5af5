/// Plans joins of which one side at least has an end: with a reference table, with VALUES, or in a bounded query.

struct TableJoinPlanner {
    typealias Side = (relation: Relation, scope: Scope)

    private let planner: JoinPlanner
    private let kind: Syntax.JoinKind
    private let condition: Syntax.JoinCondition
    private let position: SourcePosition

    init(_ planner: JoinPlanner, _ kind: Syntax.JoinKind, _ condition: Syntax.JoinCondition, _ position: SourcePosition) {
        (self.planner, self.kind, self.condition, self.position) = (planner, kind, condition, position)
    }

    /// - Parameter areBounded: which sides have an end.
    func plan(_ left: Side, _ right: Side, _ areBounded: (left: Bool, right: Bool)) throws(SQLError) -> (Relation, Scope) {
        if areBounded.left, areBounded.right { return try bounded(left, right) }
        // Rows of the table that no row of the stream matches could leave at the stream's end only.
        let preservesTable = kind == .full || kind == (areBounded.left ? .left : .right)
        if preservesTable {
            throw SQLError(
                "a \(kind.rawValue) would wait for the end of the stream to give the rows of the table without a match; preserve the stream's rows",
                at: position)
        }
        let isOuter = kind == .left || kind == .right
        let tableIsFirst = areBounded.left
        let (rows, table) = tableIsFirst ? (right, left) : (left, right)
        var scope = Scope(rows.scope, beside: table.scope, tableIsFirst: tableIsFirst)
        let bound = try planner.bind(condition, kind, left.scope, right.scope, &scope, at: position)
        let (rowCount, tableCount) = (rows.scope.columns.count, table.scope.columns.count)
        let moved = tableIsFirst ? bound?.exchanged(first: tableCount, second: rowCount) : bound
        let (keys, rest) = moved.map { LookupJoin.split($0, leftCount: rowCount) } ?? ([], nil)
        let join = Relation.lookup(
            rows.relation, table.relation, LookupJoin(isOuter ? .left : .inner, keys: keys, condition: rest))
        guard tableIsFirst else { return (join, scope) }
        let columns = scope.columns.enumerated().map { index, column in
            ProjectedColumn(column.name, .column(index < tableCount ? rowCount + index : index - tableCount, column.type))
        }
        return (.project(join, columns: columns, rowtime: nil), scope)
    }

    /// Both sides have an end: the right is kept whole, and rows of each keep their time.
    private func bounded(_ left: Side, _ right: Side) throws(SQLError) -> (Relation, Scope) {
        var scope = Scope(joining: left.scope, right.scope)
        let bound = try planner.bind(condition, kind, left.scope, right.scope, &scope, at: position)
        let leftCount = left.scope.columns.count + 1
        let (keys, rest) = bound.map { LookupJoin.split($0, leftCount: leftCount) } ?? ([], nil)
        let lookupKind: LookupJoin.Kind =
            switch kind {
            case .inner, .cross: .inner
            case .left: .left
            case .right: .right
            case .full: .full
            }
        return (
            .lookup(Self.timed(left.relation), Self.timed(right.relation), LookupJoin(lookupKind, keys: keys, condition: rest)),
            scope
        )
    }

    /// The rows with their ROWTIME as a last column.
    private static func timed(_ relation: Relation) -> Relation {
        let columns = relation.columns.enumerated().map { ProjectedColumn($1.name, .column($0, $1.type)) }
        return .project(relation, columns: columns + [ProjectedColumn("ROWTIME", .rowtime)], rowtime: nil)
    }
}

extension TypedExpression {
    /// The expression over columns of which the first so many come behind the second so many.
    fileprivate func exchanged(first: Int, second: Int) -> TypedExpression {
        if case .column(let index, let type) = self { return .column(index < first ? index + second : index - first, type) }
        return (try? mapParts { part throws(SQLError) in part.exchanged(first: first, second: second) }) ?? self
    }
}

extension Relation {
    /// The rows for which a condition holds. Equalities of it become keys of the joins below that have none of their own, as in `FROM a, b WHERE a.x = b.y`.
    func filtered(by condition: TypedExpression) -> Relation {
        guard case .lookup(let left, let right, var join) = self, join.kind == .inner else {
            return .filter(self, condition: condition)
        }
        let leftCount = left.columns.count
        let (own, above) = condition.parted { part in part.columnsRead.allSatisfy { $0 < leftCount } }
        let (keys, rest) = above.map { LookupJoin.split($0, leftCount: leftCount) } ?? ([], nil)
        join.keys += keys
        let below = own.map { left.filtered(by: $0) } ?? left
        let joined = Relation.lookup(below, right, join)
        return rest.map { .filter(joined, condition: $0) } ?? joined
    }
}

extension TypedExpression {
    /// The parts of a chain of AND for which something is so, and the others.
    fileprivate func parted(_ test: (TypedExpression) -> Bool) -> (TypedExpression?, TypedExpression?) {
        if case .and(let a, let b) = self {
            let (first, second) = (a.parted(test), b.parted(test))
            return (.both(first.0, second.0), .both(first.1, second.1))
        }
        return test(self) ? (self, nil) : (nil, self)
    }
}
