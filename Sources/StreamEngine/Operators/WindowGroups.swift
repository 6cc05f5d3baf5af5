/// The groups of one window: their keys and the state of every aggregate.

import StreamSQL

/// Grows group by group in the order of their first rows.
struct WindowGroups: Sendable {
    private let keyTypes: [SQLType]
    private var table: GroupTable
    private var accumulators: [any Accumulator]
    /// For each aggregate, an earlier one that holds the same of the same argument, so that this one need not be updated.
    private let holders: [Int?]
    /// For each DISTINCT aggregate, the values of each group seen so far.
    private var distinctValues: [KeyTable?]
    // Memory used again for every batch.
    private var rowGroups: [Int] = []
    private var key: [UInt8] = []

    init(_ aggregate: TumblingAggregate) {
        keyTypes = aggregate.keys.map(\.type)
        table = GroupTable(keyTypes)
        let accumulators = aggregate.results.map { $0.function.makeAccumulator($0.argument?.type, $0.type) }
        holders = aggregate.results.indices.map { index in
            let result = aggregate.results[index]
            guard !result.isDistinct, result.argument != nil else { return nil }
            return (0..<index).first { earlier in
                let other = aggregate.results[earlier]
                var trial = accumulators[index]
                return !other.isDistinct && other.argument == result.argument && trial.adopt(accumulators[earlier])
            }
        }
        self.accumulators = accumulators
        distinctValues = aggregate.results.map { $0.isDistinct ? KeyTable() : nil }
    }

    var count: Int { table.count }

    var byteCount: Int {
        let distinct = distinctValues.reduce(0) { $0 + ($1?.byteCount ?? 0) }
        let updated = holders.count { $0 == nil }
        return table.byteCount + count * 24 * updated + accumulators.reduce(distinct) { $0 + $1.textBytes }
    }

    /// Takes in rows of a batch of `batchCount`.
    mutating func add(_ rows: Range<Int>, of batchCount: Int, keys: [Column], arguments: [Column?]) {
        table.number(rows, of: keys, into: &rowGroups)
        for index in accumulators.indices where holders[index] == nil {
            accumulators[index].grow(to: count)
            let whole = arguments[index]
            if distinctValues[index] != nil, let whole {
                addDistinct(index, rows, whole)
            } else {
                accumulators[index].update(groups: rowGroups, argument: rows.count == batchCount ? whole : whole?.slice(rows))
            }
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
    var terms: [Column] { table.terms }

    /// The results of all groups; a group without one is among the errors.
    func results(errors: inout [RowError]) -> [Column] {
        var all: [Column] = []
        for index in accumulators.indices { all.append(complete(index).results(errors: &errors)) }
        return all
    }

    /// An aggregate with what it holds, be it its own or another's.
    private func complete(_ index: Int) -> any Accumulator {
        guard let holder = holders[index] else { return accumulators[index] }
        var complete = accumulators[index]
        _ = complete.adopt(accumulators[holder])
        return complete
    }

    /// Forgets all groups; keeps memory for about as many again.
    mutating func removeAll() {
        table.removeAll()
        for index in accumulators.indices { accumulators[index].removeAll() }
        for index in distinctValues.indices { distinctValues[index]?.removeAll() }
    }

    // MARK: State

    /// Version 1: the keys' bytes, then the grouping terms themselves, then each aggregate's columns as if nothing were shared.
    func write(to writer: inout StateWriter) {
        let terms = terms
        writer.write(count: count)
        writer.write(count: keyTypes.isEmpty ? 0 : count)
        for group in 0..<(keyTypes.isEmpty ? 0 : count) {
            var key: [UInt8] = []
            for term in terms { term.appendKeyBytes(group, into: &key) }
            writer.write(key)
        }
        for term in terms { writer.write(term) }
        for index in accumulators.indices {
            for column in complete(index).stateColumns() { writer.write(column) }
        }
        for values in distinctValues { values?.write(to: &writer) }
    }

    /// Reads into fresh groups.
    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        let groups = try reader.count(of: 0)
        let keyCount = try reader.count(of: 8)
        // The terms say the same.
        for _ in 0..<keyCount { _ = try reader.byteString() }
        guard groups == (keyTypes.isEmpty ? 1 : keyCount), groups > 0 else {
            throw .damaged("the number of groups is wrong")
        }
        var terms: [Column] = []
        for type in keyTypes { terms.append(try reader.column(type, rows: groups)) }
        table.number(0..<groups, of: terms, into: &rowGroups)
        guard table.count == groups else { throw .damaged("a group appears twice") }
        for index in accumulators.indices {
            var state: [Column] = []
            // A fresh accumulator tells how many columns there are and of which types.
            for shape in accumulators[index].stateColumns() { state.append(try reader.column(shape.type, rows: groups)) }
            if holders[index] == nil { accumulators[index].restore(state, count: groups) }
        }
        for index in distinctValues.indices where distinctValues[index] != nil {
            distinctValues[index] = try KeyTable(from: &reader)
        }
    }
}
