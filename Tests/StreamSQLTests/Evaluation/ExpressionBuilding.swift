/// Short ways to write typed expressions in tests, and to see what they give.

import StreamSQL
import Testing

func integer(_ value: Int64) -> TypedExpression { .literal(.integer(value), .integer) }
func bigint(_ value: Int64) -> TypedExpression { .literal(.integer(value), .bigint) }
func double(_ value: Double) -> TypedExpression { .literal(.double(value), .double) }
func text(_ value: String) -> TypedExpression { .literal(.text(value), .varchar(max(1, value.unicodeScalars.count))) }
func boolean(_ value: Bool?) -> TypedExpression { .literal(value.map(SQLValue.boolean) ?? .null, .boolean) }
func null(_ type: SQLType) -> TypedExpression { .literal(.null, type) }

/// A decimal literal with the precision and scale of its text.
func decimal(_ value: String) -> TypedExpression {
    let digits = value.filter { $0.isNumber }
    let scale = value.split(separator: ".").dropFirst().first?.count ?? 0
    let unscaled = Int64(digits) ?? 0
    return .literal(.integer(value.hasPrefix("-") ? -unscaled : unscaled), .decimal(precision: digits.count, scale: scale))
}

func timestamp(_ value: String) -> TypedExpression { cast(text(value), .timestamp) }
func date(_ value: String) -> TypedExpression { cast(text(value), .date) }
func time(_ value: String) -> TypedExpression { cast(text(value), .time) }
func interval(_ value: String, _ leading: TimeUnit, to trailing: TimeUnit? = nil) -> TypedExpression {
    cast(text(value), .interval(IntervalQualifier(leading, to: trailing)))
}

func cast(_ operand: TypedExpression, _ type: SQLType, _ mode: CastMode = .explicit) -> TypedExpression {
    .cast(operand, type, mode)
}

/// A call with its arguments widened as the planner widens them.
///
/// - Parameter type: instead of the type that the function resolves to.
func call(_ name: String, _ arguments: TypedExpression..., as type: SQLType? = nil) throws -> TypedExpression {
    let function = try #require(ScalarFunctions.named(name), "no function \(name)")
    let signature = try function.resolve(arguments.map(\.type))
    let widened = zip(arguments, signature.arguments).map { argument, type in
        argument.type == type ? argument : TypedExpression.cast(argument, type, .widening)
    }
    return .call(function, widened, type ?? signature.result)
}

/// 2021-06-01 09:00:00 UTC, when the tests' queries begin.
let testStart: Int64 = 1_622_538_000_000

func makeContext() -> EvaluationContext {
    EvaluationContext(count: 0, clockMilliseconds: testStart + 1_000, queryStartMilliseconds: testStart)
}

/// What an expression gives, as text: `NULL`, or `error: ` and the error's name.
func shown(_ expression: TypedExpression) -> String {
    var context = makeContext()
    let batch = ColumnBatch(rowtimes: [testStart], columns: [])
    let column = Evaluator().evaluate(cast(expression, .varchar(1000)), over: batch, context: &context)
    if let error = context.errors.first { return "error: \(error.name)" }
    switch column.value(at: 0) {
    case .null: return "NULL"
    case .text(let text): return text
    default: return "?"
    }
}

/// Why a function does not take arguments of these types.
func refusal(_ name: String, _ types: SQLType...) -> String? {
    do {
        _ = try ScalarFunctions.named(name)?.resolve(types)
        return nil
    } catch {
        return error.message
    }
}
