/// GROUP BY with a term of ROWTIME: tumbling windows.

import StreamSQL

/// Groups rows by their window and the other terms. A window closes when the clock reaches its end or, where ROWTIME never decreases, when a
/// row of a later window comes; its groups leave in the order of their first rows, with the window's end as ROWTIME (SQL Reference,
/// "SELECT": rows of 22:49:10 and 22:49:15 leave at 22:50:00). A window without rows gives none. Rows that come after their window's end
/// form another output of that window, which closes when a row of a later window comes or the clock has moved a whole window further.
struct AggregateOperator: Operator {
    private let aggregate: TumblingAggregate
    private let keys: [PreparedExpression]
    private let arguments: [PreparedExpression?]
    /// For each argument, the first one that is the same expression.
    private let firstAlike: [Int]
    private let inputColumns: [ColumnDefinition]
    private let inputIsAscending: Bool
    private let columns: [ColumnDefinition]
    let state: OperatorState?

    private var term: WindowTerm
    private var windows = OpenWindows<WindowGroups>()
    /// The groups of a window that has closed, for the next one.
    private var spare: WindowGroups?
    /// Whether all rows are one group that leaves at the end although there is none: aggregates without GROUP BY.
    private var isEmptyGroupDue: Bool

    init(_ aggregate: TumblingAggregate, inputColumns: [ColumnDefinition], order: RowtimeOrder, queryStart: Int64?) {
        self.aggregate = aggregate
        self.inputColumns = inputColumns
        inputIsAscending = order != .unknown
        columns = aggregate.columns
        keys = aggregate.keys.map { PreparedExpression($0) }
        arguments = aggregate.results.map { $0.argument.map { PreparedExpression($0) } }
        firstAlike = aggregate.results.indices.map { index in
            aggregate.results.firstIndex { $0.argument == aggregate.results[index].argument } ?? index
        }
        term = WindowTerm(aggregate.window, queryStart: queryStart)
        isEmptyGroupDue = aggregate.isWhole && aggregate.keys.isEmpty
        state = OperatorState(kind: "aggregate", version: 2, signature: aggregate.signature(over: inputColumns))
    }

    var deadline: Int64? { windows.deadline }

    var stateBytes: Int { windows.byteCount }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        var output = KeyedBatch.empty(columns)
        if !inputs[0].rows.isEmpty { add(inputs[0].rows, to: &output, &context) }
        close(windows.takeDue(at: inputs[0].watermark), into: &output, &context)
        if isEmptyGroupDue, inputs[0].watermark == .end { emitEmptyGroup(into: &output, &context) }
        return inputs[0].with(output)
    }

    private mutating func emitEmptyGroup(into output: inout KeyedBatch, _ context: inout OperatorContext) {
        isEmptyGroupDue = false
        var errors: [RowError] = []
        let window = Column.repeating(.boolean(true), term.type, count: 1)
        let results = aggregate.results.map { result in
            var none = result.function.makeAccumulator(result.argument?.type, result.type)
            none.grow(to: 1)
            return none.results(errors: &errors)
        }
        let time = Column.repeating(.integer(max(0, context.clockBefore)), .timestamp, count: 1)
        let row = KeyedBatch(ColumnBatch(rowtime: time, columns: [window] + results), keys: [.closing(at: .max)])
        if context.reject(errors, of: row, columns: columns) == nil { output.append(row) }
    }

    private mutating func add(_ input: KeyedBatch, to output: inout KeyedBatch, _ context: inout OperatorContext) {
        var errors: [RowError] = []
        var runs = term.runs(input.batch.rowtime, errors: &errors)
        var keyColumns = keys.map { context.evaluate($0, over: input, errors: &errors) }
        var argumentColumns: [Column?] = []
        for (index, argument) in arguments.enumerated() {
            let isKnown = firstAlike[index] < index
            argumentColumns.append(
                isKnown ? argumentColumns[firstAlike[index]] : argument.map { context.evaluate($0, over: input, errors: &errors) })
        }
        var rows = input
        if let keep = context.reject(errors, of: input, columns: inputColumns) {
            rows = input.filtered(by: keep)
            keyColumns = keyColumns.map { $0.filtered(by: keep) }
            argumentColumns = argumentColumns.map { $0?.filtered(by: keep) }
            // What is left has a window each, as has been seen.
            var none: [RowError] = []
            runs = term.runs(rows.batch.rowtime, errors: &none)
        }
        if !rows.isEmpty { isEmptyGroupDue = false }
        // Written out once, not for each window anew.
        if runs.count > 1 { keyColumns = keyColumns.map { $0.runEnds == nil ? $0 : Column($0.type, $0.values, nulls: $0.nulls) } }
        for run in runs {
            var start = run.rows.lowerBound
            while start < run.rows.upperBound {
                let key = rows.keys[start]
                closeBefore(run, rows.batch.rowtime(start), key, into: &output, &context)
                let position = windows.position(of: run) ?? windows.open(term.opened(run, clock: key.time), takeSpare())
                // The first row belongs to the window by now, whatever its place.
                let due = windows.deadline.map { rows.keys.firstIndex(after: .closing(at: $0), from: start) } ?? rows.count
                let end = max(start + 1, min(run.rows.upperBound, due))
                windows.withContent(at: position) { groups in
                    groups.add(start..<end, of: rows.count, keys: keyColumns, arguments: argumentColumns)
                }
                start = end
            }
        }
    }

    private mutating func closeBefore(
        _ run: WindowRun, _ rowtime: Int64, _ key: EventKey, into output: inout KeyedBatch, _ context: inout OperatorContext
    ) {
        close(windows.takeDue(before: key), into: &output, &context)
        guard inputIsAscending else { return }
        close(windows.takePassed(by: run, rowtime: rowtime, under: key), into: &output, &context)
    }

    private mutating func takeSpare() -> WindowGroups { spare.take() ?? WindowGroups(aggregate) }

    /// Emits windows' groups and keeps the memory of one of them.
    private mutating func close(
        _ closing: consuming [OpenWindows<WindowGroups>.Closing], into output: inout KeyedBatch, _ context: inout OperatorContext
    ) {
        // Taken out one by one, so that their memory has one owner when it is cleared.
        closing.reverse()
        while var last = closing.popLast() {
            emit(last.window, last.content, under: last.event, into: &output, &context)
            if windows.retire(last) { continue }
            last.content.removeAll()
            spare = last.content
        }
    }

    private func emit(
        _ window: Window, _ groups: WindowGroups, under event: EventKey, into output: inout KeyedBatch,
        _ context: inout OperatorContext
    ) {
        let count = groups.count
        let time = window.end ?? min(event.time, context.clockBefore)
        var all = groups.terms
        all.append(.repeating(window.value.value(at: 0), term.type, count: count))
        let terms = all.count
        var errors: [RowError] = []
        all += groups.results(errors: &errors)
        let closed = KeyedBatch(
            ColumnBatch(rowtime: .repeating(.integer(time), .timestamp, count: count), columns: all),
            keys: [EventKey](repeating: event, count: count))
        if errors.isEmpty {
            output.append(closed)
        } else {
            // A group without a result is reported by its grouping terms.
            var shown = closed
            shown.batch.columns.removeLast(all.count - terms)
            if let keep = context.reject(errors, of: shown, columns: Array(columns.prefix(terms))) {
                output.append(closed.filtered(by: keep))
            }
        }
    }

    // MARK: State

    mutating func freezeState(whole: Bool, head: inout StateWriter) { windows.freeze(whole: whole, head: &head) }

    mutating func nextPiece(bytes: Int, to writer: inout StateWriter) -> Bool { windows.nextPiece(bytes: bytes, to: &writer) }

    mutating func restore(_ layers: [StateLayer]) throws(SnapshotError) {
        try windows.restore(layers, type: term.type) { WindowGroups(aggregate) }
    }

    mutating func readState(from reader: inout StateReader) throws(SnapshotError) {
        try readWindows(try reader.count(), from: &reader)
    }

    mutating func readFirstState(from reader: inout StateReader) throws(SnapshotError) {
        try readWindows(try reader.bool() ? 1 : 0, from: &reader)
    }

    private mutating func readWindows(_ count: Int, from reader: inout StateReader) throws(SnapshotError) {
        windows.removeAll()
        for _ in 0..<count {
            let window = try Window(from: &reader, type: term.type)
            var groups = WindowGroups(aggregate)
            try groups.readWhole(from: &reader)
            _ = windows.open(window, groups)
        }
    }
}

extension TumblingAggregate {
    /// What the state is about.
    func signature(over columns: [ColumnDefinition]) -> String {
        let keys = keys.map { $0.signature(over: columns) }.joined(separator: ", ")
        let results = results.map { result in
            let argument = result.argument.map { $0.signature(over: columns) } ?? "*"
            return "\(result.function.name)(\(result.isDistinct ? "DISTINCT " : "")\(argument)) \(result.type)"
        }
        return "by \(keys); window \(window.signature(over: columns)); \(results.joined(separator: ", "))"
    }
}
