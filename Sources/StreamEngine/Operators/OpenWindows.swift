/// The windows that are open in an operator, each with what it holds.

import StreamSQL

/// What a window holds: it can be frozen and then be written piece by piece while rows are added.
protocol WindowContent: Sendable {
    /// What it holds, in bytes, about.
    var byteCount: Int { get }
    /// Freezes what is there now; see `Operator.freezeState`.
    mutating func freeze(whole: Bool, head: inout StateWriter)
    /// Whether something of what was frozen has not been written yet.
    var isFrozen: Bool { get }
    /// Writes the next piece of it, where `isFrozen`.
    mutating func writePiece(bytes: Int, to writer: inout StateWriter)
    /// Takes into a fresh content what was frozen: the head of the last time, the pieces of all times in their order.
    mutating func restore(head: inout StateReader, pieces: [StateReader]) throws(SnapshotError)
}

/// Windows in the order in which they were opened; what closes in one event leaves in the order of (end, first row).
struct OpenWindows<Content: WindowContent>: Sendable {
    struct Entry: Sendable {
        /// Tells it from every other window that the operator ever had.
        var serial: Int64
        var window: Window
        var content: Content
    }

    /// A window that was taken out, with the event that closes it.
    struct Closing: Sendable {
        var event: EventKey
        var serial: Int64
        var window: Window
        var content: Content
    }

    private(set) var entries: [Entry] = []
    private var nextSerial: Int64 = 0
    /// Windows that have closed and are still to be written.
    private var retired: [Int64: Content] = [:]
    /// The windows that are to be written, the next one last.
    private var frozen: [Int64] = []

    /// What the windows hold, those too that have closed and are still to be written.
    var byteCount: Int {
        let open = entries.reduce(0) { $0 + $1.content.byteCount }
        return retired.values.reduce(open) { $0 + $1.byteCount }
    }

    /// The earliest clock at which one closes.
    var deadline: Int64? { entries.compactMap(\.window.deadline).min() }

    /// The position of the window that a run belongs to, if it is open.
    func position(of run: WindowRun) -> Int? { entries.lastIndex { $0.window.holds(run) } }

    mutating func open(_ window: Window, _ content: Content) -> Int {
        entries.append(Entry(serial: nextSerial, window: window, content: content))
        nextSerial += 1
        return entries.count - 1
    }

    mutating func withContent<R>(at position: Int, _ body: (inout Content) -> R) -> R { body(&entries[position].content) }

    /// Takes out what the clock closes before an event, in the order of the closing events.
    mutating func takeDue(before key: EventKey) -> [Closing] {
        taken { window in window.isOver(before: key) ? window.deadline.map { .closing(at: $0) } : nil }
    }

    /// Takes out what a watermark closes, in the order of the closing events; at the end of the input, what no clock would close comes last.
    mutating func takeDue(at watermark: Watermark) -> [Closing] {
        taken { window in watermark.passes(window.deadline) ? .closing(at: window.deadline ?? .max) : nil }
    }

    /// Takes out what a row's ROWTIME closes on an edge where it never decreases: what ends at or before it, and an endless window of another value.
    mutating func takePassed(by run: WindowRun, rowtime: Int64, under event: EventKey) -> [Closing] {
        taken { window in
            let isPassed = window.end.map { $0 <= rowtime } ?? !window.holds(run)
            return isPassed && !window.holds(run) ? event : nil
        }
    }

    private mutating func taken(_ event: (Window) -> EventKey?) -> [Closing] {
        var taken: [Closing] = []
        var kept: [Entry]?
        for (position, entry) in entries.enumerated() {
            if let event = event(entry.window) {
                if kept == nil { kept = Array(entries[..<position]) }
                taken.append(Closing(event: event, serial: entry.serial, window: entry.window, content: entry.content))
            } else {
                kept?.append(entry)
            }
        }
        guard let kept else { return [] }
        entries = kept
        guard taken.count > 1 else { return taken }
        // Positions are in the order of first rows, which settles equal ends.
        let order = taken.indices.sorted { a, b in
            if taken[a].event != taken[b].event { return taken[a].event < taken[b].event }
            let (endA, endB) = (taken[a].window.end ?? .max, taken[b].window.end ?? .max)
            return endA != endB ? endA < endB : a < b
        }
        return order.map { taken[$0] }
    }

    mutating func removeAll() { entries = [] }

    // MARK: State

    /// Keeps what a window held, if it is still to be written.
    /// - Returns: whether it is.
    mutating func retire(_ closed: Closing) -> Bool {
        guard closed.content.isFrozen else { return false }
        retired[closed.serial] = closed.content
        return true
    }

    mutating func freeze(whole: Bool, head: inout StateWriter) {
        head.write(nextSerial)
        head.write(count: entries.count)
        for index in entries.indices {
            head.write(entries[index].serial)
            entries[index].window.write(to: &head)
            entries[index].content.freeze(whole: whole, head: &head)
        }
        frozen = entries.reversed().map(\.serial)
        retired = [:]
    }

    /// Writes a piece of one window, its serial number first.
    mutating func nextPiece(bytes: Int, to writer: inout StateWriter) -> Bool {
        while let serial = frozen.last {
            if let index = entries.firstIndex(where: { $0.serial == serial }), entries[index].content.isFrozen {
                writer.write(serial)
                entries[index].content.writePiece(bytes: bytes, to: &writer)
                return true
            }
            // Taken out, so that it is changed in place.
            if var content = retired.removeValue(forKey: serial) {
                writer.write(serial)
                content.writePiece(bytes: bytes, to: &writer)
                if content.isFrozen { retired[serial] = content }
                return true
            }
            frozen.removeLast()
        }
        return false
    }

    /// - Parameters:
    ///   - type: of the windows' term.
    ///   - makeContent: what a window holds at first.
    mutating func restore(
        _ layers: [StateLayer], type: SQLType, _ makeContent: () -> Content
    ) throws(SnapshotError) {
        self = OpenWindows()
        guard var head = layers.last?.head else { return }
        var pieces: [Int64: [StateReader]] = [:]
        for piece in layers.lazy.flatMap(\.pieces) {
            var piece = piece
            pieces[try piece.int64(), default: []].append(piece)
        }
        nextSerial = try head.int64()
        for _ in 0..<(try head.count()) {
            let serial = try head.int64()
            guard serial < nextSerial, entries.last.map({ $0.serial < serial }) ?? true else { throw .damaged("a window's number") }
            let window = try Window(from: &head, type: type)
            var content = makeContent()
            try content.restore(head: &head, pieces: pieces.removeValue(forKey: serial) ?? [])
            entries.append(Entry(serial: serial, window: window, content: content))
        }
        try head.checkEnd()
    }
}

extension [EventKey] {
    /// The first key from `start` on that lies after an event; keys never decrease.
    func firstIndex(after event: EventKey, from start: Int) -> Int {
        var (low, high) = (start, count)
        while low < high {
            let middle = (low + high) / 2
            if event < self[middle] { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
