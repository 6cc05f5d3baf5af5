/// AND, OR and CASE: what is not reached is not evaluated.

extension Evaluator {
    /// Three-valued AND (`deciding` = false) and OR (`deciding` = true): a left side of the deciding value settles the row.
    func evaluateLogic(
        _ left: TypedExpression, _ right: TypedExpression, deciding: Bool, over batch: ColumnBatch, context: inout EvaluationContext
    ) -> Column {
        let errorsBefore = context.errors.count
        let leftColumn = evaluate(left, over: batch, context: &context).asBoolean
        let failed = Set(context.errors[errorsBefore...].map(\.row))
        let leftValues = leftColumn.booleans
        let leftNulls = leftColumn.nulls
        let rightColumn: Column
        if right.cannotFail {
            rightColumn = evaluate(right, over: batch, context: &context).asBoolean
        } else {
            var reaching: [Int] = []
            for row in 0..<batch.count where (leftNulls?[row] ?? false || leftValues[row] != deciding) && !failed.contains(row) {
                reaching.append(row)
            }
            rightColumn = evaluate(right, overRows: reaching, of: batch, context: &context).asBoolean
        }
        let rightValues = rightColumn.booleans
        let rightNulls = rightColumn.nulls
        guard leftNulls != nil || rightNulls != nil else {
            var values = leftValues
            for row in values.indices where values[row] != deciding { values[row] = rightValues[row] }
            return Column(.boolean, .booleans(values))
        }
        var values = [Bool](repeating: !deciding, count: batch.count)
        var nulls = [Bool](repeating: false, count: batch.count)
        for row in 0..<batch.count {
            let leftNull = leftNulls?[row] ?? false
            if !leftNull && leftValues[row] == deciding {
                values[row] = deciding
                continue
            }
            let rightNull = rightNulls?[row] ?? false
            if !rightNull && rightValues[row] == deciding {
                values[row] = deciding
            } else if leftNull || rightNull {
                nulls[row] = true
            }
        }
        return Column(.boolean, .booleans(values), nulls: nulls)
    }

    func evaluateCase(
        _ branches: [CaseBranch], otherwise: TypedExpression, type: SQLType, over batch: ColumnBatch,
        context: inout EvaluationContext
    ) -> Column {
        var pending = Array(0..<batch.count)
        // Rows in the order in which branches computed them, and where each of them belongs.
        var computed = Column.empty(type)
        var rowOf: [Int] = []
        rowOf.reserveCapacity(batch.count)
        for branch in branches where !pending.isEmpty {
            let errorsBefore = context.errors.count
            let condition = evaluate(branch.condition, overRows: pending, of: batch, context: &context, scattered: false).asBoolean
            let failed = Set(context.errors[errorsBefore...].map(\.row))
            let holds = condition.isTrue
            var taken: [Int] = []
            var left: [Int] = []
            for (position, row) in pending.enumerated() {
                // A row whose condition failed has no value; it ends here.
                if holds[position] { taken.append(row) } else if !failed.contains(row) { left.append(row) }
            }
            let result = evaluate(branch.result, overRows: taken, of: batch, context: &context, scattered: false)
            computed.append(contentsOf: result.type == .null ? .nulls(type, count: taken.count) : result)
            rowOf.append(contentsOf: taken)
            pending = left
        }
        let rest = evaluate(otherwise, overRows: pending, of: batch, context: &context, scattered: false)
        computed.append(contentsOf: rest.type == .null ? .nulls(type, count: pending.count) : rest)
        rowOf.append(contentsOf: pending)
        context.count = batch.count
        return computed.scattered(to: rowOf, count: batch.count, type: type)
    }

    /// Evaluates over some rows of a batch; errors are reported under the batch's row numbers.
    ///
    /// - Parameter scattered: give a column of the batch's length, NULL in the other rows; otherwise a column of just these rows.
    private func evaluate(
        _ expression: TypedExpression, overRows rows: [Int], of batch: ColumnBatch, context: inout EvaluationContext,
        scattered: Bool = true
    ) -> Column {
        if rows.count == batch.count { return evaluate(expression, over: batch, context: &context) }
        if rows.isEmpty { return scattered ? .nulls(expression.type, count: batch.count) : .empty(expression.type) }
        let used = expression.columnsRead
        let part = ColumnBatch(
            rowtime: batch.rowtime.gather(rows: rows),
            columns: batch.columns.enumerated().map { index, column in
                used.contains(index) ? column.gather(rows: rows) : .empty(column.type)
            })
        let errorsBefore = context.errors.count
        let column = evaluate(expression, over: part, context: &context)
        for index in errorsBefore..<context.errors.count { context.errors[index].row = rows[context.errors[index].row] }
        context.count = batch.count
        return scattered ? column.scattered(to: rows, count: batch.count, type: expression.type) : column
    }
}

extension Column {
    /// A column of NULLs as a BOOLEAN one.
    fileprivate var asBoolean: Column { type == .null ? .nulls(.boolean, count: count) : self }

    /// A column of `count` rows with row `i` of this one at `rows[i]`, NULL elsewhere.
    fileprivate func scattered(to rows: [Int], count: Int, type: SQLType) -> Column {
        var source = [Int](repeating: -1, count: count)
        for (position, row) in rows.enumerated() { source[row] = position }
        if rows.count == count { return Column(type, gather(rows: source).values, nulls: nulls.map { n in source.map { n[$0] } }) }
        // Row 0 stands in for rows without a value; there may be no row at all.
        guard !rows.isEmpty else { return .nulls(type, count: count) }
        let gathered = gather(rows: source.map { max(0, $0) })
        let nulls = source.map { $0 < 0 || isNull($0) }
        return Column(type, gathered.values, nulls: nulls)
    }
}

extension TypedExpression {
    /// Whether no value of the columns can make it a row error, so that evaluating it for rows that do not reach it is harmless.
    var cannotFail: Bool {
        switch self {
        case .column, .rowtime, .literal: true
        case .call(let function, let arguments, _):
            function.isInfallible && arguments.allSatisfy(\.cannotFail)
        case .cast(let operand, let type, let mode):
            Cast.isInfallible(from: operand.type, to: type, mode: mode) && operand.cannotFail
        case .searchedCase: false
        case .and(let left, let right), .or(let left, let right): left.cannotFail && right.cannotFail
        }
    }
}
