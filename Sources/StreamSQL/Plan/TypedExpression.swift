/// Expressions after name and type resolution. The planner builds them, `Functions/` and `Evaluation/` run them.

/// How strict a conversion is.
public enum CastMode: Hashable, Sendable {
    /// CAST(x AS t): a value that does not fit is a row error.
    case explicit
    /// INSERT into a column: text longer than the column is truncated, numbers that do not fit are row errors.
    case assignment
    /// Widening that the planner adds between operands; never fails.
    case widening
}

/// A typed expression over the rows of one relation.
public indirect enum TypedExpression: Hashable, Sendable {
    /// A column of the input, by position.
    case column(Int, SQLType)
    /// The ROWTIME of the input row.
    case rowtime
    case literal(SQLValue, SQLType)
    /// A function or operator whose arguments are all evaluated first; they already have the types the function wants.
    case call(ScalarFunction, [TypedExpression], SQLType)
    case cast(TypedExpression, SQLType, CastMode)
    /// Three-valued AND and OR; a row decided by the left side does not evaluate the right one (nor its errors).
    case and(TypedExpression, TypedExpression)
    case or(TypedExpression, TypedExpression)
    /// Searched CASE (the simple form, COALESCE and NULLIF are rewritten to it). Branches have the result type.
    case searchedCase([CaseBranch], otherwise: TypedExpression, SQLType)

    public var type: SQLType {
        switch self {
        case .column(_, let type), .literal(_, let type), .call(_, _, let type), .cast(_, let type, _),
            .searchedCase(_, _, let type):
            type
        case .rowtime: .timestamp
        case .and, .or: .boolean
        }
    }
}

/// WHEN condition THEN result.
public struct CaseBranch: Hashable, Sendable {
    public var condition: TypedExpression
    public var result: TypedExpression
    public init(condition: TypedExpression, result: TypedExpression) {
        self.condition = condition
        self.result = result
    }
}
