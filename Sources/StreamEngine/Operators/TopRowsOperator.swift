/// The first rows of each window of an aggregation, by some terms.

import StreamSQL

/// Rows of one window leave an aggregation one after the other in one event, so that nothing need be kept. Rows whose terms are equal keep their order.
struct TopRowsOperator: Operator {
    private let top: TopRows
    private let terms: [PreparedExpression]
    private let columns: [ColumnDefinition]

    init(_ top: TopRows, columns: [ColumnDefinition]) {
        self.top = top
        self.columns = columns
        terms = top.keys.map { PreparedExpression($0.expression) }
    }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        let input = inputs[0].rows
        if input.isEmpty { return inputs[0] }
        var errors: [RowError] = []
        var keys = terms.map { context.evaluate($0, over: input, errors: &errors) }
        var rows = input
        if let keep = context.reject(errors, of: input, columns: columns) {
            rows = input.filtered(by: keep)
            keys = keys.map { $0.filtered(by: keep) }
        }
        var chosen: [Int] = []
        var start = 0
        while start < rows.count {
            var end = start + 1
            while end < rows.count, rows.keys[end] == rows.keys[start], rows.batch.rowtime(end) == rows.batch.rowtime(start) {
                end += 1
            }
            chosen += SortKey.order(start..<end, by: top.keys, keys).prefix(top.count)
            start = end
        }
        return inputs[0].with(rows.gather(rows: chosen))
    }
}

extension SortKey {
    /// The rows by the terms, whose values stand in the columns; equal ones in their order.
    static func order(_ rows: Range<Int>, by keys: [SortKey], _ values: [Column]) -> [Int] {
        rows.sorted { a, b in
            for (key, column) in zip(keys, values) {
                let order = column.compare(a, with: column, b)
                if order != 0 { return (order < 0) != key.isDescending }
            }
            return a < b
        }
    }
}
