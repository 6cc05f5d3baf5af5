/// An in-application stream: its columns and how far its ROWTIME has come.

import StreamSQL

struct StreamState: Sendable {
    let schema: StreamSchema
    /// The ROWTIME of the last row inserted.
    var lastRowtime: Int64?
    /// The pumps that fill it.
    var writers: [String] = []

    init(_ schema: StreamSchema) { self.schema = schema }

    /// The rows that enter the stream. One with NULL in a column that is NOT NULL is rejected, as is one with a lower ROWTIME than the last
    /// inserted (SQL Reference, "INSERT": ROWTIME may not decrease).
    mutating func accept(_ rows: KeyedBatch, _ context: inout OperatorContext) -> KeyedBatch {
        var last = lastRowtime ?? .min
        var errors: [RowError] = []
        var isRefused = [Bool](repeating: false, count: rows.count)
        for (column, definition) in zip(rows.batch.columns, schema.columns) where definition.notNull {
            for (row, isNull) in (column.nulls ?? []).enumerated() where isNull {
                errors.append(
                    RowError(row: row, name: "NULL value", message: "The column \(definition.name) of \(schema.name) is NOT NULL."))
                isRefused[row] = true
            }
        }
        let times = rows.batch.rowtime.runs.integers
        let isAnyRefused = !errors.isEmpty
        rows.batch.rowtime.forEachRun { run, place in
            let rowtime = times[place]
            if rowtime < last {
                for row in run where !isRefused[row] {
                    errors.append(
                        RowError(
                            row: row, name: "Out of order",
                            message: "The row's ROWTIME is lower than that of a row already in \(schema.name)."))
                }
            } else if !isAnyRefused || run.contains(where: { !isRefused[$0] }) {
                last = rowtime
            }
        }
        if !rows.isEmpty { lastRowtime = last }
        if errors.isEmpty { return rows }
        // Which of several writers it was is not known any more.
        context.pump = writers.count == 1 ? writers.first : nil
        guard let keep = context.reject(errors, of: rows, columns: schema.columns) else { return rows }
        return rows.filtered(by: keep)
    }
}
