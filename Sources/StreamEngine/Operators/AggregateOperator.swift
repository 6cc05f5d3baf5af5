/// GROUP BY with a term of ROWTIME: tumbling windows.

import StreamSQL

/// Groups rows while the window's term is constant. A window closes when the clock reaches its end, or when a row of another window comes;
/// its groups leave in the order of their first rows, with the window's end as ROWTIME (SQL Reference, "SELECT": rows of 22:49:10 and
/// 22:49:15 leave at 22:50:00). A window without rows gives none. Rows that come after their window's end form another output of that window,
/// which closes when a row of another window comes or the clock has moved a whole window further.
struct AggregateOperator: Operator {
    private let aggregate: TumblingAggregate
    private let keys: [PreparedExpression]
    private let window: PreparedExpression
    private let arguments: [PreparedExpression?]
    private let inputColumns: [ColumnDefinition]
    private let columns: [ColumnDefinition]

    private var periodEnd: PeriodEnd
    private var open: OpenPeriod?
    private var groupCount = 0
    private var groups = KeyTable()
    /// The grouping terms of each group.
    private var keyValues: [ColumnBuilder]
    private var accumulators: [any Accumulator]
    /// For each DISTINCT aggregate, the values of each group seen so far.
    private var distinctValues: [KeyTable?]
    // Memory used again for every batch.
    private var rowGroups: [Int] = []
    private var key: [UInt8] = []

    init(_ aggregate: TumblingAggregate, inputColumns: [ColumnDefinition]) {
        self.aggregate = aggregate
        self.inputColumns = inputColumns
        columns = aggregate.columns
        keys = aggregate.keys.map { PreparedExpression($0) }
        window = PreparedExpression(aggregate.window)
        arguments = aggregate.results.map { $0.argument.map { PreparedExpression($0) } }
        periodEnd = PeriodEnd(aggregate.window)
        keyValues = aggregate.keys.map { ColumnBuilder($0.type) }
        accumulators = aggregate.results.map { $0.function.makeAccumulator($0.argument?.type, $0.type) }
        distinctValues = aggregate.results.map { $0.isDistinct ? KeyTable() : nil }
    }

    var deadline: Int64? { open?.deadline }

    var stateBytes: Int {
        let distinct = distinctValues.reduce(0) { $0 + ($1?.byteCount ?? 0) }
        // The grouping terms are in the table of groups already, in about the same size.
        return 2 * groups.byteCount + groupCount * 40 * accumulators.count + accumulators.reduce(distinct) { $0 + $1.textBytes }
    }

    mutating func process(_ inputs: [KeyedBatch], _ context: inout OperatorContext) -> KeyedBatch {
        var output = KeyedBatch.empty(columns)
        if !inputs[0].isEmpty { add(inputs[0], to: &output, &context) }
        if let deadline, deadline <= context.until { close(under: .closing(at: deadline), into: &output, &context) }
        return output
    }

    private mutating func add(_ input: KeyedBatch, to output: inout KeyedBatch, _ context: inout OperatorContext) {
        var errors: [RowError] = []
        var windowColumn = context.evaluate(window, over: input, errors: &errors)
        var keyColumns = keys.map { context.evaluate($0, over: input, errors: &errors) }
        var argumentColumns = arguments.map { argument in argument.map { context.evaluate($0, over: input, errors: &errors) } }
        var rows = input
        if let keep = context.reject(errors, of: input, columns: inputColumns) {
            rows = input.filtered(by: keep)
            windowColumn = windowColumn.filtered(by: keep)
            keyColumns = keyColumns.map { $0.filtered(by: keep) }
            argumentColumns = argumentColumns.map { $0?.filtered(by: keep) }
        }
        var start = 0
        while start < rows.count {
            if let period = open, period.isOver(before: rows.keys[start]), let deadline = period.deadline {
                close(under: .closing(at: deadline), into: &output, &context)
            }
            if let period = open, windowColumn.compare(start, with: period.value, 0) != 0 {
                close(under: rows.keys[start], into: &output, &context)
            }
            let period =
                open
                ?? OpenPeriod(
                    value: windowColumn.slice(start..<(start + 1)), of: rows.batch.rowtimes[start], openedAt: rows.keys[start].time,
                    &periodEnd)
            open = period
            // The first row belongs to the period by now, whatever its place.
            let end = max(start + 1, period.firstRowOutside(windowColumn, rows.keys, from: start))
            accumulate(start..<end, of: rows.count, keyColumns, argumentColumns)
            start = end
        }
    }

    private mutating func accumulate(_ rows: Range<Int>, of count: Int, _ keyColumns: [Column], _ argumentColumns: [Column?]) {
        findGroups(rows, keyColumns)
        for index in accumulators.indices {
            accumulators[index].grow(to: groupCount)
            let whole = argumentColumns[index]
            if distinctValues[index] != nil, let whole {
                accumulateDistinct(index, rows, whole)
            } else {
                accumulators[index].update(groups: rowGroups, argument: rows.count == count ? whole : whole?.slice(rows))
            }
        }
    }

    /// Sets `rowGroups` for the rows, making groups for new keys.
    private mutating func findGroups(_ rows: Range<Int>, _ keyColumns: [Column]) {
        rowGroups.removeAll(keepingCapacity: true)
        if keyColumns.isEmpty {
            groupCount = 1
            rowGroups.append(contentsOf: repeatElement(0, count: rows.count))
            return
        }
        for row in rows {
            key.removeAll(keepingCapacity: true)
            for column in keyColumns { column.appendKeyBytes(row, into: &key) }
            let group = key.withUnsafeBytes { groups.number(of: $0) }
            if group == groupCount {
                groupCount += 1
                for index in keyValues.indices { keyValues[index].append(row, of: keyColumns[index]) }
            }
            rowGroups.append(group)
        }
    }

    /// Only the first appearance of a value in its group counts.
    private mutating func accumulateDistinct(_ index: Int, _ rows: Range<Int>, _ argument: Column) {
        var firsts: [Int] = []
        var firstGroups: [Int] = []
        for (offset, row) in rows.enumerated() where !argument.isNull(row) {
            key.removeAll(keepingCapacity: true)
            withUnsafeBytes(of: rowGroups[offset]) { key.append(contentsOf: $0) }
            argument.appendKeyBytes(row, into: &key)
            let known = distinctValues[index]?.count ?? 0
            let number = key.withUnsafeBytes { distinctValues[index]?.number(of: $0) ?? 0 }
            guard number == known else { continue }
            firsts.append(row)
            firstGroups.append(rowGroups[offset])
        }
        accumulators[index].update(groups: firstGroups, argument: argument.gather(rows: firsts))
    }

    /// Emits the open window's groups and forgets them.
    private mutating func close(under event: EventKey, into output: inout KeyedBatch, _ context: inout OperatorContext) {
        guard let period = open else { return }
        open = nil
        let time = period.end ?? event.time
        var all = keyValues.map { $0.finish() }
        all.append(.repeating(period.value.value(at: 0), window.type, count: groupCount))
        let terms = all.count
        var errors: [RowError] = []
        for accumulator in accumulators { all.append(accumulator.results(errors: &errors)) }
        let closed = KeyedBatch(
            ColumnBatch(rowtimes: [Int64](repeating: time, count: groupCount), columns: all),
            keys: [EventKey](repeating: event, count: groupCount))
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
        reset()
    }

    private mutating func reset() {
        groupCount = 0
        groups.removeAll()
        keyValues = keys.map { ColumnBuilder($0.type) }
        for index in accumulators.indices { accumulators[index].removeAll() }
        for index in distinctValues.indices { distinctValues[index]?.removeAll() }
    }

    // MARK: State

    func writeState(to writer: inout StateWriter) {
        writer.write(open != nil)
        guard let open else { return }
        open.write(to: &writer)
        writer.write(count: groupCount)
        groups.write(to: &writer)
        for builder in keyValues { writer.write(builder.finish()) }
        for accumulator in accumulators {
            for column in accumulator.stateColumns() { writer.write(column) }
        }
        for values in distinctValues { values?.write(to: &writer) }
    }

    mutating func readState(from reader: inout StateReader) throws(SnapshotError) {
        reset()
        open = nil
        guard try reader.bool() else { return }
        let period = try OpenPeriod(from: &reader, type: window.type)
        let count = try reader.count(of: 0)
        groups = try KeyTable(from: &reader)
        guard count == (keys.isEmpty ? 1 : groups.count), count > 0 else { throw .damaged("the number of groups is wrong") }
        for index in keyValues.indices {
            let column = try reader.column(keys[index].type, rows: count)
            keyValues[index].append(rows: 0..<count, of: column)
        }
        for index in accumulators.indices {
            var state: [Column] = []
            // A fresh accumulator tells how many columns there are and of which types.
            for shape in accumulators[index].stateColumns() { state.append(try reader.column(shape.type, rows: count)) }
            accumulators[index].restore(state, count: count)
        }
        for index in distinctValues.indices where distinctValues[index] != nil {
            distinctValues[index] = try KeyTable(from: &reader)
        }
        groupCount = count
        open = period
    }
}
