/// WHERE and HAVING: rows for which the condition is TRUE pass; FALSE and NULL do not.

import StreamSQL

struct FilterOperator: Operator {
    let condition: PreparedExpression
    let columns: [ColumnDefinition]

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        let input = inputs[0].rows
        if input.isEmpty { return inputs[0] }
        var errors: [RowError] = []
        var keep = context.evaluate(condition, over: input, errors: &errors).isTrue
        if let whole = context.reject(errors, of: input, columns: columns) {
            for row in keep.indices where !whole[row] { keep[row] = false }
        }
        return inputs[0].with(input.filtered(by: keep))
    }
}
