/// The open windows of a stagger, in the order in which they close.

import StreamSQL

/// Windows of fixed length, one a key at most, with their aggregates.
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

    private let length: Int64
    private var slots: KeySlots
    /// In the order of their ends and, of one end, in that in which they opened, from `first` on; so are the deadlines.
    private var open: [Open] = []
    private var first = 0

    init(_ aggregate: StaggerAggregate) {
        length = aggregate.length
        slots = KeySlots(keys: aggregate.keys, results: aggregate.results)
    }

    /// The open window that closes next.
    var next: Open? { first < open.count ? open[first] : nil }

    var byteCount: Int { slots.byteCount }

    /// The slot of a row's window; where none is open, one is opened.
    mutating func slot(of row: Int, _ keyColumns: [Column], rowtime: Int64, clock: Int64) -> Int {
        let (slot, isNew) = slots.slot(of: row, keyColumns)
        guard isNew else { return slot }
        func later(_ time: Int64) -> Int64 {
            let (sum, overflow) = time.addingReportingOverflow(length)
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
        self.slots.update(rows, slots, arguments)
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

    func terms(of windows: [Open]) -> [Column] { slots.terms(of: windows.map(\.slot)) }

    func results(of windows: [Open], errors: inout [RowError]) -> [Column] {
        slots.results(of: windows.map(\.slot), errors: &errors)
    }

    /// Gives up windows that were taken out.
    mutating func forget(_ windows: [Open]) {
        for window in windows { slots.close(window.slot) }
        let live = open.count - first
        if first > 64, first > live { keep(Array(open[first...])) }
    }

    /// Moves the open windows to slots of their own.
    private mutating func keep(_ windows: [Open]) {
        slots.keep(windows.map(\.slot))
        open = windows.enumerated().map { Open(slot: $0, start: $1.start, end: $1.end, deadline: $1.deadline) }
        first = 0
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
        kept.slots.write(to: &writer)
    }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        let count = try reader.count(of: 24)
        for slot in 0..<count {
            open.append(Open(slot: slot, start: try reader.int64(), end: try reader.int64(), deadline: try reader.int64()))
            // Older states have each window's own.
            hasten(before: slot)
        }
        try slots.read(count, from: &reader)
    }
}
