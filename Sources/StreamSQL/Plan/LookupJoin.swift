/// What joins with relations that have an end become: reference tables, VALUES, and all relations of a bounded query; subqueries in expressions too.

/// Each row of the left with the rows of the right that match it. The right is known whole before the first row of the left is looked at; the output ROWTIME
/// is that of the left's row.
public struct LookupJoin: Sendable {
    /// What leaves.
    public enum Kind: Sendable, Hashable {
        /// A row for each pair; with `left` and `full` also rows of the left without a match, with `right` and `full` those of the right.
        case inner, left, right, full
        /// The left's rows, with whether there is a match.
        case exists
        /// The left's rows, with the last column of the match, NULL where there is none; two matches are a row error.
        case scalar

        /// Whether rows of the left without a match leave with NULLs.
        public var preservesLeft: Bool { self == .left || self == .full }
        /// Whether rows of the right without a match leave with NULLs.
        public var preservesRight: Bool { self == .right || self == .full }
    }

    public var kind: Kind
    /// Expressions over each side that must be equal for a pair to match; none of them fails. Each pair is of types that are stored alike.
    public var keys: [(left: TypedExpression, right: TypedExpression)]
    /// What else must hold, over the columns of the left and then those of the right; nil for nothing. Its ROWTIME is the left's row's.
    public var condition: TypedExpression?

    public init(_ kind: Kind, keys: [(left: TypedExpression, right: TypedExpression)] = [], condition: TypedExpression? = nil) {
        self.kind = kind
        self.keys = keys
        self.condition = condition
    }

    /// The columns that come out.
    public func columns(_ left: [ColumnDefinition], _ right: [ColumnDefinition]) -> [ColumnDefinition] {
        switch kind {
        case .inner, .left, .right, .full: left + right
        case .exists: left + [ColumnDefinition("EXISTS$", .boolean, isHidden: true)]
        case .scalar: left + [ColumnDefinition("SCALAR$", right.last?.type ?? .null, isHidden: true)]
        }
    }

    /// Splits a condition over the joined columns into keys and what is left of it.
    /// - Parameter leftCount: how many of the columns are the left's.
    static func split(_ condition: TypedExpression, leftCount: Int) -> (
        keys: [(left: TypedExpression, right: TypedExpression)], rest: TypedExpression?
    ) {
        if case .and(let a, let b) = condition {
            let (first, second) = (split(a, leftCount: leftCount), split(b, leftCount: leftCount))
            return (first.keys + second.keys, TypedExpression.both(first.rest, second.rest))
        }
        guard case .call(let function, let arguments, _) = condition, function.name == "=", arguments.count == 2,
            let (a, b) = comparable(arguments[0], arguments[1])
        else { return ([], condition) }
        for (one, other) in [(a, b), (b, a)] {
            let isLeft = one.columnsRead.allSatisfy { $0 < leftCount }
            let isRight = !other.columnsRead.isEmpty && other.columnsRead.allSatisfy { $0 >= leftCount } && !other.readsRowtime
            if isLeft, isRight { return ([(one, other.shifted(by: -leftCount))], nil) }
        }
        return ([], condition)
    }

    /// The sides of an equality in a form in which equal values are stored alike; nil where there is none or a side can fail.
    private static func comparable(_ a: TypedExpression, _ b: TypedExpression) -> (TypedExpression, TypedExpression)? {
        guard a.cannotFail, b.cannotFail, !a.readsClock, !b.readsClock else { return nil }
        let (m, n) = (a.type, b.type)
        if m.isExactNumeric, n.isExactNumeric { return m.exactDigits?.scale == n.exactDigits?.scale ? (a, b) : nil }
        // CHAR is compared without its trailing blanks; so are all texts beside it.
        if m.isCharacter, n.isCharacter { return m.isChar || n.isChar ? nil : (a, b) }
        return m.storage == n.storage && !m.isNumeric || m == n ? (a, b) : nil
    }
}

extension TypedExpression {
    /// Both conditions, or the one that there is.
    static func both(_ a: TypedExpression?, _ b: TypedExpression?) -> TypedExpression? {
        guard let a, let b else { return a ?? b }
        return .and(a, b)
    }

    /// The expression over columns that begin elsewhere.
    func shifted(by distance: Int) -> TypedExpression {
        if case .column(let index, let type) = self { return .column(index + distance, type) }
        // `mapParts` throws only what its argument throws.
        return (try? mapParts { part throws(SQLError) in part.shifted(by: distance) }) ?? self
    }

    /// Whether the row's ROWTIME is read.
    var readsRowtime: Bool { self == .rowtime || parts.contains(where: \.readsRowtime) }
}
