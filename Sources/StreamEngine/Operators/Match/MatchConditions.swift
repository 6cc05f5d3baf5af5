/// The conditions of DEFINE: those of a row by itself for a whole batch at once, the others for a thread.

import StreamSQL

struct MatchConditions: Sendable {
    private enum Condition: Sendable {
        /// Every row.
        case all
        /// The same whatever came before; its place among the columns of a batch.
        case ofRow(Int)
        /// Over some columns of the row, then the references.
        case ofThread(PreparedExpression, inputs: [Int], [MatchReference])
    }

    private let conditions: [Condition]
    /// Over the input's columns and, behind them, values of earlier rows.
    private var rowConditions: [(expression: PreparedExpression, references: [MatchReference])] = []
    private let values: MatchValues
    private let inputColumns: [ColumnDefinition]

    /// What is known of the rows of a batch beforehand.
    struct Known: Sendable {
        var columns: [[Bool]]
    }

    init(_ call: MatchCall, _ values: MatchValues, _ inputColumns: [ColumnDefinition]) {
        self.values = values
        self.inputColumns = inputColumns
        var ofRows: [(PreparedExpression, [MatchReference])] = []
        conditions = call.conditions.map { condition in
            guard let expression = condition.expression else { return .all }
            let references = condition.references.map(values.prepared)
            if condition.isOfRow {
                ofRows.append((PreparedExpression(expression), references))
                return .ofRow(ofRows.count - 1)
            }
            let inputs = expression.columnsRead.filter { $0 < inputColumns.count }.sorted()
            let compact = expression.mapColumns { column in
                column < inputColumns.count
                    ? inputs.firstIndex(of: column) ?? 0 : column - inputColumns.count + inputs.count
            }
            return .ofThread(PreparedExpression(compact), inputs: inputs, references)
        }
        rowConditions = ofRows
    }

    /// How many rows of a partition before its next one the conditions of rows look at.
    var farthestBefore: Int {
        rowConditions.flatMap(\.references).reduce(0) { farthest, reference in
            if case .before(let back) = reference.place { max(farthest, back) } else { farthest }
        }
    }

    /// - Parameters:
    ///   - earlier: rows of the partitions before the batch, then the batch's, with the kept columns.
    ///   - places: for each row of the batch, those of the rows before it in its partition among these, the nearest first.
    func known(
        _ input: KeyedBatch, earlier: ColumnBatch, places: [[Int]], _ context: inout OperatorContext, errors: inout [RowError]
    ) -> Known {
        var columns: [[Bool]] = []
        for (expression, references) in rowConditions {
            var batch = input
            for reference in references { batch.batch.columns.append(before(reference, input, earlier, places, &context)) }
            var failed: [RowError] = []
            var isTrue = context.evaluate(expression, over: batch, errors: &failed).isTrue
            for error in failed { isTrue[error.row] = false }
            columns.append(isTrue)
            errors += failed
        }
        return Known(columns: columns)
    }

    private func before(
        _ reference: MatchReference, _ input: KeyedBatch, _ earlier: ColumnBatch, _ places: [[Int]],
        _ context: inout OperatorContext
    ) -> Column {
        guard case .before(let back) = reference.place, let expression = reference.expression else {
            return .nulls(reference.type, count: input.count)
        }
        // What failed of an earlier row was said with it.
        var errors: [RowError] = []
        let time = input.keys.first ?? .closing(at: 0)
        let all = context.evaluate(
            PreparedExpression(expression), over: KeyedBatch(earlier, keys: [EventKey](repeating: time, count: earlier.count)),
            errors: &errors)
        let failed = Set(errors.map(\.row))
        var builder = ColumnBuilder(reference.type, capacity: input.count)
        for row in 0..<input.count {
            let place = back == 0 ? earlier.count - input.count + row : places[row].count >= back ? places[row][back - 1] : -1
            if place < 0 || failed.contains(place) { builder.appendNull() } else { builder.append(place, of: all) }
        }
        return builder.finish()
    }

    /// Whether a run may begin with a row that is taken for one of these variables.
    func mayHold(_ variables: [Int], _ row: Int, _ known: Known) -> Bool {
        variables.contains { variable in
            if case .ofRow(let index) = conditions[variable] { known.columns[index][row] } else { true }
        }
    }

    /// Whether the row, the last that the partition keeps, is let through.
    func holds(
        _ variable: Int, _ row: Int, _ known: Known, _ input: KeyedBatch, _ partition: MatchPartition, start: Int,
        _ labels: [UInt8],
        _ context: inout OperatorContext, errors: inout [RowError]
    ) -> Bool {
        switch conditions[variable] {
        case .all: return true
        case .ofRow(let index): return known.columns[index][row]
        case .ofThread(let expression, let inputs, let references):
            let taken = labels + [UInt8(truncatingIfNeeded: variable)]
            let here = input.slice(row..<row + 1)
            var failed: [RowError] = []
            // An absence leaves rows between the labels and the row at hand out.
            var columns = inputs.map { here.batch.columns[$0] }
            for reference in references {
                columns.append(
                    values.value(
                        reference, partition.rows, start: start - partition.firstRow, taken, here.keys[0], &context, errors: &failed
                    ))
            }
            let batch = KeyedBatch(ColumnBatch(rowtime: here.batch.rowtime, columns: columns), keys: here.keys)
            let result = context.evaluate(expression, over: batch, errors: &failed).isTrue
            errors += failed.prefix(1).map { error in
                var error = error
                error.row = row
                return error
            }
            return failed.isEmpty && result[0]
        }
    }
}
