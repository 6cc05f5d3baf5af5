/// The groups of one window: their keys and the state of every aggregate.

import StreamSQL

/// Grows group by group in the order of their first rows.
struct WindowGroups: Sendable {
    private let keyTypes: [SQLType]
    private(set) var count = 0
    private var table = KeyTable()
    /// The grouping terms of each group.
    private var keyValues: [ColumnBuilder]
    private var accumulators: [any Accumulator]
    /// For each DISTINCT aggregate, the values of each group seen so far.
    private var distinctValues: [KeyTable?]
    // Memory used again for every batch.
    private var rowGroups: [Int] = []
    private var key: [UInt8] = []

    init(_ aggregate: TumblingAggregate) {
        keyTypes = aggregate.keys.map(\.type)
        keyValues = keyTypes.map { ColumnBuilder($0) }
        accumulators = aggregate.results.map { $0.function.makeAccumulator($0.argument?.type, $0.type) }
        distinctValues = aggregate.results.map { $0.isDistinct ? KeyTable() : nil }
    }

    var byteCount: Int {
        let distinct = distinctValues.reduce(0) { $0 + ($1?.byteCount ?? 0) }
        // The grouping terms are in the table of groups already, in about the same size.
        return 2 * table.byteCount + count * 40 * accumulators.count + accumulators.reduce(distinct) { $0 + $1.textBytes }
    }

    /// Takes in rows of a batch of `batchCount`.
    mutating func add(_ rows: Range<Int>, of batchCount: Int, keys: [Column], arguments: [Column?]) {
        findGroups(rows, keys)
        for index in accumulators.indices {
            accumulators[index].grow(to: count)
            let whole = arguments[index]
            if distinctValues[index] != nil, let whole {
                addDistinct(index, rows, whole)
            } else {
                accumulators[index].update(groups: rowGroups, argument: rows.count == batchCount ? whole : whole?.slice(rows))
            }
        }
    }

    /// Sets `rowGroups` for the rows, making groups for new keys.
    private mutating func findGroups(_ rows: Range<Int>, _ keyColumns: [Column]) {
        rowGroups.removeAll(keepingCapacity: true)
        if keyColumns.isEmpty {
            count = 1
            rowGroups.append(contentsOf: repeatElement(0, count: rows.count))
            return
        }
        for row in rows {
            key.removeAll(keepingCapacity: true)
            for column in keyColumns { column.appendKeyBytes(row, into: &key) }
            let group = key.withUnsafeBytes { table.number(of: $0) }
            if group == count {
                count += 1
                for index in keyValues.indices { keyValues[index].append(row, of: keyColumns[index]) }
            }
            rowGroups.append(group)
        }
    }

    /// Only the first appearance of a value in its group counts.
    private mutating func addDistinct(_ index: Int, _ rows: Range<Int>, _ argument: Column) {
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

    /// The grouping terms of all groups, in their order.
    var terms: [Column] { keyValues.map { $0.finish() } }

    /// The results of all groups; a group without one is among the errors.
    func results(errors: inout [RowError]) -> [Column] {
        var all: [Column] = []
        for accumulator in accumulators { all.append(accumulator.results(errors: &errors)) }
        return all
    }

    /// Forgets all groups; keeps memory for about as many again.
    mutating func removeAll() {
        count = 0
        table.removeAll()
        keyValues = keyTypes.map { ColumnBuilder($0) }
        for index in accumulators.indices { accumulators[index].removeAll() }
        for index in distinctValues.indices { distinctValues[index]?.removeAll() }
    }

    // MARK: State

    func write(to writer: inout StateWriter) {
        writer.write(count: count)
        table.write(to: &writer)
        for builder in keyValues { writer.write(builder.finish()) }
        for accumulator in accumulators {
            for column in accumulator.stateColumns() { writer.write(column) }
        }
        for values in distinctValues { values?.write(to: &writer) }
    }

    /// Reads into fresh groups.
    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        let groups = try reader.count(of: 0)
        table = try KeyTable(from: &reader)
        guard groups == (keyTypes.isEmpty ? 1 : table.count), groups > 0 else {
            throw .damaged("the number of groups is wrong")
        }
        for index in keyValues.indices {
            let column = try reader.column(keyTypes[index], rows: groups)
            keyValues[index].append(rows: 0..<groups, of: column)
        }
        for index in accumulators.indices {
            var state: [Column] = []
            // A fresh accumulator tells how many columns there are and of which types.
            for shape in accumulators[index].stateColumns() { state.append(try reader.column(shape.type, rows: groups)) }
            accumulators[index].restore(state, count: groups)
        }
        for index in distinctValues.indices where distinctValues[index] != nil {
            distinctValues[index] = try KeyTable(from: &reader)
        }
        count = groups
    }
}
