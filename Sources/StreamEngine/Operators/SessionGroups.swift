/// The open windows of SESSION, in the order in which they close.

import StreamSQL

/// A list that is linked in the order of last rows, which is that of ends, for ROWTIME never decreases.
struct SessionGroups: Sendable {
    /// An open window.
    struct Open: Sendable {
        /// ROWTIMEs: its first row's, and the one at which it ends.
        var start: Int64
        var end: Int64
        /// The clock at which it closes: its own, or that of a window behind it which closes earlier.
        var deadline: Int64
        /// The slots before and behind it; -1 for none.
        var before = -1
        var behind = -1
    }

    private let gap: Int64
    private var slots: KeySlots
    /// By slot; those of closed windows mean nothing.
    private var open: [Open] = []
    private var first = -1
    private var last = -1
    private var openCount = 0

    init(_ aggregate: SessionAggregate) {
        gap = aggregate.gap
        slots = KeySlots(keys: aggregate.keys, results: aggregate.results)
    }

    /// The open window that closes next.
    var next: (slot: Int, window: Open)? { first < 0 ? nil : (first, open[first]) }

    var byteCount: Int { slots.byteCount + open.count * MemoryLayout<Open>.stride }

    /// The slot of a row's window, which then ends a gap after the row; where none is open, one is opened.
    mutating func slot(of row: Int, _ keyColumns: [Column], rowtime: Int64, clock: Int64) -> Int {
        let (slot, isNew) = slots.slot(of: row, keyColumns)
        let end = later(rowtime)
        let deadline = end > clock ? end : later(clock)
        if isNew {
            open.append(Open(start: rowtime, end: end, deadline: deadline))
            openCount += 1
        } else {
            unlink(slot)
            (open[slot].end, open[slot].deadline) = (end, deadline)
        }
        link(slot)
        return slot
    }

    private func later(_ time: Int64) -> Int64 {
        let (sum, overflow) = time.addingReportingOverflow(gap)
        return overflow ? .max : sum
    }

    private mutating func unlink(_ slot: Int) {
        let (before, behind) = (open[slot].before, open[slot].behind)
        if before >= 0 { open[before].behind = behind } else { first = behind }
        if behind >= 0 { open[behind].before = before } else { last = before }
    }

    /// Puts a window at the end. None before it outlives it: one whose last row was late would otherwise give its end after a later one.
    private mutating func link(_ slot: Int) {
        (open[slot].before, open[slot].behind) = (last, -1)
        if last >= 0 { open[last].behind = slot } else { first = slot }
        last = slot
        var place = open[slot].before
        while place >= 0, open[place].deadline > open[slot].deadline {
            open[place].deadline = open[slot].deadline
            place = open[place].before
        }
    }

    /// Adds consecutive rows to their windows.
    mutating func update(_ rows: Range<Int>, _ slots: [Int], _ arguments: [Column?]) {
        self.slots.update(rows, slots, arguments)
    }

    /// Takes out the windows at the front that close together.
    mutating func take(while closes: (Open) -> Bool) -> [Int] {
        var taken: [Int] = []
        while let next, closes(next.window) {
            taken.append(next.slot)
            unlink(next.slot)
        }
        return taken
    }

    /// The windows of slots, as rows: the keys and the start.
    func rows(of taken: [Int]) -> ColumnBatch {
        ColumnBatch(
            rowtimes: taken.map { open[$0].end },
            columns: slots.terms(of: taken) + [Column(.timestamp, .integers(taken.map { open[$0].start }))])
    }

    func results(of taken: [Int], errors: inout [RowError]) -> [Column] { slots.results(of: taken, errors: &errors) }

    /// Gives up windows that were taken out.
    mutating func forget(_ taken: [Int]) {
        for slot in taken { slots.close(slot) }
        openCount -= taken.count
        if open.count - openCount > 64, open.count > 2 * openCount { keepOpen() }
    }

    /// Moves the open windows to slots of their own, in their order.
    private mutating func keepOpen() {
        var kept: [Int] = []
        var place = first
        while place >= 0 {
            kept.append(place)
            place = open[place].behind
        }
        slots.keep(kept)
        open = kept.map { open[$0] }
        (first, last, openCount) = (-1, -1, open.count)
        for slot in open.indices { link(slot) }
    }

    // MARK: State

    /// The open windows as if they had just moved.
    func write(to writer: inout StateWriter) {
        var kept = self
        kept.keepOpen()
        writer.write(count: kept.open.count)
        for window in kept.open {
            writer.write(window.start)
            writer.write(window.end)
            writer.write(window.deadline)
        }
        kept.slots.write(to: &writer)
    }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        let count = try reader.count(of: 24)
        for slot in 0..<count {
            open.append(Open(start: try reader.int64(), end: try reader.int64(), deadline: try reader.int64()))
            link(slot)
        }
        openCount = count
        try slots.read(count, from: &reader)
    }
}
