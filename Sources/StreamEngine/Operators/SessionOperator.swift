/// GROUP BY with SESSION: windows of activity, one a key at a time.

import StreamSQL

/// A window opens with a row of its key and ends a gap after its last one. It leaves, with its end as ROWTIME, when the clock reaches that or, where ROWTIME
/// runs ahead of the clock, when a row of that time or later comes. A row at the end itself begins the next window. A window whose end is passed already when
/// its last row comes, for ROWTIME lags behind the clock, stays open for a gap by the clock, so that more late rows join it, but not longer than one that ends
/// later: windows leave in the order of their ends.
struct SessionOperator: WholeStateOperator {
    private let keys: [PreparedExpression]
    private let arguments: [PreparedExpression?]
    private let inputColumns: [ColumnDefinition]
    private let columns: [ColumnDefinition]
    let state: OperatorState?

    private var groups: SessionGroups
    var frozen = WholeState()

    init(_ aggregate: SessionAggregate, inputColumns: [ColumnDefinition]) {
        self.inputColumns = inputColumns
        columns = aggregate.columns
        keys = aggregate.keys.map { PreparedExpression($0) }
        arguments = aggregate.results.map { $0.argument.map { PreparedExpression($0) } }
        groups = SessionGroups(aggregate)
        let results = aggregate.results.map { result in
            let argument = result.argument.map { $0.signature(over: inputColumns) } ?? "*"
            return "\(result.function.name)(\(result.isDistinct ? "DISTINCT " : "")\(argument)) \(result.type)"
        }
        let terms = aggregate.keys.map { $0.signature(over: inputColumns) }.joined(separator: ", ")
        state = OperatorState(
            kind: "session", version: 1, signature: "by \(terms); \(aggregate.gap) ms; \(results.joined(separator: ", "))")
    }

    var deadline: Int64? { groups.next?.window.deadline }
    var stateBytes: Int { groups.byteCount }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        var output = KeyedBatch.empty(columns)
        if !inputs[0].rows.isEmpty { add(inputs[0].rows, to: &output, &context) }
        while let next = groups.next?.window, inputs[0].watermark.passes(next.deadline) {
            close(through: next, under: .closing(at: next.deadline), into: &output, &context)
        }
        return inputs[0].with(output)
    }

    private mutating func add(_ input: KeyedBatch, to output: inout KeyedBatch, _ context: inout OperatorContext) {
        var errors: [RowError] = []
        var keyColumns = keys.map { context.evaluate($0, over: input, errors: &errors) }
        var argumentColumns = arguments.map { $0.map { context.evaluate($0, over: input, errors: &errors) } }
        var rows = input
        if let keep = context.reject(errors, of: input, columns: inputColumns) {
            rows = input.filtered(by: keep)
            keyColumns = keyColumns.map { $0.filtered(by: keep) }
            argumentColumns = argumentColumns.map { $0?.filtered(by: keep) }
        }
        let rowtimes = rows.batch.rowtimes
        // Rows whose windows are known and that have not been counted yet.
        var (start, slots) = (0, [Int]())
        for row in 0..<rows.count {
            while let next = groups.next?.window {
                let isDue = EventKey.closing(at: next.deadline) < rows.keys[row]
                guard isDue || next.end <= rowtimes[row] else { break }
                groups.update(start..<row, slots, argumentColumns)
                (start, slots) = (row, [])
                close(through: next, under: isDue ? .closing(at: next.deadline) : rows.keys[row], into: &output, &context)
            }
            slots.append(groups.slot(of: row, keyColumns, rowtime: rowtimes[row], clock: rows.keys[row].time))
        }
        groups.update(start..<rows.count, slots, argumentColumns)
    }

    /// Closes the first open window, and with it those that close at the same time.
    private mutating func close(
        through first: SessionGroups.Open, under event: EventKey, into output: inout KeyedBatch, _ context: inout OperatorContext
    ) {
        let closing = groups.take { $0.deadline == first.deadline && $0.end == first.end }
        var errors: [RowError] = []
        let results = groups.results(of: closing, errors: &errors)
        let shown = KeyedBatch(groups.rows(of: closing), keys: [EventKey](repeating: event, count: closing.count))
        var whole = shown
        whole.batch.columns += results
        let kept = context.reject(errors, of: shown, columns: Array(columns.prefix(shown.batch.columns.count)))
        output.append(kept.map { whole.filtered(by: $0) } ?? whole)
        groups.forget(closing)
    }

    // MARK: State

    func write(to writer: inout StateWriter) { groups.write(to: &writer) }
    mutating func read(from reader: inout StateReader) throws(SnapshotError) { try groups.read(from: &reader) }
}
