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

    private static func trend(of function: ScalarFunction, _ arguments: [TypedExpression]) -> Trend {
        if function.clock == .row { return .unknown }
        let trends = arguments.map(\.trend)
        if trends.allSatisfy({ $0 == .constant }) { return .constant }
        if let trend = function.trend { return trend(arguments, trends) }
        guard let place = function.monotonicIn, trends.indices.contains(place) else { return .unknown }
        for (index, trend) in trends.enumerated() where index != place && trend != .constant { return .unknown }
        return trends[place]
    }
}

// MARK: Of functions whose arguments are not all constant

/// Each is given the arguments and their trends: asking for these again would take twice as long with every level of an expression.
extension Trend {
    /// Of a sum, or of its only term.
    @Sendable static func sum(_ terms: [TypedExpression], _ trends: [Trend]) -> Trend {
        guard trends.count == 2 else { return trends.first ?? .unknown }
        let (a, b) = (trends[0], trends[1])
        if a == .constant { return b }
        return b == .constant || a == b ? a : .unknown
    }

    /// Of a difference, or of the opposite of a value.
    @Sendable static func difference(_ terms: [TypedExpression], _ trends: [Trend]) -> Trend {
        guard trends.count == 2 else { return trends.first?.reversed ?? .unknown }
        let (a, b) = (trends[0], trends[1])
        if b == .constant { return a }
        return a == .constant ? b.reversed : .unknown
    }

    @Sendable static func product(_ factors: [TypedExpression], _ trends: [Trend]) -> Trend {
        guard trends.count == 2 else { return .unknown }
        if trends[0] == .constant { return scaled(trends[1], by: factors[0]) }
        return trends[1] == .constant ? scaled(trends[0], by: factors[1]) : .unknown
    }

    @Sendable static func quotient(_ operands: [TypedExpression], _ trends: [Trend]) -> Trend {
        guard trends.count == 2, trends[1] == .constant else { return .unknown }
        return scaled(trends[0], by: operands[1])
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
