/// What an operator sees of the store: readiness, counts, and the upkeep that runs in the background.

import Catalog
import Host
public import StreamLog
import StreamStore
import Synchronization

/// Whether a store takes appends.
public enum Writability: Sendable, Hashable {
    case writable
    /// Reads go on; why appends do not, in words for an operator.
    case readOnly(reason: String)
}

extension EmbeddedStore {
    /// Whether appends are taken; for `/readyz`.
    public var writability: Writability { Writability(log.state) }

    /// The log's own figures; for `/metrics`.
    public var logStatistics: LogStatistics { log.statistics() }

    /// What went in and out of each stream since the store was opened, by namespace and name.
    public var traffic: [StreamTraffic] {
        state.withLock { state in
            state.directory.entries.values.map { $0.counters.traffic(of: $0.description.key) }
        }.sorted { ($0.key.namespace.rawValue, $0.key.name) < ($1.key.namespace.rawValue, $1.key.name) }
    }

    /// Open shards of users' streams, which the shard limit counts.
    public var openShardCount: Int {
        let now = time.monotonicNanoseconds()
        return state.withLock { $0.directory.openShardCount(at: now) }
    }

    /// What the background work last failed with; nil when its last round was clean.
    public var housekeepingProblem: String? {
        state.withLock { $0.housekeepingProblem }
    }

    /// One round of upkeep: ends the changes of status that are due and, once per sweep interval, applies retention. The background
    /// task calls it; a simulator without one calls it itself.
    public func maintain() async {
        state.withLock { $0.housekeepingProblem = nil }
        await completeDueChanges()
        await saveClock()
        let now = time.monotonicNanoseconds()
        let interval = UInt64(max(options.retentionSweepSeconds ?? 0, 0)) &* 1_000_000_000
        let isTime = state.withLock { state in
            guard now >= state.nextSweepNanoseconds else { return false }
            state.nextSweepNanoseconds = now &+ interval
            return true
        }
        if isTime { await applyRetention() }
    }

    /// Removes the records of users' streams that are older than their retention, and the oldest of those streams that have more bytes
    /// than they are to keep. Hidden streams are trimmed by those who read them.
    private func applyRetention() async {
        let nanoseconds = time.monotonicNanoseconds()
        let clock = observeClock()
        for stream in state.withLock({ $0.directory.streams(in: .stream, at: nanoseconds) }) {
            let retention = Int64(min(max(stream.retentionHours, 1), 87_600)) * 3_600_000
            let (oldest, overflow) = clock.now(retentionMilliseconds: retention).subtractingReportingOverflow(retention)
            if overflow { continue }
            for shard in stream.shards {
                guard !Task.isCancelled else { return }
                let id = LogID(ShardReference(stream.id, shard.id))
                do {
                    // Most shards of a large node are empty.
                    let (start, end) = try log.bounds(id)
                    guard start < end else { continue }
                    try await log.applyRetention(id, arrivedBefore: oldest)
                } catch {
                    // A stream that was deleted meanwhile is no problem.
                    if holds(ShardReference(stream.id, shard.id)) { report("retention of \(stream.key.name): \(error)") }
                }
            }
            if let bytes = stream.settings.retentionBytes {
                do {
                    let logs = stream.shards.map { LogID(ShardReference(stream.id, $0.id)) }
                    try await log.applyRetention(logs, keepingBytes: UInt64(max(0, bytes)))
                } catch {
                    report("retention of \(stream.key.name): \(error)")
                }
            }
            await retireShards(of: stream.id, closedBefore: oldest)
        }
    }

    /// Lets the clock of retention see what the log's time is, and returns it.
    @discardableResult
    private func observeClock() -> RetentionClock {
        let ((settled, jumped), nanoseconds) = (log.settledTimeAndJumps(), time.monotonicNanoseconds())
        return state.withLock { state in
            state.retentionClock.observe(time: settled, jumped: jumped, nanoseconds: nanoseconds)
            return state.retentionClock
        }
    }

    private static var clockSaveNanoseconds: UInt64 { 60_000_000_000 }

    /// Writes the clock of retention down when it is time. What is not written makes the next process keep records longer.
    func saveClock(isLast: Bool = false) async {
        let clock = observeClock()
        let now = time.monotonicNanoseconds()
        guard isLast || state.withLock({ now >= $0.nextClockSaveNanoseconds }) else { return }
        do {
            try await catalog.setNodeValue(StorePaths.retentionClock, to: clock.saved.bytes)
            state.withLock { $0.nextClockSaveNanoseconds = now &+ Self.clockSaveNanoseconds }
        } catch {
            report("\(error)")
        }
    }

    private func holds(_ shard: ShardReference) -> Bool {
        let now = time.monotonicNanoseconds()
        return state.withLock { $0.directory.holds(shard, at: now) }
    }

    func report(_ problem: String) {
        state.withLock { $0.housekeepingProblem = problem }
    }
}
