/// The groups of one window: their keys and the state of every aggregate.

import StreamSQL

/// Grows group by group in the order of their first rows.
struct WindowGroups: WindowContent {
    private let keyTypes: [SQLType]
    private let results: [AggregateCall]
    private var table: GroupTable
    private var accumulators: [any Accumulator]
    /// For each aggregate, an earlier one that holds the same of the same argument, so that this one need not be updated.
    private let holders: [Int?]
    private let isDistinct: [Bool]
    /// For each DISTINCT aggregate, the values of each group seen so far.
    private var distinctValues: [KeyTable?]
    /// What a snapshot that is being written has still to write.
    private var frozen = Frozen()
    // Memory used again for every batch.
    private var rowGroups: [Int] = []
    private var key: [UInt8] = []

    init(_ aggregate: TumblingAggregate) {
        keyTypes = aggregate.keys.map(\.type)
        results = aggregate.results
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
        isDistinct = aggregate.results.map { $0.isDistinct && $0.argument != nil }
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
        if frozen.groups.pendingCount > 0 { savePending() }
        frozen.groups.note(rowGroups, count: count)
        let (groups, count, isWhole) = (rowGroups, count, rows.count == batchCount)
        let (holders, isDistinct) = (holders, isDistinct)
        let isWide = rows.count >= GroupTable.rowsWorthCores && table.isLarge
        // Each aggregate by itself takes the rows in their order, so that sums of doubles do not depend on the number of cores.
        Cores.forEach(&accumulators, isWorthIt: isWide) { accumulator, index in
            guard holders[index] == nil else { return }
            accumulator.grow(to: count)
            if isDistinct[index] { return }
            accumulator.update(groups: groups, argument: isWhole ? arguments[index] : arguments[index]?.slice(rows))
        }
        for index in isDistinct.indices where isDistinct[index] {
            if let argument = arguments[index] { addDistinct(index, rows, argument) }
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

    /// The groups of the rows that were added last.
    var lastGroups: [Int] { rowGroups }

    func terms(of groups: [Int]) -> [Column] { table.terms(of: groups) }

    /// The results of some groups; one without a result is among the errors, by its place among them.
    func results(of groups: [Int], errors: inout [RowError]) -> [Column] {
        results.indices.map { index in
            let result = results[index]
            var some = result.function.makeAccumulator(result.argument?.type, result.type)
            some.grow(to: groups.count)
            some.restore(complete(index).stateColumns(of: groups), count: groups.count)
            return some.results(errors: &errors)
        }
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
        frozen = Frozen()
        for index in accumulators.indices { accumulators[index].removeAll() }
        for index in distinctValues.indices { distinctValues[index]?.removeAll() }
    }

    /// A snapshot of version 2, into fresh groups: the keys' bytes, then the grouping terms themselves, then each aggregate's columns as if nothing
    /// were shared.
    mutating func readWhole(from reader: inout StateReader) throws(SnapshotError) {
        let groups = try reader.count(of: 0)
        let keyCount = try reader.count(of: 8)
        // The terms say the same.
        for _ in 0..<keyCount { _ = try reader.byteString() }
        guard groups == (keyTypes.isEmpty ? 1 : keyCount), groups > 0 else {
            throw .damaged("the number of groups is wrong")
        }
        var terms: [Column] = []
        for type in keyTypes { terms.append(try reader.column(type, rows: groups)) }
        try number(terms, count: groups)
        for index in accumulators.indices {
            var state: [Column] = []
            // A fresh accumulator tells how many columns there are and of which types.
            for shape in accumulators[index].stateColumns() { state.append(try reader.column(shape.type, rows: groups)) }
            if holders[index] == nil { accumulators[index].restore(state, count: groups) }
        }
        for index in distinctValues.indices where distinctValues[index] != nil {
            try distinctValues[index]?.read(from: &reader)
        }
    }

    /// Makes the groups of these terms, in turns, so that little memory is needed beside them.
    private mutating func number(_ terms: [Column], count groups: Int) throws(SnapshotError) {
        for first in stride(from: 0, to: groups, by: 1 << 14) {
            table.number(first..<min(groups, first + 1 << 14), of: terms, into: &rowGroups)
        }
        guard table.count == groups else { throw .damaged("a group appears twice") }
    }
}

// MARK: - State

extension WindowGroups {
    /// What a piece of the state holds.
    private enum PieceKind: UInt8 {
        /// The terms of consecutive groups.
        case terms
        /// The aggregates' columns of some groups.
        case aggregates
        /// Consecutive values of one DISTINCT aggregate.
        case distinct
    }

    /// How far a snapshot has come. Terms and DISTINCT values only grow in number; an aggregate that changes before it was written is saved first.
    private struct Frozen: Sendable {
        var groups = ChangedGroups()
        /// Pieces of groups that have changed since.
        var saved: [StateWriter] = []
        var count = 0
        var writtenTerms = 0
        var distinct: [Int] = []
        var writtenDistinct: [Int] = []
    }

    mutating func freeze(whole: Bool, head: inout StateWriter) {
        frozen.groups.freeze(whole: whole, count: count)
        frozen.count = count
        frozen.distinct = distinctValues.map { $0?.count ?? 0 }
        if whole || frozen.writtenDistinct.isEmpty { frozen.writtenDistinct = frozen.distinct.map { _ in 0 } }
        if whole {
            frozen.saved = []
            frozen.writtenTerms = 0
        }
        head.write(count: count)
        for count in frozen.distinct { head.write(count: count) }
    }

    var isFrozen: Bool {
        frozen.groups.pendingCount > 0 || !frozen.saved.isEmpty || frozen.writtenTerms < frozen.count
            || frozen.writtenDistinct != frozen.distinct
    }

    mutating func writePiece(bytes: Int, to writer: inout StateWriter) {
        if let saved = frozen.saved.popLast() {
            writer.write(piece: saved)
        } else if frozen.writtenTerms < frozen.count {
            let count = max(1, bytes / max(8, table.byteCount / max(1, table.count)))
            let range = frozen.writtenTerms..<min(frozen.count, frozen.writtenTerms + count)
            writer.write(PieceKind.terms.rawValue)
            writer.write(count: range.count)
            for term in table.terms(of: range) { writer.write(term) }
            frozen.writtenTerms = range.upperBound
        } else if frozen.groups.pendingCount > 0 {
            let texts = accumulators.reduce(0) { $0 + $1.textBytes } / max(1, count)
            write(aggregates: frozen.groups.takeNext(max(1, bytes / (24 * (accumulators.count + 1) + texts))), to: &writer)
        } else if let index = frozen.distinct.indices.first(where: { frozen.writtenDistinct[$0] < frozen.distinct[$0] }) {
            let values = distinctValues[index]
            let count = max(1, bytes / max(8, (values?.byteCount ?? 0) / max(1, values?.count ?? 0)))
            let range = frozen.writtenDistinct[index]..<min(frozen.distinct[index], frozen.writtenDistinct[index] + count)
            writer.write(PieceKind.distinct.rawValue)
            writer.write(count: index)
            values?.write(range, to: &writer)
            frozen.writtenDistinct[index] = range.upperBound
        }
    }

    private func write(aggregates groups: [Int], to writer: inout StateWriter) {
        writer.write(PieceKind.aggregates.rawValue)
        writer.write(Column(.bigint, .integers(groups.map(Int64.init))))
        for index in accumulators.indices {
            for column in complete(index).stateColumns(of: groups) { writer.write(column) }
        }
    }

    /// How many groups are saved as one piece.
    private static let savedAtOnce = 4096

    /// The rows at hand change groups that are still to be written as they were.
    private mutating func savePending() {
        let groups = frozen.groups.takePending(among: rowGroups)
        // One record of the hidden stream each.
        for first in stride(from: 0, to: groups.count, by: Self.savedAtOnce) {
            var writer = StateWriter()
            write(aggregates: Array(groups[first..<min(first + Self.savedAtOnce, groups.count)]), to: &writer)
            frozen.saved.append(writer)
        }
    }

    mutating func restore(head: inout StateReader, pieces: [StateReader]) throws(SnapshotError) {
        let groups = try head.number()
        var distinct: [Int] = []
        for _ in distinctValues { distinct.append(try head.number()) }
        var terms = keyTypes.map { ColumnBuilder($0) }
        var termCount = 0
        // A fresh accumulator tells how many columns there are and of which types.
        let shapes = accumulators.map { $0.stateColumns().map(\.type) }
        // A count is believed as far as there are bytes for it.
        let room = min(groups, pieces.reduce(0) { $0 + $1.remaining })
        var columns = shapes.map { $0.map { ScatteredColumn($0, count: room) } }
        var known = [Bool](repeating: false, count: room)
        for piece in pieces {
            var piece = piece
            switch PieceKind(rawValue: try piece.byte()) {
            case .terms:
                let count = try piece.number()
                guard count <= groups - termCount else { throw .damaged("there are more groups than there were") }
                termCount += count
                for index in terms.indices {
                    terms[index].append(rows: 0..<count, of: try piece.column(keyTypes[index], rows: count))
                }
            case .aggregates:
                let rows = try piece.column(.bigint).integers
                guard rows.allSatisfy({ 0..<Int64(room) ~= $0 }) else { throw .damaged("a group's number") }
                for row in rows { known[Int(row)] = true }
                for index in shapes.indices {
                    for place in shapes[index].indices {
                        columns[index][place].set(rows, try piece.column(shapes[index][place], rows: rows.count))
                    }
                }
            case .distinct:
                let index = try piece.number()
                guard distinctValues.indices.contains(index), distinctValues[index] != nil else {
                    throw .damaged("DISTINCT values")
                }
                try distinctValues[index]?.read(from: &piece)
            case nil: throw .damaged("a piece of another kind")
            }
            try piece.checkEnd()
        }
        guard termCount == groups, room == groups, !known.contains(false), distinctValues.map({ $0?.count ?? 0 }) == distinct,
            groups > 0, !keyTypes.isEmpty || groups == 1
        else { throw .damaged("groups are missing") }
        try number(terms.map { $0.finish() }, count: groups)
        for index in accumulators.indices where holders[index] == nil {
            accumulators[index].restore(columns[index].map(\.column), count: groups)
        }
        frozen = Frozen(count: groups, writtenTerms: groups, distinct: distinct, writtenDistinct: distinct)
    }
}
