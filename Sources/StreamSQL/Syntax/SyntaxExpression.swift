/// Expressions as written: the part of the syntax tree below statements and queries.

/// The syntax tree of a program: what the parser makes and the planner reads. Every node knows its place in the text.
package enum Syntax {}

extension Syntax {
    /// A name as stored (unquoted ones in upper case).
    package struct Name: Sendable, Hashable {
        package var text: String
        package var isQuoted: Bool
        package var position: SourcePosition
    }

    /// Names joined by dots; at least one.
    package struct QualifiedName: Sendable, Hashable {
        package var qualifiers: [Name]
        package var last: Name
        package var position: SourcePosition { qualifiers.first?.position ?? last.position }
        package var written: String { (qualifiers + [last]).map { Identifiers.written($0.text) }.joined(separator: ".") }
    }

    /// A scalar expression.
    package struct Expression: Sendable {
        package var kind: ExpressionKind
        package var position: SourcePosition
        /// How many nodes lie on the longest way down from here; the parser bounds it.
        package var depth: Int
        /// Where the expression's text begins; an operator's own position is that of its sign.
        package var start: SourcePosition { kind.children.reduce(position) { min($0, $1.start) } }
    }

    package enum TruthTest: String, Sendable, Hashable {
        case null = "NULL"
        case yes = "TRUE"
        case no = "FALSE"
        case unknown = "UNKNOWN"
    }

    package indirect enum ExpressionKind: Sendable {
        /// A literal, with the type that its spelling gives it.
        case literal(SQLValue, SQLType)
        /// A column, ROWTIME, or a function's parameter.
        case name(QualifiedName)
        case negated(Expression)
        /// `+ - * / || = <> < <= > >=`.
        case binary(String, Expression, Expression)
        /// `first op a op b ...` of at least two operators of one precedence, from left to right. It lies flat: length is not depth.
        case chain(Expression, [Link])
        /// Chains of AND and OR lie flat.
        case and([Expression])
        case or([Expression])
        case not(Expression)
        case test(Expression, TruthTest, isNegated: Bool)
        case distinct(Expression, Expression, isNegated: Bool)
        case between(Expression, low: Expression, high: Expression, isSymmetric: Bool, isNegated: Bool)
        case inList(Expression, [Expression], isNegated: Bool)
        case inQuery(Expression, Query, isNegated: Bool)
        case exists(Query)
        case subquery(Query)
        /// `function` is LIKE or SIMILAR TO.
        case pattern(function: String, Expression, pattern: Expression, escape: Expression?, isNegated: Bool)
        case choice(operand: Expression?, branches: [Branch], otherwise: Expression?)
        case cast(Expression, SQLType)
        /// `(a - b) qualifier`.
        case difference(Expression, Expression, IntervalQualifier)
        case call(Call)
        /// `left predicate right`, where both sides are periods; the right one is a single time after CONTAINS only.
        case period(Period, String, Period)
        case row([Expression])
    }

    /// An operator of a chain with its right side.
    package struct Link: Sendable {
        package var operation: String
        package var operand: Expression
        package var position: SourcePosition
    }

    package struct Branch: Sendable {
        package var condition: Expression
        package var result: Expression
    }

    /// From start to end, the end not included; without an end, a point in time.
    package struct Period: Sendable {
        package var start: Expression
        package var end: Expression?
    }

    package enum NullTreatment: String, Sendable, Hashable {
        case respect = "RESPECT NULLS"
        case ignore = "IGNORE NULLS"
    }

    /// A function call. Special syntax (`FLOOR(x TO unit)` and its kin) is already in the canonical form of `ScalarFunction`.
    package struct Call: Sendable {
        package var name: Name
        package var arguments: [Expression]
        /// `COUNT(*)`.
        package var isStar = false
        package var isDistinct = false
        package var nulls: NullTreatment?
        package var isFromLast = false
        package var window: Window?
    }

    /// `OVER w` or `OVER (...)`.
    package struct Window: Sendable {
        /// A window of the WINDOW clause, alone or refined.
        package var base: Name?
        package var partition: [Expression]
        package var order: [OrderTerm]
        package var frame: Frame?
        package var position: SourcePosition
    }

    package struct Frame: Sendable {
        /// RANGE (time) or ROWS.
        package var isRange: Bool
        package var start: FrameBound
        package var end: FrameBound
    }

    package enum FrameBound: Sendable {
        case unboundedPreceding, unboundedFollowing, currentRow
        case preceding(Expression)
        case following(Expression)
    }

    package struct OrderTerm: Sendable {
        package var expression: Expression
        package var isDescending: Bool
        /// As NULLS FIRST or NULLS LAST say; nil where neither is written.
        package var nullsFirst: Bool?
        /// `WITHIN interval`: how late rows may be.
        package var within: Expression?
    }
}

extension Syntax.Expression {
    package init(_ kind: Syntax.ExpressionKind, at position: SourcePosition) {
        self.kind = kind
        self.position = position
        depth = 1 + (kind.children.map(\.depth).max() ?? 0)
    }
}

extension Syntax.ExpressionKind {
    /// The expressions directly below, subqueries not among them.
    package var children: [Syntax.Expression] {
        switch self {
        case .literal, .name, .exists, .subquery: []
        case .negated(let a), .not(let a), .test(let a, _, _), .cast(let a, _), .inQuery(let a, _, _): [a]
        case .binary(_, let a, let b), .distinct(let a, let b, _), .difference(let a, let b, _): [a, b]
        case .chain(let first, let links): [first] + links.map(\.operand)
        case .and(let all), .or(let all), .row(let all): all
        case .between(let a, let low, let high, _, _): [a, low, high]
        case .inList(let a, let list, _): [a] + list
        case .pattern(_, let a, let pattern, let escape, _): [a, pattern] + [escape].compactMap(\.self)
        case .choice(let operand, let branches, let otherwise):
            [operand, otherwise].compactMap(\.self) + branches.flatMap { [$0.condition, $0.result] }
        case .call(let call): call.arguments + (call.window.map { $0.partition + $0.order.map(\.expression) } ?? [])
        case .period(let a, _, let b): [a.start, a.end, b.start, b.end].compactMap(\.self)
        }
    }
}
