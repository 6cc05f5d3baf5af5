/// Walking and rewriting typed expressions.

extension TypedExpression {
    /// The expressions directly below.
    var parts: [TypedExpression] {
        switch self {
        case .column, .rowtime, .literal: []
        case .call(_, let arguments, _): arguments
        case .cast(let operand, _, _): [operand]
        case .and(let left, let right), .or(let left, let right): [left, right]
        case .searchedCase(let branches, let otherwise, _): branches.flatMap { [$0.condition, $0.result] } + [otherwise]
        }
    }

    /// The expression with other parts, made by `change`.
    func mapParts(_ change: (TypedExpression) throws(SQLError) -> TypedExpression) throws(SQLError) -> TypedExpression {
        switch self {
        case .column, .rowtime, .literal: return self
        case .call(let function, let arguments, let type):
            var changed: [TypedExpression] = []
            for argument in arguments { changed.append(try change(argument)) }
            return .call(function, changed, type)
        case .cast(let operand, let type, let mode): return .cast(try change(operand), type, mode)
        case .and(let left, let right): return .and(try change(left), try change(right))
        case .or(let left, let right): return .or(try change(left), try change(right))
        case .searchedCase(let branches, let otherwise, let type):
            var changed: [CaseBranch] = []
            for branch in branches {
                changed.append(CaseBranch(condition: try change(branch.condition), result: try change(branch.result)))
            }
            return .searchedCase(changed, otherwise: try change(otherwise), type)
        }
    }

    /// The expression over columns at other places.
    package func mapColumns(_ place: (Int) -> Int) -> TypedExpression {
        if case .column(let index, let type) = self { return .column(place(index), type) }
        // `mapParts` throws only what its argument throws.
        return (try? mapParts { part throws(SQLError) in part.mapColumns(place) }) ?? self
    }

    /// Whether its value depends on when it is evaluated: it uses CURRENT_TIMESTAMP or its kin, or puts a TIME on the current day.
    public var readsClock: Bool {
        switch self {
        case .call(let function, _, _) where function.clock != .none: return true
        case .cast(let operand, let type, _) where Cast.readsClock(from: operand.type, to: type): return true
        default: return parts.contains(where: \.readsClock)
        }
    }

    /// The input's columns that its value depends on, by position.
    package var columnsRead: Set<Int> {
        if case .column(let index, _) = self { return [index] }
        return parts.reduce(into: []) { $0.formUnion($1.columnsRead) }
    }

    func contains(column: Int) -> Bool {
        if case .column(column, _) = self { return true }
        return parts.contains { $0.contains(column: column) }
    }

    /// How many nodes lie on the longest way down.
    var depth: Int { 1 + (parts.map(\.depth).max() ?? 0) }

    /// How many nodes the expression has.
    var nodeCount: Int { parts.reduce(1) { $0 + $1.nodeCount } }
}
