/// Windows as a part of the group's key: which window a row belongs to, until when it is open.

import StreamSQL

/// A window of ROWTIMEs over which the window's term has one value.
struct Window: Sendable {
    /// The term's value, one row.
    var value: Column
    /// The first ROWTIME after it; nil when the term never changes again, in 20 years.
    var end: Int64?
    /// The clock at which it closes. Usually its end; a window that had ended when its first row came holds late rows only, and stays
    /// open for the length of the window that follows it, so that more of them join it.
    var deadline: Int64?

    /// Whether a run of rows belongs here. Windows with an end are told apart by it.
    func holds(_ run: WindowRun) -> Bool {
        guard end == run.end else { return false }
        return end != nil || value.compare(0, with: run.value, 0) == 0
    }

    /// Whether it closes before an event.
    func isOver(before key: EventKey) -> Bool { deadline.map { EventKey.closing(at: $0) < key } ?? false }

    func write(to writer: inout StateWriter) {
        writer.write(value)
        writer.write(end)
        writer.write(deadline)
    }
}

extension Window {
    init(from reader: inout StateReader, type: SQLType) throws(SnapshotError) {
        value = try reader.column(type, rows: 1)
        end = try reader.optionalInt64()
        deadline = try reader.optionalInt64()
    }
}

/// Consecutive rows of one window.
struct WindowRun: Sendable {
    var rows: Range<Int>
    var value: Column
    var end: Int64?
}

/// Assigns windows to rows by their ROWTIMEs; evaluates the term once a window.
struct WindowTerm: Sendable {
    let type: SQLType
    private var search: PeriodEnd
    /// The window of the last row, as far as it is known: ROWTIMEs from `from` up to its end.
    private var last: (from: Int64, value: Column, end: Int64?)?
    /// Windows that overlap.
    private let hop: (slide: Int64, size: Int64)?

    init(_ term: TypedExpression, queryStart: Int64?) {
        type = term.type
        hop = term.hop
        search = PeriodEnd(term, queryStart: queryStart)
    }

    /// The rows in runs of one window each. Rows for which the term has no value are in none, but among the errors.
    mutating func runs(_ rowtime: Column, errors: inout [RowError]) -> [WindowRun] {
        if let hop { return overlapping(rowtime, slide: hop.slide, size: hop.size) }
        var runs: [WindowRun] = []
        // The window that the next rows are in too while their times lie in this range.
        var times = 0..<Int64(0)
        let values = rowtime.runs.integers
        rowtime.forEachRun { rows, place in
            let time = values[place]
            if times.contains(time), runs.last?.rows.upperBound == rows.lowerBound {
                runs[runs.count - 1].rows = runs[runs.count - 1].rows.lowerBound..<rows.upperBound
                return
            }
            guard let (value, end) = window(of: time, rows, errors: &errors) else { return }
            runs.append(WindowRun(rows: rows, value: value, end: end))
            times = time..<max(time, end ?? .max)
        }
        return runs
    }

    /// Rows between two starts of windows are in the same ones: a run for each of them.
    private func overlapping(_ rowtime: Column, slide: Int64, size: Int64) -> [WindowRun] {
        var panes: [(start: Int64, rows: Range<Int>)] = []
        let values = rowtime.runs.integers
        rowtime.forEachRun { rows, place in
            // Times lie within the years of the calendar, far from the bounds of the type.
            let time = max(-(1 << 60), min(1 << 60, values[place]))
            let start = (time >= 0 ? time / slide : (time - slide + 1) / slide) * slide
            if let last = panes.last, last.start == start {
                panes[panes.count - 1].rows = last.rows.lowerBound..<rows.upperBound
            } else {
                panes.append((start, rows))
            }
        }
        return panes.flatMap { pane in
            stride(from: pane.start - size + slide, through: pane.start, by: Int(slide)).map { start in
                WindowRun(rows: pane.rows, value: Column(type, .integers([start])), end: start + size)
            }
        }
    }

    private mutating func window(of time: Int64, _ rows: Range<Int>, errors: inout [RowError]) -> (value: Column, end: Int64?)? {
        if let last, last.from <= time, time < last.end ?? .max { return (last.value, last.end) }
        do throws(RowFailure) {
            let value = try search.value(at: time)
            let end = search.end(after: time)
            last = (time, value, end)
            return (value, end)
        } catch {
            errors += rows.map { RowError(row: $0, error) }
            return nil
        }
    }

    /// The window of a run that opens when the clock stands at `clock`.
    func opened(_ run: WindowRun, clock: Int64) -> Window {
        var window = Window(value: run.value, end: run.end, deadline: run.end)
        guard let end = run.end, end <= clock else { return window }
        if let hop {
            let (late, isPast) = clock.addingReportingOverflow(hop.size)
            window.deadline = isPast ? .max : late
            return window
        }
        // A copy looks beyond the end, so that the search itself stays near its last guess.
        var ahead = search
        let (length, overflow) = (ahead.end(after: end) ?? end).subtractingReportingOverflow(end)
        let (late, isPast) = clock.addingReportingOverflow(overflow ? 1 : max(1, length))
        window.deadline = isPast ? .max : late
        return window
    }
}
