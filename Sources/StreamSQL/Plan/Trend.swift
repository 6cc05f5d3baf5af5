/// How an expression moves as time goes on (SQL Reference, "Monotonic Expressions and Operators").

enum Trend {
    /// Does not depend on the row.
    case constant
    /// Depends on ROWTIME and constants only, and never decreases with it.
    case growing
    /// As `growing`, but never increases.
    case falling
    /// Nothing is known.
    case unknown

    var reversed: Trend {
        switch self {
        case .growing: .falling
        case .falling: .growing
        case .constant, .unknown: self
        }
    }
}

extension TypedExpression {
    var trend: Trend {
        switch self {
        case .column: return .unknown
        case .rowtime: return .growing
        case .literal: return .constant
        case .cast(let operand, let type, _):
            let trend = operand.trend
            if trend == .constant { return .constant }
            // Text does not sort as numbers do, and the time of day falls back at midnight.
            let keepsOrder = operand.type == type || (type.isNumeric || type == .date || type == .timestamp || type.isInterval)
            return keepsOrder && operand.type != .time ? trend : .unknown
        case .and, .or, .searchedCase: return .unknown
        case .call(let function, let arguments, _): return Self.trend(of: function, arguments)
        }
    }

    private static let volatile: Set<String> = ["CURRENT_ROW_TIMESTAMP"]

    private static func trend(of function: ScalarFunction, _ arguments: [TypedExpression]) -> Trend {
        if volatile.contains(function.name) { return .unknown }
        let trends = arguments.map(\.trend)
        if trends.allSatisfy({ $0 == .constant }) { return .constant }
        switch (function.name, trends.count) {
        case ("-", 1), ("NEGATE", 1): return trends[0].reversed
        case ("+", 2):
            if trends[0] == .constant { return trends[1] }
            return trends[1] == .constant || trends[0] == trends[1] ? trends[0] : .unknown
        case ("-", 2), ("INTERVAL_BETWEEN", 2):
            if trends[1] == .constant { return trends[0] }
            return trends[0] == .constant ? trends[1].reversed : .unknown
        case ("*", 2):
            if trends[0] == .constant { return scaled(trends[1], by: arguments[0]) }
            return trends[1] == .constant ? scaled(trends[0], by: arguments[1]) : .unknown
        case ("/", 2): return trends[1] == .constant ? scaled(trends[0], by: arguments[1]) : .unknown
        default:
            guard let place = function.monotonicIn, trends.indices.contains(place) else { return .unknown }
            for (index, trend) in trends.enumerated() where index != place && trend != .constant { return .unknown }
            return trends[place]
        }
    }

    /// The trend of a product or quotient with a constant, if the constant's sign is plain.
    private static func scaled(_ trend: Trend, by factor: TypedExpression) -> Trend {
        switch factor {
        case .cast(let operand, let type, _) where type.isNumeric: scaled(trend, by: operand)
        case .literal(.integer(let value), _): value > 0 ? trend : value < 0 ? trend.reversed : .constant
        case .literal(.double(let value), _): value > 0 ? trend : value < 0 ? trend.reversed : .constant
        default: .unknown
        }
    }
}
