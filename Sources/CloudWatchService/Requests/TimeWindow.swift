/// From when to when values are wanted, and how long the periods are.

import AWSWire
import NodeMetrics

/// A window in whole minutes. Periods are counted from its beginning.
struct TimeWindow: Sendable {
    /// Minutes since 1970-01-01 UTC.
    let minutes: Range<Int64>
    /// How long it is, in minutes, the last one begun: a day is 1,440 of them, whenever it begins.
    private let length: Int64

    /// - Parameters:
    ///   - start: in milliseconds since 1970-01-01 UTC; rounded down to a minute, as CloudWatch does with what is no older than 15 days.
    ///   - end: the same, and exclusive.
    /// - Throws: `.missingRequiredParameter`, or `reason` when nothing lies between them.
    init(from start: Int64?, to end: Int64?, otherwise reason: AWSError.Name) throws(AWSError) {
        guard let start else { throw .missing("StartTime") }
        guard let end else { throw .missing("EndTime") }
        guard start < end else { throw AWSError(reason, "The parameter StartTime must be less than the parameter EndTime.") }
        let (first, last) = (Self.clamped(start) / 60_000, Self.clamped(end))
        // A minute is in the window when it begins before the end.
        minutes = first..<max(first, (last + 59_999) / 60_000)
        length = (last - Self.clamped(start) + 59_999) / 60_000
    }

    /// A time between 1970 and 9999, in milliseconds.
    private static func clamped(_ milliseconds: Int64) -> Int64 { min(max(milliseconds, 0), 253_402_300_799_999) }

    /// How many minutes a period has.
    /// - Throws: `.invalidParameterValue` unless it is of whole minutes.
    static func period(_ seconds: Int?, parameter: String) throws(AWSError) -> Int64 {
        guard let seconds else { throw .missing(parameter) }
        guard seconds > 0, seconds % 60 == 0 else {
            throw AWSError(.invalidParameterValue, "The parameter \(parameter) must be a multiple of 60; this node keeps minutes.")
        }
        return Int64(seconds / 60)
    }

    /// How many periods there are.
    func count(of period: Int64) -> Int64 { (length + period - 1) / period }

    /// What was measured in each period, in their order; the points' minutes are those in which the periods begin. Periods without values are left out.
    func points(of metric: Int, _ group: MetricGroup, period: Int64) -> [MetricPoint] {
        var periods: [MetricPoint] = []
        for point in group.points(metric, in: minutes) {
            let begin = minutes.lowerBound + (Int64(point.minute) - minutes.lowerBound) / period * period
            if let last = periods.last, Int64(last.minute) == begin {
                periods[periods.count - 1].add(point)
            } else {
                var first = point
                first.minute = UInt32(clamping: begin)
                periods.append(first)
            }
        }
        return periods
    }
}
