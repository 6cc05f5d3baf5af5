/// Queries as written: SELECT with its clauses, set operations, and what FROM may name.

extension Syntax {
    /// A query expression with what stands around it: WITH, ORDER BY, LIMIT.
    package struct Query: Sendable {
        package var body: QueryBody
        package var order: [OrderTerm]
        package var position: SourcePosition
        package var with: [CommonTable] = []
        package var limit: Limit?
    }

    /// `name [(columns)] AS (query)` after WITH.
    package struct CommonTable: Sendable {
        package var name: Name
        package var columnNames: [Name]
        package var query: Query
    }

    /// `LIMIT n [OFFSET m]`, or `OFFSET m [FETCH FIRST n ROWS ONLY]`.
    package struct Limit: Sendable {
        /// Nil for all rows after the offset.
        package var count: Int?
        package var offset: Int
        /// The word that it begins with.
        package var word: String
        package var position: SourcePosition
    }

    package enum SetOperator: String, Sendable, Hashable {
        case union = "UNION"
        case unionAll = "UNION ALL"
        case intersect = "INTERSECT"
        case except = "EXCEPT"
    }

    package indirect enum QueryBody: Sendable {
        case select(Select)
        case values([[Expression]])
        /// A chain of one operator, left to right; at least two operands.
        case set(SetOperator, [Query])
        case parenthesized(Query)
    }

    package struct Select: Sendable {
        package var isStream: Bool
        package var isDistinct: Bool
        package var items: [SelectItem]
        package var from: TableReference?
        package var filter: Expression?
        package var groupBy: [Expression]?
        package var fill: Fill?
        package var stagger: Stagger?
        package var having: Expression?
        package var windows: [NamedWindow]
        package var position: SourcePosition
        /// Where GROUP BY or WINDOWED BY stands.
        package var groupPosition: SourcePosition
    }

    package enum SelectItem: Sendable {
        case star(SourcePosition)
        case qualifiedStar(QualifiedName)
        case expression(Expression, alias: Name?)
    }

    /// WINDOWED BY STAGGER (PARTITION BY ... RANGE interval).
    package struct Stagger: Sendable {
        package var partition: [Expression]
        package var range: Expression
    }

    package struct NamedWindow: Sendable {
        package var name: Name
        package var window: Window
    }

    package enum JoinKind: String, Sendable, Hashable {
        case inner = "INNER JOIN"
        case left = "LEFT JOIN"
        case right = "RIGHT JOIN"
        case full = "FULL JOIN"
        case cross = "CROSS JOIN"
    }

    package enum JoinCondition: Sendable {
        case on(Expression)
        case using([Name])
        case natural
        case none
    }

    /// What FROM reads.
    package struct TableReference: Sendable {
        package var kind: TableReferenceKind
        package var alias: Name?
        /// `AS t(a, b)`.
        package var columnNames: [Name]
        /// `stream OVER (window)`.
        package var window: Window?
        package var position: SourcePosition
        package var depth: Int
    }

    package indirect enum TableReferenceKind: Sendable {
        case named(QualifiedName)
        case subquery(Query)
        /// `TABLE(F(arguments) PARTITION BY terms)`.
        case function(Name, [TableArgument], partition: [Expression])
        case join(JoinKind, TableReference, TableReference, JoinCondition)
        case match(TableReference, MatchRecognize)
    }

    /// An argument of a table function.
    package enum TableArgument: Sendable {
        /// `CURSOR(query) PARTITION BY term`.
        case cursor(Query, partition: [Expression])
        case expression(Expression)
    }
}
