/// SELECT items: computes columns and, for `expression AS ROWTIME`, the row's time.

import StreamSQL

struct ProjectOperator: Operator {
    let expressions: [PreparedExpression]
    let rowtime: PreparedExpression?
    let inputColumns: [ColumnDefinition]
    let columns: [ColumnDefinition]

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        let input = inputs[0].rows
        if input.isEmpty { return inputs[0].with(.empty(columns)) }
        var errors: [RowError] = []
        var output = KeyedBatch(
            ColumnBatch(
                rowtime: input.batch.rowtime,
                columns: expressions.map { context.evaluate($0, over: input, errors: &errors) }),
            keys: input.keys)
        if let rowtime {
            let times = context.evaluate(rowtime, over: input, errors: &errors)
            for row in 0..<input.count where times.isNull(row) {
                errors.append(RowError(row: row, name: "ROWTIME is NULL", message: "The expression AS ROWTIME is NULL."))
            }
            output.batch.rowtime = times
            // Rows without one are rejected below.
            if times.storedNulls != nil { output.batch.rowtime.nulls = nil }
        }
        guard let keep = context.reject(errors, of: input, columns: inputColumns) else { return inputs[0].with(output) }
        return inputs[0].with(output.filtered(by: keep))
    }
}
