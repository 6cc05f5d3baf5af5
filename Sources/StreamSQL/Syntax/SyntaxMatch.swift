/// MATCH_RECOGNIZE as written (row pattern recognition of SQL:2016).

extension Syntax {
    /// What stands in the parentheses of MATCH_RECOGNIZE.
    package struct MatchRecognize: Sendable {
        package var partition: [Expression]
        package var order: [OrderTerm]
        package var measures: [Measure]
        package var skip: MatchSkip
        package var pattern: RowPattern
        /// `WITHIN interval`, after the pattern.
        package var within: Expression?
        package var definitions: [Definition]
        package var position: SourcePosition
    }

    package struct Measure: Sendable {
        package var expression: Expression
        package var name: Name
    }

    package struct Definition: Sendable {
        package var variable: Name
        package var condition: Expression
    }

    /// AFTER MATCH SKIP ...
    package enum MatchSkip: Sendable {
        case pastLastRow
        case toNextRow
        case toFirst(Name)
        case toLast(Name)
    }

    package indirect enum RowPattern: Sendable {
        case variable(Name)
        case sequence([RowPattern])
        /// The first that matches is preferred.
        case alternation([RowPattern])
        case repetition(RowPattern, least: Int, most: Int?, isReluctant: Bool)
        /// `NOT variable` or `[^variable]`: no such row until the time of WITHIN is over.
        case absence(Name)
    }
}
