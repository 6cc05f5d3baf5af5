/// Log parsers: adds the fields of each row's records; a row is parsed once, however many of its fields are used.

import StreamSQL

struct LogParseOperator: Operator {
    let parses: [LogParse]
    private let texts: [PreparedExpression]
    let inputColumns: [ColumnDefinition]
    let columns: [ColumnDefinition]

    init(_ parses: [LogParse], inputColumns: [ColumnDefinition], columns: [ColumnDefinition]) {
        self.parses = parses
        texts = parses.map { PreparedExpression($0.text) }
        self.inputColumns = inputColumns
        self.columns = columns
    }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        let input = inputs[0].rows
        guard let first = input.keys.first else { return inputs[0].with(.empty(columns)) }
        var errors: [RowError] = []
        var output = input
        for (parse, text) in zip(parses, texts) {
            let lines = context.evaluate(text, over: input, errors: &errors)
            var evaluation = EvaluationContext(
                count: input.count, clockMilliseconds: first.time, queryStartMilliseconds: context.queryStart ?? first.time)
            output.batch.columns += parse.parse(lines, context: &evaluation)
            errors += evaluation.errors
        }
        guard let keep = context.reject(errors, of: input, columns: inputColumns) else { return inputs[0].with(output) }
        return inputs[0].with(output.filtered(by: keep))
    }
}
