/// Finds when a term of ROWTIME next changes: the end of a window, of a sort's period.

package import StreamSQL

/// Searches for the end of periods of one expression that depends on ROWTIME and constants only and never decreases.
///
/// The search asks the expression itself, so that every form works: STEP, FLOOR, divisions of an interval, months of any length.
package struct PeriodEnd: Sendable {
    private let expression: TypedExpression
    /// What CURRENT_TIMESTAMP gives; nil to give the time that is asked about.
    private let queryStart: Int64?
    private let readsClock: Bool
    private let evaluator = Evaluator()
    /// The last period found, as a first guess for the next of the same length.
    private var lastEnd: Int64 = 0
    private var lastLength: Int64 = 0
    /// Longer periods never end.
    private static let horizon: Int64 = 20 * 366 * 86_400_000
    /// Times tried in one evaluation.
    private static let fanOut: Int64 = 64

    package init(_ expression: TypedExpression, queryStart: Int64? = nil) {
        self.expression = expression
        self.queryStart = queryStart
        readsClock = PreparedExpression(expression).readsClock
    }

    /// The expression's value at a time, one row.
    /// - Throws: why it has none.
    func value(at time: Int64) throws(RowFailure) -> Column {
        var errors: [RowError] = []
        let column = evaluate([time], clock: time, errors: &errors)
        if let error = errors.first { throw RowFailure(error.name, error.message) }
        return column
    }

    /// The expression is a function of ROWTIME alone: the clock and, where the query has no start of its own, CURRENT_TIMESTAMP stand at
    /// the ROWTIME asked about.
    private func evaluate(_ times: [Int64], clock: Int64, errors: inout [RowError]) -> Column {
        guard readsClock, queryStart == nil else {
            var context = EvaluationContext(
                count: times.count, clockMilliseconds: clock, queryStartMilliseconds: queryStart ?? clock)
            let column = evaluator.evaluate(expression, over: ColumnBatch(rowtimes: times, columns: []), context: &context)
            errors += context.errors
            return column
        }
        var column = Column.empty(expression.type)
        for (row, time) in times.enumerated() {
            var context = EvaluationContext(count: 1, clockMilliseconds: time, queryStartMilliseconds: time)
            column.append(
                contentsOf: evaluator.evaluate(expression, over: ColumnBatch(rowtimes: [time], columns: []), context: &context))
            for var error in context.errors {
                error.row = row
                errors.append(error)
            }
        }
        return column
    }

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
        var errors: [RowError] = []
        let column = evaluate([origin] + times, clock: origin, errors: &errors)
        let failed = Set(errors.map(\.row))
        return times.indices.map { !failed.contains($0 + 1) && column.compare($0 + 1, with: column, 0) != 0 }
    }
}
