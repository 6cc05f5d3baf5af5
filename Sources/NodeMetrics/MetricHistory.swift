/// What was measured in each minute of the last day, within a bound of memory: what CloudWatch's questions are answered from.

import Synchronization

/// The minutes of all measured things of a node.
///
/// A minute in which nothing was measured takes nothing. Where all minutes together would take more than the bound, the day gets shorter for all
/// of them, the oldest minutes first, and longer again when there is room.
public final class MetricHistory: Sendable {
    /// A day.
    public static let longestMinutes = 1440
    /// What a metric takes for a minute in which it was measured, in bytes: 46 KB for a whole day.
    public static var pointBytes: Int { MemoryLayout<MetricPoint>.stride }
    /// The day does not get shorter than that.
    private static let shortestMinutes = 5

    private struct State {
        var groups: [String: MetricGroup] = [:]
        /// How many minutes are kept.
        var minutes = MetricHistory.longestMinutes
    }

    private let state = Mutex(State())
    private let maxPoints: Int

    /// - Parameter maxBytes: for all minutes together.
    public init(maxBytes: Int = 64 << 20) {
        maxPoints = max(1, maxBytes / Self.pointBytes)
    }

    /// The group of one thing; it is made when it is first asked for. Keep it, for this takes a lock.
    /// - Parameter dimensions: in the order in which they are told.
    public func group(_ schema: MetricSchema, _ dimensions: [MetricsRegistry.Label]) -> MetricGroup {
        let key = schema.namespace + "\n" + Exposition.labels(dimensions)
        return state.withLock { state in
            if let known = state.groups[key] {
                known.isRetired.store(false, ordering: .relaxed)
                return known
            }
            let group = MetricGroup(schema, dimensions)
            state.groups[key] = group
            return group
        }
    }

    /// Says that nothing more will be measured, as when a stream is deleted: what was measured stays until it is a day old.
    public func retire(_ group: MetricGroup) { group.isRetired.store(true, ordering: .relaxed) }

    /// The groups of a namespace, or all, in no order.
    public func groups(in namespace: String? = nil) -> [MetricGroup] {
        state.withLock { $0.groups.values.filter { namespace == nil || $0.schema.namespace == namespace } }
    }

    /// What all minutes take, in bytes.
    public var bytes: Int { groups().reduce(0) { $0 + $1.pointCount } * Self.pointBytes }

    /// Lets go of what is too old, and of more where that is too much. Call it once a minute.
    /// - Parameter now: milliseconds since 1970-01-01 UTC.
    public func sweep(_ now: Int64) {
        var kept = state.withLock { $0.minutes }
        let minute = now / 60_000
        var points = trim(before: minute - Int64(kept))
        while points > maxPoints, kept > Self.shortestMinutes {
            kept = max(Self.shortestMinutes, kept * 7 / 8)
            points = trim(before: minute - Int64(kept))
        }
        if points < maxPoints / 2 { kept = min(Self.longestMinutes, kept * 8 / 7 + 1) }
        let minutes = kept
        state.withLock { state in
            state.minutes = minutes
            state.groups = state.groups.filter { !$0.value.isRetired.load(ordering: .relaxed) || $0.value.pointCount > 0 }
        }
    }

    /// - Returns: how many points are left.
    private func trim(before minute: Int64) -> Int {
        groups().reduce(0) { $0 + $1.trim(before: minute) }
    }
}

/// The names and units of what is measured of one kind of thing.
public struct MetricSchema: Sendable {
    /// Such as `AWS/Kinesis`.
    public let namespace: String
    /// Units as CloudWatch names them.
    public let metrics: [(name: String, unit: String)]

    public init(namespace: String, _ metrics: [(name: String, unit: String)]) {
        self.namespace = namespace
        self.metrics = metrics
    }
}

/// All that was measured of one metric in one minute.
public struct MetricPoint: Sendable, Hashable {
    /// Since 1970-01-01 UTC.
    public var minute: UInt32
    /// How many values there were; at least one where there is a point.
    public var count: UInt32
    public var sum, least, most: Double

    static let nothing = MetricPoint(minute: 0, count: 0, sum: 0, least: 0, most: 0)

    /// Takes in a value.
    mutating func add(_ value: Double) {
        least = count == 0 ? value : min(least, value)
        most = count == 0 ? value : max(most, value)
        sum += value
        count &+= 1
    }

    /// Takes in what was measured in another minute. This one's stays the minute.
    public mutating func add(_ other: MetricPoint) {
        least = min(least, other.least)
        most = max(most, other.most)
        sum += other.sum
        count = UInt32(clamping: UInt64(count) + UInt64(other.count))
    }
}

/// The metrics of one thing, such as a stream.
public final class MetricGroup: Sendable {
    public let schema: MetricSchema
    public let dimensions: [MetricsRegistry.Label]
    let isRetired = Atomic(false)

    /// The minute under way, a point for each metric of the schema.
    public struct Values: Sendable {
        fileprivate var points: [MetricPoint]

        /// Takes in a value of a metric, given by its place in the schema; of a place that is none nothing.
        @inline(__always)
        public mutating func add(_ metric: Int, _ value: Double) {
            guard points.indices.contains(metric) else { return }
            points[metric].add(value)
        }
    }

    private struct State {
        var minute: Int64 = 0
        var current: Values
        /// Of each metric, rising by minute.
        var past: [[MetricPoint]]
        /// Of each metric, the sum of all minutes that are over, those that are kept no more too.
        var sums: [Double]
    }

    private let state: Mutex<State>

    init(_ schema: MetricSchema, _ dimensions: [MetricsRegistry.Label]) {
        self.schema = schema
        self.dimensions = dimensions
        let count = schema.metrics.count
        state = Mutex(
            State(
                current: Values(points: [MetricPoint](repeating: .nothing, count: count)),
                past: [[MetricPoint]](repeating: [], count: count), sums: [Double](repeating: 0, count: count)))
    }

    /// Takes in what a call has measured.
    /// - Parameter now: milliseconds since 1970-01-01 UTC. Where the clock is set back, the minute that is under way lasts longer.
    public func record(_ now: Int64, _ body: (inout Values) -> Void) {
        let minute = now / 60_000
        state.withLock { state in
            if minute != state.minute { Self.begin(minute, &state) }
            body(&state.current)
        }
    }

    private static func begin(_ minute: Int64, _ state: inout State) {
        // A clock that was a day ahead has left minutes that would never pass.
        let isLost = minute < state.minute - Int64(MetricHistory.longestMinutes)
        guard minute > state.minute || isLost else { return }
        for index in state.past.indices {
            if isLost { state.past[index] = [] }
            var point = state.current.points[index]
            guard point.count > 0 else { continue }
            state.current.points[index] = .nothing
            point.minute = UInt32(clamping: state.minute)
            state.sums[index] += point.sum
            if !isLost { state.past[index].append(point) }
        }
        state.minute = minute
    }

    /// What was measured of one metric, in the order of the minutes, the one under way last.
    public func points(_ metric: Int, in minutes: Range<Int64>) -> [MetricPoint] {
        state.withLock { state in
            guard state.past.indices.contains(metric) else { return [] }
            var points = state.past[metric].filter { minutes.contains(Int64($0.minute)) }
            var current = state.current.points[metric]
            if current.count > 0, minutes.contains(state.minute) {
                current.minute = UInt32(clamping: state.minute)
                points.append(current)
            }
            return points
        }
    }

    /// The sum of all values of a metric since the group was made.
    public func total(_ metric: Int) -> Double {
        state.withLock { state in
            state.sums.indices.contains(metric) ? state.sums[metric] + state.current.points[metric].sum : 0
        }
    }

    /// When a metric was last measured, in minutes since 1970-01-01 UTC; nil where it was not.
    public func lastMinute(_ metric: Int) -> Int64? {
        state.withLock { state in
            guard state.past.indices.contains(metric) else { return nil }
            return state.current.points[metric].count > 0 ? state.minute : state.past[metric].last.map { Int64($0.minute) }
        }
    }

    var pointCount: Int { state.withLock { $0.past.reduce(0) { $0 + $1.count } } }

    /// - Returns: how many points are left.
    fileprivate func trim(before minute: Int64) -> Int {
        state.withLock { state in
            var count = 0
            for index in state.past.indices {
                let old = state.past[index].firstIndex { Int64($0.minute) >= minute } ?? state.past[index].count
                if old > 0 { state.past[index].removeFirst(old) }
                count += state.past[index].count
            }
            return count
        }
    }
}
