/// Rows that are known beforehand: those of a reference table, and VALUES.

import StreamSQL

/// Gives its rows once, and then has ended. They have no time of their own.
struct ConstantRowsOperator: Operator {
    private enum Source: Sendable {
        case table(String)
        case values(ValuesRelation)
    }

    private let source: Source
    private let columns: [ColumnDefinition]
    private var rows: ColumnBatch
    private var hasLeft = false

    init(table schema: StreamSchema) {
        (source, columns, rows) = (.table(schema.name), schema.columns, .empty(schema.columns))
    }

    init(_ values: ValuesRelation) { (source, columns, rows) = (.values(values), values.columns, .empty(values.columns)) }

    mutating func setTables(_ tables: [String: ColumnBatch], _ context: inout OperatorContext) {
        if case .table(let name) = source, let table = tables[name] { rows = table }
    }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        guard !hasLeft else { return EdgeUpdate(.empty(columns), watermark: .end) }
        hasLeft = true
        if case .values(let values) = source { return EdgeUpdate(evaluate(values, &context), watermark: .end) }
        return EdgeUpdate(Self.keyed(rows), watermark: .end)
    }

    private func evaluate(_ values: ValuesRelation, _ context: inout OperatorContext) -> KeyedBatch {
        let count = values.rows.count
        let none = Self.keyed(
            ColumnBatch(rowtime: .repeating(.integer(0), .timestamp, count: count), columns: []))
        var errors: [RowError] = []
        var columns: [Column] = []
        for place in values.columns.indices {
            var column = Column.empty(values.columns[place].type)
            for (row, expressions) in values.rows.enumerated() {
                var own: [RowError] = []
                column.append(
                    contentsOf: context.evaluate(PreparedExpression(expressions[place]), over: none.slice(0..<1), errors: &own))
                errors += own.map { RowError(row: row, $0.failure) }
            }
            columns.append(column)
        }
        var rows = none
        rows.batch.columns = columns
        guard let keep = context.reject(errors, of: rows, columns: values.columns) else { return rows }
        return rows.filtered(by: keep)
    }

    private static func keyed(_ rows: ColumnBatch) -> KeyedBatch {
        KeyedBatch(rows, keys: [EventKey](repeating: .closing(at: 0), count: rows.count))
    }
}
