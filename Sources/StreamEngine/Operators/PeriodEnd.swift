/// Finds when a term of ROWTIME next changes: the end of a window, of a sort's period.

package import StreamSQL

/// Searches for the end of periods of one expression that depends on ROWTIME and constants only and never decreases.
///
/// The search asks the expression itself, so that every form works: STEP, FLOOR, divisions of an interval, months of any length.
package struct PeriodEnd: Sendable {
    private let expression: TypedExpression
    private let evaluator = Evaluator()
    /// The last period found, as a first guess for the next of the same length.
    private var lastEnd: Int64 = 0
    private var lastLength: Int64 = 0
    /// Longer periods never end.
    private static let horizon: Int64 = 20 * 366 * 86_400_000
    /// Times tried in one evaluation.
    private static let fanOut: Int64 = 64

    package init(_ expression: TypedExpression) { self.expression = expression }

    /// The smallest time after `time` at which the expression has another value; nil beyond 20 years.
    package mutating func end(after time: Int64) -> Int64? {
        guard time < .max - Self.horizon, time > .min + Self.horizon else { return nil }
        if let guess = guess(after: time), changes([guess - 1, guess], since: time) == [false, true] {
            lastEnd = guess
            return guess
        }
        // Gallop: the distances 1, 2, 4 ... up to the horizon.
        var distances: [Int64] = [1]
        while let last = distances.last, last < Self.horizon { distances.append(min(last * 2, Self.horizon)) }
        let changed = changes(distances.map { time + $0 }, since: time)
        guard let first = changed.firstIndex(of: true) else { return nil }
        var low = first == 0 ? time : time + distances[first - 1]
        var high = time + distances[first]
        // The value is that of `time` at `low`, another at `high`.
        while high - low > 1 {
            let stride = max(1, (high - low) / Self.fanOut)
            var probes: [Int64] = []
            var probe = low + stride
            while probe < high {
                probes.append(probe)
                probe += stride
            }
            let changed = changes(probes, since: time)
            let index = changed.firstIndex(of: true) ?? probes.count
            if index > 0 { low = probes[index - 1] }
            if index < probes.count { high = probes[index] }
        }
        // A guess is tried before it is believed, so that the first distance may be meaningless.
        let (length, overflow) = high.subtractingReportingOverflow(lastEnd)
        lastLength = overflow ? 0 : length
        lastEnd = high
        return high
    }

    private func guess(after time: Int64) -> Int64? {
        guard lastLength > 0, lastLength <= Self.horizon, time >= lastEnd else { return nil }
        // The least lastEnd + n * lastLength after `time`; the distance of far times overflows.
        let (distance, isFar) = time.subtractingReportingOverflow(lastEnd)
        if isFar { return nil }
        let (guess, overflow) = time.addingReportingOverflow(lastLength - distance % lastLength)
        return overflow ? nil : guess
    }

    /// For each time, whether the value is another than at `origin`. Times at which it cannot be computed count as unchanged.
    private func changes(_ times: [Int64], since origin: Int64) -> [Bool] {
        var context = EvaluationContext(count: times.count + 1, clockMilliseconds: origin, queryStartMilliseconds: origin)
        let column = evaluator.evaluate(expression, over: ColumnBatch(rowtimes: [origin] + times, columns: []), context: &context)
        let failed = Set(context.errors.map(\.row))
        return times.indices.map { !failed.contains($0 + 1) && column.compare($0 + 1, with: column, 0) != 0 }
    }
}

/// The period that is open in an operator.
struct OpenPeriod: Sendable {
    /// The expression's value, one row.
    var value: Column
    /// When the value changes; nil when it never does.
    var end: Int64?
    /// The clock at which the period closes. Usually its end; a period that had ended when its first row came holds late rows only, and stays
    /// open for the length of the period that follows it, so that more of them join it.
    var deadline: Int64?

    /// The period that a row of the time `time` opens when the clock stands at `clock`.
    init(value: Column, of time: Int64, openedAt clock: Int64, _ search: inout PeriodEnd) {
        self.value = value
        end = search.end(after: time)
        deadline = end
        guard let end, end <= clock else { return }
        // A copy looks beyond the end, so that the search itself stays near its last guess.
        var ahead = search
        let (length, overflow) = (ahead.end(after: end) ?? end).subtractingReportingOverflow(end)
        let (late, isPast) = clock.addingReportingOverflow(overflow ? 1 : max(1, length))
        deadline = isPast ? .max : late
    }

    func isOver(before key: EventKey) -> Bool { deadline.map { EventKey.closing(at: $0) < key } ?? false }

    func write(to writer: inout StateWriter) {
        writer.write(value)
        writer.write(end)
        writer.write(deadline)
    }

    init(from reader: inout StateReader, type: SQLType) throws(SnapshotError) {
        value = try reader.column(type, rows: 1)
        end = try reader.optionalInt64()
        deadline = try reader.optionalInt64()
    }

    /// The first row from `start` on that lies outside the period: another value, or after its close.
    func firstRowOutside(_ values: Column, _ keys: [EventKey], from start: Int) -> Int {
        let close = deadline.map { EventKey.closing(at: $0) }
        var row = start
        if case .integers(let times) = values.values, values.nulls == nil, case .integers(let own) = value.values, !value.isNull(0)
        {
            let time = own[0]
            while row < times.count && times[row] == time {
                if let close, close < keys[row] { break }
                row += 1
            }
            return row
        }
        while row < keys.count && values.compare(row, with: value, 0) == 0 {
            if let close, close < keys[row] { break }
            row += 1
        }
        return row
    }
}
