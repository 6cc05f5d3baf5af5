/// The open windows of a stagger, each a slot of the aggregates' accumulators.

import StreamSQL

/// Slots are given out in the order in which windows open. Those of closed windows are given up when they are more than the open ones: the open ones then
/// move to accumulators of their own.
struct StaggerGroups: Sendable {
    /// An open window.
    struct Open: Sendable, Equatable {
        var slot: Int
        /// ROWTIMEs: its first row's, and the one at which it ends.
        var start: Int64
        var end: Int64
        /// The clock at which it closes: its own, or that of a window behind it which closes earlier.
        var deadline: Int64
    }

    private let aggregate: StaggerAggregate
    private var accumulators: [any Accumulator]
    /// For each DISTINCT aggregate, the values seen in each slot.
    private var seen: [Set<[UInt8]>?]
    private var seenBytes = 0
    /// The open window of each key.
    private var slots: [[UInt8]: Int] = [:]
    private var keys: [[UInt8]] = []
    private var keyBytes = 0
    private var terms: [ColumnBuilder]
    /// In the order of their ends and, of one end, in that in which they opened, from `first` on; so are the deadlines.
    private var open: [Open] = []
    private var first = 0
    private var key: [UInt8] = []

    init(_ aggregate: StaggerAggregate) {
        self.aggregate = aggregate
        accumulators = aggregate.results.map { $0.function.makeAccumulator($0.argument?.type, $0.type) }
        seen = aggregate.results.map { $0.isDistinct ? [] : nil }
        terms = aggregate.keys.map { ColumnBuilder($0.type) }
    }

    /// The open window that closes next.
    var next: Open? { first < open.count ? open[first] : nil }

    var byteCount: Int {
        let texts = accumulators.reduce(0) { $0 + $1.textBytes }
        return texts + seenBytes + keyBytes + keys.count * 24 * accumulators.count
    }

    /// The slot of a row's window; where none is open, one is opened.
    mutating func slot(of row: Int, _ keyColumns: [Column], rowtime: Int64, clock: Int64) -> Int {
        key.removeAll(keepingCapacity: true)
        for column in keyColumns { column.appendKeyBytes(row, into: &key) }
        if let slot = slots[key] { return slot }
        let slot = keys.count
        slots[key] = slot
        keys.append(key)
        keyBytes += key.count * 2 + 128
        for index in terms.indices { terms[index].append(row, of: keyColumns[index]) }
        func later(_ time: Int64) -> Int64 {
            let (sum, overflow) = time.addingReportingOverflow(aggregate.length)
            return overflow ? .max : sum
        }
        let end = later(rowtime)
        insert(Open(slot: slot, start: rowtime, end: end, deadline: end > clock ? end : later(clock)))
        return slot
    }

    /// Puts a window behind those that end no later. None of them outlives it: one that opened late would otherwise give its end after a later one.
    private mutating func insert(_ window: Open) {
        var place = open.count
        while place > first, open[place - 1].end > window.end { place -= 1 }
        open.insert(window, at: place)
        if place + 1 < open.count { open[place].deadline = min(window.deadline, open[place + 1].deadline) }
        hasten(before: place)
    }

    /// Brings the deadlines of the windows before one down to its own.
    private mutating func hasten(before place: Int) {
        var index = place
        while index > first, open[index - 1].deadline > open[place].deadline {
            index -= 1
            open[index].deadline = open[place].deadline
        }
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

    /// Takes out the windows at the front that close together.
    mutating func take(while closes: (Open) -> Bool) -> [Open] {
        var taken: [Open] = []
        while let next, closes(next) {
            taken.append(next)
            first += 1
        }
        return taken
    }

    func terms(of windows: [Open]) -> [Column] {
        terms.map { $0.finish().gather(rows: windows.map(\.slot)) }
    }

    func results(of windows: [Open], errors: inout [RowError]) -> [Column] {
        let slots = windows.map(\.slot)
        return zip(aggregate.results, accumulators).map { result, accumulator in
            var some = result.function.makeAccumulator(result.argument?.type, result.type)
            some.grow(to: slots.count)
            some.restore(accumulator.stateColumns(of: slots), count: slots.count)
            return some.results(errors: &errors)
        }
    }

    /// Gives up windows that were taken out.
    mutating func forget(_ windows: [Open]) {
        for window in windows { slots[keys[window.slot]] = nil }
        let live = open.count - first
        if first > 64, first > live { keep(Array(open[first...])) }
    }

    /// Moves the open windows to slots of their own.
    private mutating func keep(_ windows: [Open]) {
        let old = windows.map(\.slot)
        for (index, result) in aggregate.results.enumerated() {
            let state = accumulators[index].stateColumns(of: old)
            accumulators[index] = result.function.makeAccumulator(result.argument?.type, result.type)
            accumulators[index].grow(to: old.count)
            if !old.isEmpty { accumulators[index].restore(state, count: old.count) }
        }
        let kept = terms.map { $0.finish().gather(rows: old) }
        terms = aggregate.keys.map { ColumnBuilder($0.type) }
        for index in terms.indices { terms[index].append(rows: 0..<old.count, of: kept[index]) }
        renumberSeen(Dictionary(uniqueKeysWithValues: old.enumerated().map { ($1, $0) }))
        keys = old.map { keys[$0] }
        keyBytes = keys.reduce(0) { $0 + $1.count * 2 + 128 }
        slots = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($1, $0) })
        open = windows.enumerated().map { Open(slot: $0, start: $1.start, end: $1.end, deadline: $1.deadline) }
        first = 0
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

    /// The open windows as if they had just moved.
    func write(to writer: inout StateWriter) {
        var kept = self
        kept.keep(Array(open[first...]))
        writer.write(count: kept.open.count)
        for window in kept.open {
            writer.write(window.start)
            writer.write(window.end)
            writer.write(window.deadline)
        }
        for term in kept.terms { writer.write(plain: term.finish()) }
        for accumulator in kept.accumulators {
            for column in accumulator.stateColumns(of: Array(kept.open.indices)) { writer.write(plain: column) }
        }
        for case let values? in kept.seen {
            writer.write(count: values.count)
            for value in values.sorted(by: { $0.lexicographicallyPrecedes($1) }) { writer.write(value) }
        }
    }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        let count = try reader.count(of: 24)
        for slot in 0..<count {
            open.append(Open(slot: slot, start: try reader.int64(), end: try reader.int64(), deadline: try reader.int64()))
            // Older states have each window's own.
            hasten(before: slot)
        }
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
