/// Rows of several inputs that came in turns, so that many short turns are played as a few large batches.

package import StreamSQL

/// What a part of the source gives one input stream.
package struct InputRows: Sendable {
    /// The stored name of the stream.
    package var stream: String
    package var batch: ColumnBatch
    /// Records that gave no rows, in their order.
    package var errors: [RecordError]

    package init(stream: String, batch: ColumnBatch, errors: [RecordError] = []) {
        self.stream = stream
        self.batch = batch
        self.errors = errors
    }
}

/// Rows of inputs, and in which order they came.
package struct InterleavedRows: Sendable {
    /// Consecutive records of one input.
    package struct Turn: Sendable {
        /// Position among the inputs.
        package var input: Int
        /// How many records of that input there are up to the turn's end, and how many rows of theirs.
        package var recordEnd: Int
        package var rowEnd: Int

        package init(input: Int, recordEnd: Int, rowEnd: Int) {
            self.input = input
            self.recordEnd = recordEnd
            self.rowEnd = rowEnd
        }
    }

    /// Each of another stream.
    package var inputs: [InputRows]
    /// All rows in their order; of no account where there is one input.
    package var turns: [Turn]

    package init(_ inputs: [InputRows], turns: [Turn] = []) {
        self.inputs = inputs
        self.turns = turns
    }

    var count: Int { inputs.reduce(0) { $0 + $1.batch.count } }

    /// A column of the inputs for all rows, in their order; nil where an input has none.
    /// - Parameter places: which it is in each input, by the names of their streams. It is of one type in all.
    func column(_ places: [String: Int]) -> Column? {
        var columns: [Column] = []
        for input in inputs {
            guard let place = places[input.stream], input.batch.columns.indices.contains(place) else { return nil }
            columns.append(input.batch.columns[place])
        }
        guard var all = columns.first, columns.allSatisfy({ $0.type == all.type }) else { return nil }
        if inputs.count == 1 { return all }
        // Where each input's next row stands in it.
        var next = [0]
        for column in columns.dropFirst() {
            next.append(all.count)
            all.append(contentsOf: column)
        }
        let firsts = next
        var order: [Int] = []
        order.reserveCapacity(all.count)
        for turn in turns {
            let end = firsts[turn.input] + turn.rowEnd
            order.append(contentsOf: next[turn.input]..<end)
            next[turn.input] = end
        }
        return all.gather(rows: order)
    }
}

extension InterleavedRows {
    /// The rows with their places in time.
    struct Events {
        /// One for each input.
        var batches: [KeyedBatch] = []
        var rejected: [RejectedRow] = []
        /// The clock after all of them.
        var end: Int64
    }

    /// - Throws: `timeDecreases`.
    func events(after clock: Int64) throws(DataflowError) -> Events {
        var events = Events(end: clock)
        if inputs.count > 1 {
            try addAll(to: &events)
        } else if let input = inputs.first {
            try add(input, to: &events)
        }
        return events
    }

    private func add(_ input: InputRows, to events: inout Events) throws(DataflowError) {
        let (batch, clock) = (input.batch, events.end)
        for rowtime in batch.rowtime.runs.integers {
            guard rowtime >= events.end else { throw .timeDecreases(stream: input.stream, rowtime: rowtime, clock: events.end) }
            events.end = rowtime
        }
        events.batches.append(KeyedBatch(batch, keys: EventKey.rows(of: batch.rowtime)))
        var rejection = Rejection(clock: clock)
        for error in input.errors {
            let place = min(max(0, error.rowsBefore), batch.count)
            events.rejected.append(rejection.row(error, before: place, of: batch.count) { batch.rowtime($0) })
        }
        events.end = max(events.end, rejection.time)
    }

    private func addAll(to events: inout Events) throws(DataflowError) {
        let clock = events.end
        let rowtimes = inputs.map(\.batch.rowtimes)
        var keys = inputs.map { input -> [EventKey] in
            var keys: [EventKey] = []
            keys.reserveCapacity(input.batch.count)
            return keys
        }
        /// Of all rows.
        var times: [Int64] = []
        times.reserveCapacity(count)
        var failed: [(error: RecordError, place: Int)] = []
        var nextErrors = inputs.map { _ in 0 }
        for turn in turns {
            let (input, start, firstRow) = (turn.input, times.count, keys[turn.input].count)
            let errors = inputs[input].errors
            while nextErrors[input] < errors.count, errors[nextErrors[input]].record < turn.recordEnd {
                let error = errors[nextErrors[input]]
                failed.append((error, start + min(max(firstRow, error.rowsBefore), turn.rowEnd) - firstRow))
                nextErrors[input] += 1
            }
            for row in firstRow..<max(firstRow, turn.rowEnd) {
                let time = rowtimes[input][row]
                guard time >= events.end else {
                    throw .timeDecreases(stream: inputs[input].stream, rowtime: time, clock: events.end)
                }
                events.end = time
                keys[input].append(.row(times.count, at: time))
                times.append(time)
            }
        }
        for (input, keys) in zip(inputs, keys) { events.batches.append(KeyedBatch(input.batch, keys: keys)) }
        var rejection = Rejection(clock: clock)
        for (error, place) in failed {
            events.rejected.append(rejection.row(error, before: place, of: times.count) { times[$0] })
        }
        events.end = max(events.end, rejection.time)
    }

    /// A record that failed happens at its time, but not before the row that precedes it nor after the one that follows.
    private struct Rejection {
        var time: Int64

        init(clock: Int64) { time = clock }

        mutating func row(_ error: RecordError, before place: Int, of count: Int, _ timeOfRow: (Int) -> Int64) -> RejectedRow {
            if place > 0 { time = max(time, timeOfRow(place - 1)) }
            time = max(time, error.rowtime)
            if place < count { time = min(time, timeOfRow(place)) }
            return RejectedRow(error, key: .failure(before: place, at: time))
        }
    }
}
