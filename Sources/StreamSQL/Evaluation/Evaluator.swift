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
                column = call(function, columns, type, errorsBefore, &context)
            case .cast(_, let type, let mode):
                column = Self.byRuns([column], errorsBefore, &context) { columns, context in
                    Cast.convert(columns[0], to: type, mode: mode, context: &context)
                }
            default: break
            }
        }
        return column
    }

    /// The value of an expression whose own first operand, if it has one, is evaluated by recursion.
    private func evaluateFirst(_ expression: TypedExpression, over batch: ColumnBatch, context: inout EvaluationContext) -> Column {
        switch expression {
        case .column(let index, _): return batch.columns[index]
        case .rowtime: return batch.rowtime
        case .literal(let value, let type): return .repeating(value, type, count: batch.count)
        case .call(let function, let arguments, let type):
            let errorsBefore = context.errors.count
            let columns = arguments.map { evaluate($0, over: batch, context: &context) }
            return call(function, columns, type, errorsBefore, &context)
        case .cast(let operand, let type, let mode):
            let errorsBefore = context.errors.count
            let column = evaluate(operand, over: batch, context: &context)
            return Self.byRuns([column], errorsBefore, &context) { columns, context in
                Cast.convert(columns[0], to: type, mode: mode, context: &context)
            }
        case .and(let left, let right):
            return evaluateLogic(left, right, deciding: false, over: batch, context: &context)
        case .or(let left, let right):
            return evaluateLogic(left, right, deciding: true, over: batch, context: &context)
        case .searchedCase(let branches, let otherwise, let type):
            return evaluateCase(branches, otherwise: otherwise, type: type, over: batch, context: &context)
        }
    }

    // MARK: Runs

    private func call(
        _ function: ScalarFunction, _ columns: [Column], _ type: SQLType, _ errorsBefore: Int, _ context: inout EvaluationContext
    ) -> Column {
        var result = Self.byRuns(columns, errorsBefore, &context) { columns, context in function.evaluate(columns, type, &context) }
        result.type = type
        return result
    }

    /// Has a kernel compute each value once where all its arguments come in the same runs, or are scalars: what is a function of ROWTIME, or of literals
    /// alone, is computed once a stored batch, or once.
    /// - Parameter errorsBefore: failures from there on are of these rows: they have no value.
    private static func byRuns(
        _ columns: [Column], _ errorsBefore: Int, _ context: inout EvaluationContext,
        _ kernel: (_ columns: [Column], _ context: inout EvaluationContext) -> Column
    ) -> Column {
        let count = context.count
        // Rows whose arguments failed are not those of whole runs.
        guard count > 1, context.errors.count == errorsBefore, let ends = Column.commonRuns(columns, count: count) else {
            return kernel(columns, &context).nullifying(context.errors[errorsBefore...])
        }
        context.count = ends.count
        let result = kernel(columns.map { $0.compressed(ends) }, &context)
        context.count = count
        let failed = Array(context.errors[errorsBefore...])
        context.errors.removeSubrange(errorsBefore...)
        for error in failed {
            let first = error.row == 0 ? 0 : ends[error.row - 1]
            context.errors += (first..<ends[error.row]).map { RowError(row: $0, error.failure) }
        }
        return result.nullifying(failed[...]).repeated(ends)
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
    /// Where the runs end that all columns have, scalars aside; nil where there are none.
    fileprivate static func commonRuns(_ columns: [Column], count: Int) -> [Int]? {
        var common: [Int]?
        for column in columns where !column.isScalar {
            guard let ends = column.runEnds, common == nil || common == ends else { return nil }
            common = ends
        }
        return common ?? [count]
    }

    /// One row for each of the runs.
    fileprivate func compressed(_ ends: [Int]) -> Column {
        if isScalar { return ends.count == 1 ? runs : scalar(count: ends.count) }
        return runs
    }

    /// The column with NULL in the rows that failed, so that what uses it does not fail again.
    fileprivate func nullifying(_ errors: ArraySlice<RowError>) -> Column {
        if errors.isEmpty { return self }
        var nulls = nulls ?? [Bool](repeating: false, count: count)
        for error in errors where nulls.indices.contains(error.row) { nulls[error.row] = true }
        return Column(type, values, nulls: nulls)
    }
}
