/// ORDER BY a time WITHIN an interval: rows in the order of a time of their own, which becomes their ROWTIME.

import StreamSQL

/// A row of time t waits until the clock is past t by the lateness that is allowed, and then leaves under an event at t: behind this operator the clock runs
/// so much later. Rows of one time leave in the order in which they came. One that comes when others of its time have left already fails.
struct EventTimeOperator: WholeStateOperator {
    private let event: EventTime
    private let time: PreparedExpression
    private let columns: [ColumnDefinition]
    let state: OperatorState?
    /// In the order in which they came; their ROWTIME is their own time.
    private var held: ColumnBatch
    private var heldBytes = 0
    var frozen = WholeState()

    /// Neither a closing nor a row of an input: the record that it is of is not known any more.
    private static let step = 2

    init(_ event: EventTime, columns: [ColumnDefinition]) {
        self.event = event
        self.columns = columns
        time = PreparedExpression(event.time)
        held = .empty(columns)
        let rows = columns.map { "\"\($0.name)\" \($0.type)" }.joined(separator: ", ")
        state = OperatorState(
            kind: "time", version: 1, signature: "(\(rows)) by \(event.time.signature(over: columns)) within \(event.lateness)")
    }

    var stateBytes: Int { heldBytes }

    /// In events behind it; the graph knows how much later the clock is.
    var deadline: Int64? { held.count == 0 ? nil : held.rowtimes.min() }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        if !inputs[0].rows.isEmpty { hold(inputs[0].rows, &context) }
        switch inputs[0].watermark {
        case .end: return EdgeUpdate(release(through: .max), watermark: .end)
        case .time(let clock):
            let (through, overflow) = clock.subtractingReportingOverflow(event.lateness)
            return EdgeUpdate(release(through: overflow ? .min : through), watermark: .time(overflow ? .min : through))
        }
    }

    private mutating func hold(_ input: KeyedBatch, _ context: inout OperatorContext) {
        var errors: [RowError] = []
        var times = context.evaluate(time, over: input, errors: &errors)
        let nulls = times.nulls
        let values = times.integers
        for row in 0..<input.count {
            if nulls?[row] ?? false {
                errors.append(RowError(row: row, name: "ROWTIME is NULL", message: "The time that rows are sorted by is NULL."))
                continue
            }
            // Times before the beginning of the clock's range are late as well.
            let (oldest, overflow) = input.keys[row].time.subtractingReportingOverflow(event.lateness)
            if !overflow, values[row] < oldest {
                errors.append(
                    RowError(
                        row: row, name: "Late row", message: "The row's time is more than \(event.lateness) ms before the clock."))
            }
        }
        var rows = input
        if let keep = context.reject(errors, of: input, columns: columns) {
            rows = input.filtered(by: keep)
            times = times.filtered(by: keep)
        }
        guard !rows.isEmpty else { return }
        let timed = ColumnBatch(rowtime: Column(.timestamp, .integers(times.integers)), columns: rows.batch.columns)
        heldBytes += timed.byteCount
        held.append(contentsOf: timed)
    }

    private mutating func release(through last: Int64) -> KeyedBatch {
        let times = held.rowtimes
        let due = times.indices.filter { times[$0] <= last }.sorted { (times[$0], $0) < (times[$1], $1) }
        if due.isEmpty { return .empty(columns) }
        let rows = held.gather(rows: due)
        held = due.count == times.count ? .empty(columns) : held.gather(rows: times.indices.filter { times[$0] > last })
        heldBytes = held.byteCount
        return KeyedBatch(rows, keys: due.map { EventKey(time: times[$0], step: Self.step) })
    }

    // MARK: State

    func write(to writer: inout StateWriter) {
        writer.write(held.rowtime)
        for column in held.columns { writer.write(plain: column) }
    }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        held = try reader.batch(columns)
        heldBytes = held.byteCount
    }
}
