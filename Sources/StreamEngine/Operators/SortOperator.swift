/// ORDER BY with a leading term of ROWTIME: rows wait while it is constant and leave sorted.

import StreamSQL

/// Holds the rows of each period and emits them, by the remaining terms, when the clock reaches the period's end or, where ROWTIME never
/// decreases, a row of a later period comes.
///
/// The reference page is silent on the ROWTIME of sorted rows. Here all rows of a period leave with the latest ROWTIME among them: it never
/// decreases, is each row's own under ORDER BY ROWTIME, and keeps the rows in the period they were sorted in. Rows whose terms are equal keep their
/// order of arrival.
struct SortOperator: Operator {
    private let sort: TimedSort
    private let terms: [PreparedExpression]
    private let columns: [ColumnDefinition]
    private let inputIsAscending: Bool
    /// The rows are results of an aggregation sorted by its window: those of one window come one after the other in one event, so that
    /// nothing need be waited for after it.
    private let comesInWholeWindows: Bool
    let state: OperatorState?

    private var period: WindowTerm
    private var held = OpenWindows<HeldRows>()

    init(
        _ sort: TimedSort, columns: [ColumnDefinition], order: RowtimeOrder, comesInWholeWindows: Bool, queryStart: Int64?
    ) {
        self.sort = sort
        self.columns = columns
        self.comesInWholeWindows = comesInWholeWindows
        inputIsAscending = order != .unknown
        terms = sort.keys.map { PreparedExpression($0.expression) }
        period = WindowTerm(sort.period, queryStart: queryStart)
        state = comesInWholeWindows ? nil : OperatorState(kind: "sort", version: 2, signature: sort.signature(over: columns))
    }

    var deadline: Int64? { held.deadline }
    var stateBytes: Int { held.byteCount }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        var output = KeyedBatch.empty(columns)
        let input = inputs[0].rows
        if !input.isEmpty {
            if comesInWholeWindows {
                sortWindows(input, &output, &context)
            } else {
                hold(input, &output, &context)
            }
        }
        release(held.takeDue(at: inputs[0].watermark), into: &output)
        return inputs[0].with(output)
    }

    /// The rows whose terms have values, with these.
    private func evaluate(_ input: KeyedBatch, _ earlier: [RowError], _ context: inout OperatorContext) -> (KeyedBatch, [Column]) {
        var errors = earlier
        let termColumns = terms.map { context.evaluate($0, over: input, errors: &errors) }
        guard let keep = context.reject(errors, of: input, columns: columns) else { return (input, termColumns) }
        return (input.filtered(by: keep), termColumns.map { $0.filtered(by: keep) })
    }

    private mutating func sortWindows(_ input: KeyedBatch, _ output: inout KeyedBatch, _ context: inout OperatorContext) {
        let (rows, terms) = evaluate(input, [], &context)
        var start = 0
        while start < rows.count {
            let (key, rowtime) = (rows.keys[start], rows.batch.rowtime(start))
            var end = start + 1
            while end < rows.count, rows.keys[end] == key, rows.batch.rowtime(end) == rowtime { end += 1 }
            let range = start..<end
            output.append(sorted(rows.batch.slice(range), terms.map { $0.slice(range) }, under: key))
            start = end
        }
    }

    private mutating func hold(_ input: KeyedBatch, _ output: inout KeyedBatch, _ context: inout OperatorContext) {
        var errors: [RowError] = []
        var runs = period.runs(input.batch.rowtime, errors: &errors)
        let (rows, terms) = evaluate(input, errors, &context)
        if rows.count < input.count {
            var none: [RowError] = []
            runs = period.runs(rows.batch.rowtime, errors: &none)
        }
        for run in runs {
            var start = run.rows.lowerBound
            while start < run.rows.upperBound {
                let key = rows.keys[start]
                release(held.takeDue(before: key), into: &output)
                if inputIsAscending {
                    release(held.takePassed(by: run, rowtime: rows.batch.rowtime(start), under: key), into: &output)
                }
                let position =
                    held.position(of: run) ?? held.open(period.opened(run, clock: key.time), HeldRows(columns, sort.keys))
                let due = held.deadline.map { rows.keys.firstIndex(after: .closing(at: $0), from: start) } ?? rows.count
                let end = max(start + 1, min(run.rows.upperBound, due))
                held.withContent(at: position) { $0.add(start..<end, of: rows.batch, terms) }
                start = end
            }
        }
    }

    private mutating func release(_ closing: [OpenWindows<HeldRows>.Closing], into output: inout KeyedBatch) {
        for period in closing {
            _ = held.retire(period)
            output.append(sorted(period.content.rows.finish(), period.content.terms.map { $0.finish() }, under: period.event))
        }
    }

    private func sorted(_ batch: ColumnBatch, _ terms: [Column], under event: EventKey) -> KeyedBatch {
        let keys = sort.keys
        let order = (0..<batch.count).sorted { a, b in
            for index in terms.indices {
                let order = keys[index].compare(a, b, in: terms[index])
                if order != 0 { return order < 0 }
            }
            return a < b
        }
        var sorted = batch.gather(rows: order)
        if let latest = batch.rowtimes.max() { sorted.rowtime = .repeating(.integer(latest), .timestamp, count: sorted.count) }
        return KeyedBatch(sorted, keys: [EventKey](repeating: event, count: sorted.count))
    }

    // MARK: State

    mutating func freezeState(whole: Bool, head: inout StateWriter) { held.freeze(whole: whole, head: &head) }

    mutating func nextPiece(bytes: Int, to writer: inout StateWriter) -> Bool { held.nextPiece(bytes: bytes, to: &writer) }

    mutating func restore(_ layers: [StateLayer]) throws(SnapshotError) {
        try held.restore(layers, type: period.type) { HeldRows(columns, sort.keys) }
    }

    mutating func readState(from reader: inout StateReader) throws(SnapshotError) {
        try readPeriods(try reader.count(), from: &reader)
    }

    mutating func readFirstState(from reader: inout StateReader) throws(SnapshotError) {
        try readPeriods(try reader.bool() ? 1 : 0, from: &reader)
    }

    private mutating func readPeriods(_ count: Int, from reader: inout StateReader) throws(SnapshotError) {
        held.removeAll()
        for _ in 0..<count {
            let window = try Window(from: &reader, type: period.type)
            var rows = HeldRows(columns, sort.keys)
            try rows.readWhole(from: &reader)
            _ = held.open(window, rows)
        }
    }
}

extension TimedSort {
    /// What the state is about.
    fileprivate func signature(over columns: [ColumnDefinition]) -> String {
        let rows = columns.map { "\"\($0.name)\" \($0.type)" }.joined(separator: ", ")
        let terms = keys.map { key in
            let nulls = key.movesNulls ? " NULLS \(key.nullsFirst ? "FIRST" : "LAST")" : ""
            return key.expression.signature(over: columns) + (key.isDescending ? " DESC" : "") + nulls
        }
        return "(\(rows)) while \(period.signature(over: columns)) by \(terms.joined(separator: ", "))"
    }
}

extension ColumnBatch {
    /// About how much memory the rows take.
    var byteCount: Int {
        columns.reduce(count * 8) { sum, column in
            switch column.values {
            case .booleans(let values): sum + values.count * 2
            case .integers(let values): sum + values.count * 9
            case .doubles(let values): sum + values.count * 9
            case .bytes(let values): sum + values.count * 9 + values.totalLength
            }
        }
    }
}
