/// Those who wait for records.

/// Waiting calls of `awaitRecords`, by log and by the time at which they end without records. A value under the node's lock.
///
/// Times are grouped into ticks, and one sleeper is enough for all: a reader of the tail waits again after each commit, and a timer of its
/// own each time would cost more than the wait.
struct Waiters: Sendable {
    typealias ID = UInt64
    typealias Wake = CheckedContinuation<Bool, Never>
    /// Nanoseconds since a start that the caller chooses.
    typealias Time = UInt64

    private struct Waiter: Sendable {
        var positions: [LogID: Int64]
        var wake: Wake
        var tick: UInt64
    }

    /// By so much a call may wait longer than it asked.
    static let tickNanoseconds: UInt64 = 10_000_000

    private var waiters: [ID: Waiter] = [:]
    private var byLog: [LogID: Set<ID>] = [:]
    private var byTick: [UInt64: Set<ID>] = [:]
    /// The ticks at which somebody is going to call `expire`.
    private var awaitedTicks: Set<UInt64> = []

    /// - Returns: when `expire` must be called, if nobody is going to call it early enough.
    mutating func add(_ id: ID, _ positions: [LogID: Int64], until time: Time, _ wake: Wake) -> Time? {
        let tick = time / Waiters.tickNanoseconds + 1
        waiters[id] = Waiter(positions: positions, wake: wake, tick: tick)
        for log in positions.keys { byLog[log, default: []].insert(id) }
        byTick[tick, default: []].insert(id)
        return awaitTick(tick)
    }

    /// Takes out one, if it still waits.
    mutating func remove(_ id: ID) -> Wake? {
        guard let waiter = waiters.removeValue(forKey: id) else { return nil }
        for log in waiter.positions.keys {
            byLog[log]?.remove(id)
            if byLog[log]?.isEmpty == true { byLog[log] = nil }
        }
        byTick[waiter.tick]?.remove(id)
        if byTick[waiter.tick]?.isEmpty == true { byTick[waiter.tick] = nil }
        return waiter.wake
    }

    /// Takes out those for whom a log now has records; nil as high watermark: the log is gone, let them see it.
    mutating func remove(reachedBy highWatermark: Int64?, in log: LogID) -> [Wake] {
        guard let ids = byLog[log] else { return [] }
        var wakes: [Wake] = []
        for id in ids {
            guard let position = waiters[id]?.positions[log] else { continue }
            if let highWatermark, highWatermark <= position { continue }
            if let wake = remove(id) { wakes.append(wake) }
        }
        return wakes
    }

    /// Takes out those whose time has passed.
    /// - Parameter awaited: the time that the caller was to wait for.
    /// - Returns: also when the caller is to come again; nil when nobody waits, or somebody else comes earlier.
    mutating func expire(at now: Time, awaited: Time) -> (wakes: [Wake], next: Time?) {
        let due = byTick.filter { $0.key * Waiters.tickNanoseconds <= now }.values.flatMap { $0 }
        let wakes = due.compactMap { remove($0) }
        awaitedTicks.remove(awaited / Waiters.tickNanoseconds)
        return (wakes, byTick.keys.min().flatMap { awaitTick($0) })
    }

    mutating func removeAll() -> [Wake] {
        defer {
            waiters.removeAll()
            byLog.removeAll()
            byTick.removeAll()
        }
        return waiters.values.map(\.wake)
    }

    private mutating func awaitTick(_ tick: UInt64) -> Time? {
        if awaitedTicks.contains(where: { $0 <= tick }) { return nil }
        awaitedTicks.insert(tick)
        return tick * Waiters.tickNanoseconds
    }
}
