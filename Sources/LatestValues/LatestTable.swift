/// A durable table of the latest value of each key, over a hidden stream that is compacted in place.

import Host
import RecordBatch
public import StreamStore
import Synchronization

/// Keys and their latest values: leases, checkpoints, retained messages, shadows. See <doc:LatestValues>.
///
/// An update is durable and seen by all reads when its call returns. Updates take effect in the order of their calls, and their conditions are
/// decided in that order; many that wait become one append. Where each key's value lies is in memory, the values are in the log.
///
/// A table has one writer: whoever opens it last, and only one instance of it may be open in a process. All calls may be made from any task.
public final class LatestTable: Sendable {
    /// The longest key, in bytes.
    public static let maxKeyBytes = 8_192
    /// The longest value, in bytes.
    public static let maxValueBytes = 8 << 20

    /// What its lock guards.
    struct State: Sendable {
        var index: KeyIndex
        var order: KeyOrder
        /// The offset that the next record gets: nobody else appends.
        var nextOffset: Int64
        /// Where the log begins.
        var startOffset: Int64
        /// The sums of `LatestRecord.units` of the log and of the live records in it.
        var logUnits: Int
        var liveUnits: Int

        var queue: [QueuedWork] = []
        var queueHead = 0
        var waitingBytes = 0
        var isWriting = false
        var isCompacting = false
        var isClosed = false
        var statistics = LatestStatistics()
        /// Why the last compaction did not come to its end; nil when it did.
        var compactionProblem: String?
    }

    /// Its name among the tables.
    public let name: String
    let store: any StreamStore
    let time: any TimeSource
    let options: LatestOptions
    let shard: ShardReference
    let fence: Fence
    let state: Mutex<State>
    /// What the store can do that the table would like: see <doc:LatestValues>.
    let appendsTogether: Bool
    let expectsOffsets: Bool

    init(
        name: String, store: any StreamStore, time: any TimeSource, options: LatestOptions, shard: ShardReference, fence: Fence,
        state: consuming State
    ) {
        self.name = name
        self.store = store
        self.time = time
        self.options = options
        self.shard = shard
        self.fence = fence
        self.state = Mutex(state)
        appendsTogether = store.capabilities.contains(.multiShardAppends)
        expectsOffsets = store.capabilities.contains(.expectedOffsets)
    }

    // MARK: Updates

    /// Makes changes, all or none, durably; returns the new revision of each key.
    /// - Parameters:
    ///   - changes: in order; a later one finds what an earlier one has made.
    ///   - entries: batches for other streams that are appended with the changes, or not at all. A store that appends to one shard at a time
    ///     (`StoreCapabilities.multiShardAppends`) cannot: then they are `.invalid`, and what belongs together must be one value.
    ///   - fence: of whoever appends `entries`; without one the append is under the table's own.
    /// - Throws: `.conditionFailed` for the first change whose condition does not hold, `.invalid`, `.overloaded`, `.closed`; `.store`, after which nothing was
    ///   changed, except that what fails with `.readOnly` may be found at the next start.
    @discardableResult
    public func update(
        _ changes: [LatestChange], with entries: [ShardAppend] = [], fence: Fence? = nil
    ) async throws(LatestError) -> [Int64] {
        try await withCheckedContinuation { continuation in
            submit(changes, with: entries, fence: fence) { continuation.resume(returning: $0) }
        }.get()
    }

    /// The same without waiting: `answer` is called once, by whoever completes the append or at once.
    public func submit(
        _ changes: [LatestChange], with entries: [ShardAppend] = [], fence: Fence? = nil,
        _ answer: @escaping @Sendable (Result<[Int64], LatestError>) -> Void
    ) {
        do throws(LatestError) {
            let work = QueuedWork(
                changes: changes, entries: entries, fence: fence, bytes: try Self.check(changes), answer: answer)
            guard entries.isEmpty || appendsTogether else { throw .invalid("the store appends to one shard at a time") }
            try enqueue(work)
        } catch {
            answer(.failure(error))
        }
    }

    private static func check(_ changes: [LatestChange]) throws(LatestError) -> Int {
        var bytes = 0
        for change in changes {
            guard (1...maxKeyBytes).contains(change.key.count) else {
                throw .invalid("a key has 1 to \(maxKeyBytes) bytes, not \(change.key.count)")
            }
            guard (change.value?.count ?? 0) <= maxValueBytes else {
                throw .invalid("a value has at most \(maxValueBytes) bytes, not \(change.value?.count ?? 0)")
            }
            bytes += change.key.count + (change.value?.count ?? 0) + 64
        }
        return bytes
    }

    func enqueue(_ work: QueuedWork) throws(LatestError) {
        let mustStart = try state.withLock { state throws(LatestError) in
            if state.isClosed { throw .closed }
            guard work.isMove || state.waitingBytes == 0 || state.waitingBytes + work.bytes <= options.maxWaitingBytes else {
                throw .overloaded
            }
            state.queue.append(work)
            state.waitingBytes += work.bytes
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if mustStart { Task(executorPreference: options.executor) { await self.write() } }
    }

    // MARK: What it tells

    /// How many keys there are.
    public var count: Int { state.withLock { $0.index.count } }

    /// Counts and sizes.
    public var statistics: LatestStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.keys = state.index.count
            statistics.indexBytes = state.index.memoryBytes + state.order.memoryBytes
            statistics.liveBytes = state.liveUnits * 64
            statistics.logBytes = state.logUnits * 64
            return statistics
        }
    }

    /// Why the last compaction did not come to its end; nil when all is well.
    public var compactionProblem: String? { state.withLock { $0.compactionProblem } }

    /// Refuses what comes from now on and returns when what was accepted has been answered.
    public func close() async {
        state.withLock { $0.isClosed = true }
        while state.withLock({ $0.isWriting || $0.isCompacting }) { try? await Task.sleep(for: .milliseconds(1)) }
    }
}
