/// Batches whose rows know when they happen, so that whole batches give what single rows would.

import StreamSQL

/// The event in which a row appears: the clock and, at one time, closing windows before input rows, these in their order.
///
/// Played row by row, every pump sees the events one after the other. Here a pump sees the rows of many events at once; keys put rows of
/// several writers back in the order of events.
struct EventKey: Comparable, Sendable {
    /// The clock, milliseconds since 1970-01-01 UTC.
    var time: Int64
    /// `closing`, or the place in the input's batch.
    var step: Int

    static let closingStep = -1
    static func closing(at time: Int64) -> EventKey { EventKey(time: time, step: closingStep) }
    /// A row of the input's batch.
    static func row(_ index: Int, at time: Int64) -> EventKey { EventKey(time: time, step: 2 * index + 1) }
    /// Those of a whole batch, whose rows have these times.
    static func rows(of rowtime: Column) -> [EventKey] {
        var keys: [EventKey] = []
        keys.reserveCapacity(rowtime.count)
        let times = rowtime.runs.integers
        rowtime.forEachRun { rows, place in
            for row in rows { keys.append(.row(row, at: times[place])) }
        }
        return keys
    }
    /// A record that failed, before a row of the input's batch.
    static func failure(before index: Int, at time: Int64) -> EventKey { EventKey(time: time, step: 2 * index) }

    /// The row of the input's batch that this is the event of.
    var inputRow: Int? { step > 0 && step % 2 == 1 ? step / 2 : nil }

    static func < (a: Self, b: Self) -> Bool { a.time != b.time ? a.time < b.time : a.step < b.step }
}

/// Rows in the order of their events. Several rows may come from one event.
struct KeyedBatch: Sendable {
    var batch: ColumnBatch
    /// One a row, never decreasing.
    var keys: [EventKey]

    init(_ batch: ColumnBatch, keys: [EventKey]) {
        self.batch = batch
        self.keys = keys
    }

    static func empty(_ columns: [ColumnDefinition]) -> KeyedBatch { KeyedBatch(.empty(columns), keys: []) }

    var count: Int { keys.count }
    var isEmpty: Bool { keys.isEmpty }

    func gather(rows: [Int]) -> KeyedBatch { KeyedBatch(batch.gather(rows: rows), keys: rows.map { keys[$0] }) }

    func slice(_ rows: Range<Int>) -> KeyedBatch {
        rows == 0..<count ? self : KeyedBatch(batch.slice(rows), keys: Array(keys[rows]))
    }

    /// The rows whose flag is true.
    func filtered(by keep: [Bool]) -> KeyedBatch {
        var rows: [Int] = []
        rows.reserveCapacity(count)
        for row in keep.indices where keep[row] { rows.append(row) }
        return rows.count == count ? self : gather(rows: rows)
    }

    mutating func append(_ other: KeyedBatch) {
        if other.isEmpty { return }
        if isEmpty {
            self = other
            return
        }
        batch.append(contentsOf: other.batch)
        keys.append(contentsOf: other.keys)
    }

    /// One batch of all rows by their keys; rows of one event in the order of the batches.
    static func merged(_ batches: [KeyedBatch], columns: [ColumnDefinition]) -> KeyedBatch {
        let filled = batches.filter { !$0.isEmpty }
        guard var all = filled.first else { return .empty(columns) }
        var inOrder = true
        for batch in filled.dropFirst() {
            if let last = all.keys.last, let first = batch.keys.first, first < last { inOrder = false }
            all.append(batch)
        }
        if inOrder { return all }
        let keys = all.keys
        // Equal keys keep the order of the batches, for rows are numbered in that order.
        return all.gather(rows: keys.indices.sorted { keys[$0] == keys[$1] ? $0 < $1 : keys[$0] < keys[$1] })
    }
}
