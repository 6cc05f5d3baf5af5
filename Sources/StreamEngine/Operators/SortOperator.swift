/// ORDER BY with a leading term of ROWTIME: rows wait while it is constant and leave sorted.

import StreamSQL

/// Holds rows of one period and emits them, by the remaining terms, when the clock reaches the period's end or a row of another period comes.
///
/// The reference page is silent on the ROWTIME of sorted rows. Here all rows of a period leave with the latest ROWTIME among them: it never
/// decreases, is each row's own under ORDER BY ROWTIME, and keeps the rows in the period they were sorted in. Rows whose terms are equal keep their
/// order of arrival.
struct SortOperator: Operator {
    private let sort: TimedSort
    private let period: PreparedExpression
    private let terms: [PreparedExpression]
    private let columns: [ColumnDefinition]
    /// The rows are results of an aggregation sorted by its window: those of one window come in one event, so that nothing need be
    /// waited for after it.
    private let comesInWholeWindows: Bool

    private var periodEnd: PeriodEnd
    private var open: OpenPeriod?
    /// The key of the last row held, for whole windows.
    private var heldKey: EventKey?
    private var held: ColumnBatchBuilder
    private var heldTerms: [ColumnBuilder]
    private var heldBytes = 0

    init(_ sort: TimedSort, columns: [ColumnDefinition], comesInWholeWindows: Bool) {
        self.sort = sort
        self.columns = columns
        self.comesInWholeWindows = comesInWholeWindows
        period = PreparedExpression(sort.period)
        terms = sort.keys.map { PreparedExpression($0.expression) }
        periodEnd = PeriodEnd(sort.period)
        held = ColumnBatchBuilder(columns.map(\.type))
        heldTerms = sort.keys.map { ColumnBuilder($0.expression.type) }
    }

    var deadline: Int64? { comesInWholeWindows ? nil : open?.deadline }
    var stateBytes: Int { heldBytes }

    mutating func process(_ inputs: [KeyedBatch], _ context: inout OperatorContext) -> KeyedBatch {
        var output = KeyedBatch.empty(columns)
        if !inputs[0].isEmpty { hold(inputs[0], &output, &context) }
        if comesInWholeWindows {
            if let heldKey { release(under: heldKey, into: &output) }
        } else if let deadline, deadline <= context.until {
            release(under: .closing(at: deadline), into: &output)
        }
        return output
    }

    private mutating func hold(_ input: KeyedBatch, _ output: inout KeyedBatch, _ context: inout OperatorContext) {
        var errors: [RowError] = []
        var periods = context.evaluate(period, over: input, errors: &errors)
        var termColumns = terms.map { context.evaluate($0, over: input, errors: &errors) }
        var rows = input
        if let keep = context.reject(errors, of: input, columns: columns) {
            rows = input.filtered(by: keep)
            periods = periods.filtered(by: keep)
            termColumns = termColumns.map { $0.filtered(by: keep) }
        }
        var start = 0
        while start < rows.count {
            let key = rows.keys[start]
            if comesInWholeWindows {
                if let heldKey, heldKey < key { release(under: heldKey, into: &output) }
            } else {
                if let open, open.isOver(before: key), let deadline = open.deadline {
                    release(under: .closing(at: deadline), into: &output)
                }
                if let open, periods.compare(start, with: open.value, 0) != 0 { release(under: key, into: &output) }
            }
            let end: Int
            if comesInWholeWindows {
                end = rows.keys[start...].firstIndex { key < $0 } ?? rows.count
                heldKey = key
            } else {
                let period =
                    open
                    ?? OpenPeriod(
                        value: periods.slice(start..<(start + 1)), of: rows.batch.rowtimes[start], openedAt: key.time, &periodEnd)
                open = period
                end = max(start + 1, period.firstRowOutside(periods, rows.keys, from: start))
            }
            heldBytes += rows.batch.slice(start..<end).byteCount
            held.rowtimes.append(contentsOf: rows.batch.rowtimes[start..<end])
            for index in columns.indices { held.columns[index].append(rows: start..<end, of: rows.batch.columns[index]) }
            for index in heldTerms.indices { heldTerms[index].append(rows: start..<end, of: termColumns[index]) }
            start = end
        }
    }

    private mutating func release(under event: EventKey, into output: inout KeyedBatch) {
        let held = held.finish()
        let terms = heldTerms.map { $0.finish() }
        let keys = sort.keys
        let order = (0..<held.count).sorted { a, b in
            for index in terms.indices {
                let order = terms[index].compare(a, with: terms[index], b)
                if order != 0 { return keys[index].isDescending ? order > 0 : order < 0 }
            }
            return a < b
        }
        var sorted = held.gather(rows: order)
        if let latest = held.rowtimes.max() { sorted.rowtimes = [Int64](repeating: latest, count: sorted.count) }
        output.append(KeyedBatch(sorted, keys: [EventKey](repeating: event, count: sorted.count)))
        reset()
    }

    private mutating func reset() {
        open = nil
        heldKey = nil
        heldBytes = 0
        held = ColumnBatchBuilder(columns.map(\.type))
        heldTerms = terms.map { ColumnBuilder($0.type) }
    }

    // MARK: State

    func writeState(to writer: inout StateWriter) {
        writer.write(open != nil)
        guard let open else { return }
        open.write(to: &writer)
        writer.write(held.finish())
        for column in heldTerms { writer.write(column.finish()) }
    }

    mutating func readState(from reader: inout StateReader) throws(SnapshotError) {
        reset()
        guard try reader.bool() else { return }
        let period = try OpenPeriod(from: &reader, type: self.period.type)
        let batch = try reader.batch(columns)
        held.rowtimes = batch.rowtimes
        for index in columns.indices { held.columns[index].append(rows: 0..<batch.count, of: batch.columns[index]) }
        for index in heldTerms.indices {
            heldTerms[index].append(rows: 0..<batch.count, of: try reader.column(terms[index].type, rows: batch.count))
        }
        heldBytes = batch.byteCount
        open = period
    }
}

extension ColumnBatch {
    /// About how much memory the rows take.
    var byteCount: Int {
        columns.reduce(rowtimes.count * 8) { sum, column in
            switch column.values {
            case .booleans(let values): sum + values.count * 2
            case .integers(let values): sum + values.count * 9
            case .doubles(let values): sum + values.count * 9
            case .bytes(let values): sum + values.count * 9 + values.totalLength
            }
        }
    }
}
