/// Those who wait for records.

/// Waiting calls of `awaitRecords`, by log. A value under the node's lock.
struct Waiters: Sendable {
    typealias ID = UInt64
    typealias Wake = CheckedContinuation<Bool, Never>

    private struct Waiter: Sendable {
        var positions: [LogID: Int64]
        var wake: Wake
    }

    private var waiters: [ID: Waiter] = [:]
    private var byLog: [LogID: Set<ID>] = [:]

    mutating func add(_ id: ID, _ positions: [LogID: Int64], _ wake: Wake) {
        waiters[id] = Waiter(positions: positions, wake: wake)
        for log in positions.keys { byLog[log, default: []].insert(id) }
    }

    /// Takes out one, if it still waits.
    mutating func remove(_ id: ID) -> Wake? {
        guard let waiter = waiters.removeValue(forKey: id) else { return nil }
        for log in waiter.positions.keys {
            byLog[log]?.remove(id)
            if byLog[log]?.isEmpty == true { byLog[log] = nil }
        }
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

    mutating func removeAll() -> [Wake] {
        defer {
            waiters.removeAll()
            byLog.removeAll()
        }
        return waiters.values.map(\.wake)
    }
}
