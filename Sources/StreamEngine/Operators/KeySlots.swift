/// The aggregates of windows that each key has at most one of: a slot of the accumulators for each window.

import StreamSQL

/// Slots are given out in the order in which windows open. A closed window's slot is given up when the open ones move to accumulators of their own (`keep`).
struct KeySlots: Sendable {
    private let results: [AggregateCall]
    private let keyTypes: [SQLType]
    private var accumulators: [any Accumulator]
    /// For each DISTINCT aggregate, the values seen in each slot.
    private var seen: [Set<[UInt8]>?]
    private var seenBytes = 0
    /// The open window of each key.
    private var slots: [[UInt8]: Int] = [:]
    private var keys: [[UInt8]] = []
    private var keyBytes = 0
    private var terms: [ColumnBuilder]
    private var key: [UInt8] = []

    init(keys: [TypedExpression], results: [AggregateCall]) {
        self.results = results
        keyTypes = keys.map(\.type)
        accumulators = results.map { $0.function.makeAccumulator($0.argument?.type, $0.type) }
        seen = results.map { $0.isDistinct ? [] : nil }
        terms = keys.map { ColumnBuilder($0.type) }
    }

    /// How many slots there are, those of closed windows among them.
    var count: Int { keys.count }

    var byteCount: Int {
        let texts = accumulators.reduce(0) { $0 + $1.textBytes }
        return texts + seenBytes + keyBytes + keys.count * 24 * accumulators.count
    }

    /// The slot of a row's window; where none is open, a new one.
    mutating func slot(of row: Int, _ keyColumns: [Column]) -> (slot: Int, isNew: Bool) {
        key.removeAll(keepingCapacity: true)
        for column in keyColumns { column.appendKeyBytes(row, into: &key) }
        if let slot = slots[key] { return (slot, false) }
        let slot = keys.count
        slots[key] = slot
        keys.append(key)
        keyBytes += key.count * 2 + 128
        for index in terms.indices { terms[index].append(row, of: keyColumns[index]) }
        return (slot, true)
    }

    /// Adds consecutive rows to their windows.
    mutating func update(_ rows: Range<Int>, _ slots: [Int], _ arguments: [Column?]) {
        if rows.isEmpty { return }
        for index in accumulators.indices {
            accumulators[index].grow(to: keys.count)
            guard seen[index] != nil, let argument = arguments[index] else {
                accumulators[index].update(groups: slots, argument: arguments[index]?.slice(rows))
                continue
            }
            var (firsts, firstSlots) = ([Int](), [Int]())
            for (offset, row) in rows.enumerated() where !argument.isNull(row) {
                key.removeAll(keepingCapacity: true)
                withUnsafeBytes(of: slots[offset]) { key.append(contentsOf: $0) }
                argument.appendKeyBytes(row, into: &key)
                guard seen[index]?.insert(key).inserted == true else { continue }
                seenBytes += key.count + 48
                firsts.append(row)
                firstSlots.append(slots[offset])
            }
            accumulators[index].update(groups: firstSlots, argument: argument.gather(rows: firsts))
        }
    }

    func terms(of slots: [Int]) -> [Column] { terms.map { $0.finish().gather(rows: slots) } }

    func results(of slots: [Int], errors: inout [RowError]) -> [Column] {
        zip(results, accumulators).map { result, accumulator in
            var some = result.function.makeAccumulator(result.argument?.type, result.type)
            some.grow(to: slots.count)
            some.restore(accumulator.stateColumns(of: slots), count: slots.count)
            return some.results(errors: &errors)
        }
    }

    /// The window of a slot has closed.
    mutating func close(_ slot: Int) { slots[keys[slot]] = nil }

    /// Moves some slots to the places that they have in the list; the others are given up.
    mutating func keep(_ old: [Int]) {
        for (index, result) in results.enumerated() {
            let state = accumulators[index].stateColumns(of: old)
            accumulators[index] = result.function.makeAccumulator(result.argument?.type, result.type)
            accumulators[index].grow(to: old.count)
            if !old.isEmpty { accumulators[index].restore(state, count: old.count) }
        }
        let kept = terms(of: old)
        terms = keyTypes.map { ColumnBuilder($0) }
        for index in terms.indices { terms[index].append(rows: 0..<old.count, of: kept[index]) }
        renumberSeen(Dictionary(uniqueKeysWithValues: old.enumerated().map { ($1, $0) }))
        keys = old.map { keys[$0] }
        keyBytes = keys.reduce(0) { $0 + $1.count * 2 + 128 }
        slots = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($1, $0) })
    }

    private mutating func renumberSeen(_ numbers: [Int: Int]) {
        let size = MemoryLayout<Int>.size
        seenBytes = 0
        for index in seen.indices {
            guard let values = seen[index] else { continue }
            var kept: Set<[UInt8]> = []
            for value in values {
                let slot = value.prefix(size).reversed().reduce(0) { $0 << 8 | Int($1) }
                guard let number = numbers[slot] else { continue }
                kept.insert(withUnsafeBytes(of: number.littleEndian) { Array($0) } + value.dropFirst(size))
                seenBytes += value.count + 48
            }
            seen[index] = kept
        }
    }

    // MARK: State

    /// Writes all slots.
    func write(to writer: inout StateWriter) {
        for term in terms { writer.write(plain: term.finish()) }
        for accumulator in accumulators {
            for column in accumulator.stateColumns(of: Array(keys.indices)) { writer.write(plain: column) }
        }
        for case let values? in seen {
            writer.write(count: values.count)
            for value in values.sorted(by: { $0.lexicographicallyPrecedes($1) }) { writer.write(value) }
        }
    }

    /// Reads so many slots.
    mutating func read(_ count: Int, from reader: inout StateReader) throws(SnapshotError) {
        var columns: [Column] = []
        for index in terms.indices {
            columns.append(try reader.column(terms[index].type, rows: count))
            terms[index].append(rows: 0..<count, of: columns[index])
        }
        for row in 0..<count {
            key.removeAll(keepingCapacity: true)
            for column in columns { column.appendKeyBytes(row, into: &key) }
            guard slots.updateValue(row, forKey: key) == nil else { throw .damaged("a window appears twice") }
            keys.append(key)
            keyBytes += key.count * 2 + 128
        }
        for index in accumulators.indices {
            var state: [Column] = []
            for shape in accumulators[index].stateColumns() { state.append(try reader.column(shape.type, rows: count)) }
            accumulators[index].grow(to: count)
            if count > 0 { accumulators[index].restore(state, count: count) }
        }
        for index in seen.indices where seen[index] != nil {
            for _ in 0..<(try reader.count(of: 8)) { seen[index]?.insert(try reader.byteString()) }
        }
    }
}
