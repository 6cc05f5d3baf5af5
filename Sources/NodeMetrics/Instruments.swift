/// Counters, gauges and histograms: a few atomic numbers each.

import Synchronization

/// A number that only rises.
public final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    init() {}

    public func add(_ amount: Int = 1) {
        count.wrappingAdd(UInt64(max(0, amount)), ordering: .relaxed)
    }

    public var value: UInt64 { count.load(ordering: .relaxed) }
}

/// A number that goes up and down.
public final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)

    init() {}

    public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    public func add(_ amount: Double) {
        var current = bits.load(ordering: .relaxed)
        while true {
            let (exchanged, original) = bits.weakCompareExchange(
                expected: current, desired: (Double(bitPattern: current) + amount).bitPattern, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }

    public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// How often durations fell into which range.
public final class Histogram: Sendable {
    /// From half a millisecond to ten seconds.
    public static let latencyBuckets = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// Upper bounds in seconds.
    let bounds: [Double]
    private let nanosecondBounds: [UInt64]
    /// One for each bound and one for what lies beyond the last.
    private let counts: [Counter]
    private let nanoseconds = Atomic<UInt64>(0)

    init(buckets: [Double]) {
        bounds = buckets
        nanosecondBounds = buckets.map { UInt64($0 * 1e9) }
        counts = (0...buckets.count).map { _ in Counter() }
    }

    public func observe(nanoseconds duration: UInt64) {
        var index = 0
        while index < nanosecondBounds.count, duration > nanosecondBounds[index] { index += 1 }
        counts[index].add()
        nanoseconds.wrappingAdd(duration, ordering: .relaxed)
    }

    /// How many were counted in each range; not cumulative.
    var snapshot: [UInt64] { counts.map(\.value) }
    /// In seconds.
    var sum: Double { Double(nanoseconds.load(ordering: .relaxed)) / 1e9 }
}
