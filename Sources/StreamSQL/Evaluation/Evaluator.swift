/// Runs typed expressions over column batches.

/// Evaluates expressions column by column. A value without state: prepare it once, use it from anywhere.
public struct Evaluator: Sendable {
    public init() {}

    /// The expression's value in every row of the batch.
    ///
    /// Rows that fail are added to `context.errors` and are NULL in the result. Branches of CASE and the right sides of AND and OR see only
    /// the rows that reach them, so what is not taken does not fail.
    /// - Parameter context: its `count` is set to the batch's.
    public func evaluate(_ expression: TypedExpression, over batch: ColumnBatch, context: inout EvaluationContext) -> Column {
        context.count = batch.count
        // Chains of operators are as deep on the left as they are long, so the way down there is a loop.
        var above: [TypedExpression] = []
        var lowest = expression
        descent: while true {
            switch lowest {
            case .call(_, let arguments, _):
                guard let first = arguments.first else { break descent }
                above.append(lowest)
                lowest = first
            case .cast(let operand, _, _):
                above.append(lowest)
                lowest = operand
            default: break descent
            }
        }
        let errorsBefore = context.errors.count
        var column = evaluateFirst(lowest, over: batch, context: &context)
        for node in above.reversed() {
            switch node {
            case .call(let function, let arguments, let type):
                let columns = [column] + arguments.dropFirst().map { evaluate($0, over: batch, context: &context) }
                column = function.evaluate(columns, type, &context)
                column.type = type
            case .cast(_, let type, let mode): column = Cast.convert(column, to: type, mode: mode, context: &context)
            default: break
            }
            column = column.nullifying(context.errors[errorsBefore...])
        }
        return column
    }

    /// The value of an expression whose own first operand, if it has one, is evaluated by recursion.
    private func evaluateFirst(_ expression: TypedExpression, over batch: ColumnBatch, context: inout EvaluationContext) -> Column {
        switch expression {
        case .column(let index, _): return batch.columns[index]
        case .rowtime: return Column(.timestamp, .integers(batch.rowtimes))
        case .literal(let value, let type): return .repeating(value, type, count: batch.count)
        case .call(let function, let arguments, let type):
            let errorsBefore = context.errors.count
            var result = function.evaluate(arguments.map { evaluate($0, over: batch, context: &context) }, type, &context)
            result.type = type
            return result.nullifying(context.errors[errorsBefore...])
        case .cast(let operand, let type, let mode):
            let errorsBefore = context.errors.count
            let column = evaluate(operand, over: batch, context: &context)
            return Cast.convert(column, to: type, mode: mode, context: &context).nullifying(context.errors[errorsBefore...])
        case .and(let left, let right):
            return evaluateLogic(left, right, deciding: false, over: batch, context: &context)
        case .or(let left, let right):
            return evaluateLogic(left, right, deciding: true, over: batch, context: &context)
        case .searchedCase(let branches, let otherwise, let type):
            return evaluateCase(branches, otherwise: otherwise, type: type, over: batch, context: &context)
        }
    }

    /// The value of an expression without columns, once.
    /// - Throws: the row error of its evaluation.
    public func evaluateConstant(_ expression: TypedExpression, context: inout EvaluationContext) throws(RowFailure) -> SQLValue {
        let errorsBefore = context.errors.count
        let column = evaluate(expression, over: ColumnBatch(rowtimes: [0], columns: []), context: &context)
        if context.errors.count > errorsBefore {
            let error = context.errors[errorsBefore]
            context.errors.removeSubrange(errorsBefore...)
            throw RowFailure(error.name, error.message)
        }
        return column.value(at: 0)
    }
}

extension Column {
    /// The column with NULL in the rows that failed, so that what uses it does not fail again.
    fileprivate func nullifying(_ errors: ArraySlice<RowError>) -> Column {
        if errors.isEmpty { return self }
        var nulls = nulls ?? [Bool](repeating: false, count: count)
        for error in errors where nulls.indices.contains(error.row) { nulls[error.row] = true }
        return Column(type, values, nulls: nulls)
    }
}
