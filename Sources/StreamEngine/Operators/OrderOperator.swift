/// `AS ROWTIME` in a subquery: rows whose ROWTIME falls are rejected, as a stream rejects them.

import StreamSQL

/// Lets through rows whose ROWTIME is not lower than the one before (SQL Reference, "ROWTIME": it may not decrease), so that what reads
/// them may take a row's ROWTIME for a watermark.
struct OrderOperator: Operator {
    let columns: [ColumnDefinition]
    private var last: Int64?

    init(columns: [ColumnDefinition]) { self.columns = columns }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        let input = inputs[0].rows
        if input.isEmpty { return inputs[0] }
        var errors: [RowError] = []
        var highest = last ?? .min
        for (row, rowtime) in input.batch.rowtimes.enumerated() {
            if rowtime < highest {
                errors.append(
                    RowError(
                        row: row, name: "Out of order",
                        message: "The row's ROWTIME is lower than that of a row before it in the subquery."))
            } else {
                highest = rowtime
            }
        }
        last = highest
        guard let keep = context.reject(errors, of: input, columns: columns) else { return inputs[0] }
        return inputs[0].with(input.filtered(by: keep))
    }

    // MARK: State

    var state: OperatorState? { OperatorState(kind: "order", version: 1, signature: "") }

    mutating func freezeState(whole: Bool, head: inout StateWriter) { head.write(last) }

    mutating func restore(_ layers: [StateLayer]) throws(SnapshotError) {
        guard var head = layers.last?.head else { return }
        last = try head.optionalInt64()
        try head.checkEnd()
    }

    mutating func readState(from reader: inout StateReader) throws(SnapshotError) { last = try reader.optionalInt64() }

    /// There was no such operator.
    mutating func readFirstState(from reader: inout StateReader) throws(SnapshotError) {}
}
