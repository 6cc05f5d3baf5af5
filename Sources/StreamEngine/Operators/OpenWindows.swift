/// The windows that are open in an operator, each with what it holds.

import StreamSQL

/// Windows in the order in which they were opened; what closes in one event leaves in the order of (end, first row).
struct OpenWindows<Content: Sendable>: Sendable {
    struct Entry: Sendable {
        var window: Window
        var content: Content
    }

    /// A window that was taken out, with the event that closes it.
    struct Closing: Sendable {
        var event: EventKey
        var window: Window
        var content: Content
    }

    private(set) var entries: [Entry] = []

    /// The earliest clock at which one closes.
    var deadline: Int64? { entries.compactMap(\.window.deadline).min() }

    /// The position of the window that a run belongs to, if it is open.
    func position(of run: WindowRun) -> Int? { entries.lastIndex { $0.window.holds(run) } }

    mutating func open(_ window: Window, _ content: Content) -> Int {
        entries.append(Entry(window: window, content: content))
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
                taken.append(Closing(event: event, window: entry.window, content: entry.content))
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
