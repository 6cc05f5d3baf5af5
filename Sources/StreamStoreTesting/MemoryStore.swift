/// A `StreamStore` in memory with a clock that the test sets: for the unit tests of the rooms above the seam.

public import StreamStore
import Synchronization

/// Streams in memory under a clock that moves only when the test moves it.
///
/// It keeps the seam's promises: an append is all or nothing, arrival times never decrease in a shard, `settledTime` never
/// decreases and every later append arrives after it, an old fence is refused, a deleted stream's records do not
/// return under its name, batches are compressed as their stream's tags say. Streams are active as soon as they are created unless `lifecycleDelay` says otherwise.
public final class MemoryStore: StreamStore {
    private let state: Mutex<MemoryState>
    public let capabilities: StoreCapabilities

    /// - Parameters:
    ///   - now: The clock's first reading, in milliseconds since 1970-01-01 UTC.
    ///   - shardLimit: How many open shards may exist.
    ///   - lifecycleDelay: How long streams are CREATING and DELETING, in milliseconds of the test's clock.
    ///   - missing: What it cannot do, as other stores cannot: appends that need it are refused as misuse.
    public init(
        now: Int64 = 1_700_000_000_000, shardLimit: Int = .max, lifecycleDelay: Int64 = 0, missing: StoreCapabilities = []
    ) {
        capabilities = StoreCapabilities([
            .multiShardAppends, .expectedOffsets, .idempotentProducers, .statesWithRecords, .refusesOldFences,
        ]).subtracting(missing)
        state = Mutex(MemoryState(now: now, shardLimit: shardLimit, lifecycleDelay: lifecycleDelay))
    }

    // MARK: For the test

    /// The clock, in milliseconds since 1970-01-01 UTC. Setting it wakes those who wait in `awaitRecords`.
    public var now: Int64 {
        get { state.withLock { $0.now } }
        set {
            wake { $0.now = newValue }
        }
    }

    /// Moves the clock forward (or back) and wakes those who wait in `awaitRecords`.
    public func advance(milliseconds: Int64) {
        wake { $0.now += milliseconds }
    }

    /// Holds `settledTime` at a value, as an append in flight would; nil lets it follow the clock again (one millisecond
    /// behind it). It never goes back, whatever is held.
    public func holdSettledTime(at milliseconds: Int64?) {
        wake { $0.heldSettledTime = milliseconds }
    }

    /// Keeps only the newest batches of each shard of a stream from the next append on, as retention would: at least one.
    public func keepNewest(_ batches: Int, of key: StreamKey) {
        state.withLock { $0.keptBatches[key] = max(1, batches) }
    }

    /// Makes the next `count` appends fail. With `committed` the records are kept all the same, as when a server dies between
    /// the fsync and the answer.
    public func failAppends(_ count: Int = 1, with error: StoreError, committed: Bool = false) {
        state.withLock { state in
            state.failures += repeatElement(MemoryState.Failure(error: error, committed: committed), count: count)
        }
    }

    /// Makes every append fail until called with nil.
    public func refuseAppends(with error: StoreError?) {
        state.withLock { $0.standingRefusal = error }
    }

    /// Marks records as damaged: reads that reach them throw `.damaged`.
    public func damage(_ shard: ShardReference, from offset: Int64, through last: Int64) {
        state.withLock { $0.damage[shard, default: []].append(offset...last) }
    }

    /// Closes a shard as a split or merge does and adds its children to the stream. Without children the shard just ends.
    public func close(_ shard: ShardReference, children: [ShardDescription] = []) throws(StoreError) {
        let result = wake { $0.close(shard, children: children) }
        try result.get()
    }

    /// Takes out a closed shard with what is left of it, as retention does in the end.
    public func retire(_ shard: ShardReference) { state.withLock { $0.retire(shard) } }

    /// How many appends were committed, and how often `awaitRecords` and `read` were called.
    public var counts: (appends: Int, waits: Int, reads: Int) {
        state.withLock { ($0.appendCount, $0.waitCount, $0.readCount) }
    }

    /// Everything a stream's shard holds, without the memory and damage rules of `read`.
    public func batches(of shard: ShardReference) -> [StoredBatch] {
        state.withLock { $0.logs[shard]?.batches ?? [] }
    }

    // MARK: Streams

    public func createStream(_ definition: StreamDefinition) async throws(StoreError) -> StreamDescription {
        try state.withLock { $0.createStream(definition) }.get()
    }

    public func deleteStream(_ key: StreamKey) async throws(StoreError) {
        try wake { $0.deleteStream(key) }.get()
    }

    public func stream(_ key: StreamKey) async throws(StoreError) -> StreamDescription { try described(key) }

    public func currentStream(_ key: StreamKey) throws(StoreError) -> StreamDescription? { try described(key) }

    private func described(_ key: StreamKey) throws(StoreError) -> StreamDescription {
        guard let description = state.withLock({ $0.stream(key) }) else { throw .streamNotFound(key) }
        return description
    }

    public func changeTags(
        _ key: StreamKey, _ change: @escaping @Sendable (inout [String: String]) -> Bool
    ) async throws(StoreError) -> Bool {
        try state.withLock { $0.changeTags(key, change) }.get()
    }

    public func changeRetention(
        _ key: StreamKey, _ change: @escaping @Sendable (Int) -> Int?
    ) async throws(StoreError) -> Int {
        try state.withLock { $0.changeRetention(key, change) }.get()
    }

    public func streams(in namespace: StreamNamespace) async throws(StoreError) -> [StreamDescription] {
        state.withLock { $0.streams(in: namespace) }
    }

    public func splitShard(
        _ key: StreamKey, _ shard: ShardID, at newStartingHashKey: UInt128
    ) async throws(StoreError) -> StreamDescription {
        try wake { state in
            state.reshard(key) { (stream, now) throws(StoreError) in try stream.split(shard, at: newStartingHashKey, now: now) }
        }.get()
    }

    public func mergeShards(
        _ key: StreamKey, _ shard: ShardID, _ adjacent: ShardID
    ) async throws(StoreError) -> StreamDescription {
        try wake { state in
            state.reshard(key) { (stream, now) throws(StoreError) in try stream.merge(shard, with: adjacent, now: now) }
        }.get()
    }

    public func closeShard(_ key: StreamKey, _ shard: ShardID) async throws(StoreError) -> StreamDescription {
        try wake { state in
            state.reshard(key) { (stream, _) throws(StoreError) in try stream.close(shard) }
        }.get()
    }

    // MARK: Records

    public func submit(
        _ append: Append, at place: any AnswerPlace,
        _ answer: @escaping @Sendable (Result<[Appended], StoreError>) -> Void
    ) {
        let result = misuse(of: append).map { .failure(.conditionFailed(.misuse($0))) } ?? wake { $0.append(append) }
        place.run { answer(result) }
    }

    /// What of an append this store cannot do.
    private func misuse(of append: Append) -> String? {
        if append.entries.count > 1, !capabilities.contains(.multiShardAppends) { return "this store appends one batch at a time" }
        if !append.states.isEmpty, !append.entries.isEmpty, !capabilities.contains(.statesWithRecords) {
            return "this store changes no states with records"
        }
        for requirement in append.condition?.requirements ?? [] {
            if case .nextOffset = requirement, !capabilities.contains(.expectedOffsets) { return "this store expects no offsets" }
            if case .producer = requirement, !capabilities.contains(.idempotentProducers) { return "this store knows no producers" }
        }
        return nil
    }

    public func append(_ append: Append) async throws(StoreError) -> [Appended] { try wake { $0.append(append) }.get() }

    public func read(
        _ shard: ShardReference, from offset: Int64, maxBytes: Int
    ) async throws(StoreError) -> ShardRead {
        try state.withLock { $0.read(shard, from: offset, maxBytes: maxBytes) }.get()
    }

    public func readFromMemory(_ shard: ShardReference, from offset: Int64, maxBytes: Int) throws(StoreError) -> ShardRead? {
        try state.withLock { $0.read(shard, from: offset, maxBytes: maxBytes) }.get()
    }

    public func bounds(_ shard: ShardReference) async throws(StoreError) -> ShardBounds {
        guard let bounds = state.withLock({ $0.log(shard)?.bounds }) else { throw .shardNotFound(shard) }
        return bounds
    }

    public func firstOffset(
        _ shard: ShardReference, arrivedAtOrAfter milliseconds: Int64
    ) async throws(StoreError) -> Int64 {
        guard let log = state.withLock({ $0.log(shard) }) else { throw .shardNotFound(shard) }
        return log.batches.first { $0.arrivalMilliseconds >= milliseconds }
            .map { max($0.baseOffset, log.bounds.startOffset) } ?? log.bounds.highWatermark
    }

    /// As the seam says, but it also returns, with false, when the test moves the clock or holds the settled time: whoever waits
    /// for time to pass need not wait in real time.
    public func awaitRecords(_ positions: [ShardReference: Int64], timeout: Duration) async -> Bool {
        let waiter = Waiter()
        let ready = state.withLock { state -> Bool in
            state.waitCount += 1
            if state.hasRecords(positions) { return true }
            state.waiters.append(waiter)
            return false
        }
        if ready { return true }
        await waiter.wait(atMost: timeout)
        return state.withLock { state in
            state.waiters.removeAll { $0 === waiter }
            return state.hasRecords(positions)
        }
    }

    public func settledTime() async -> Int64 {
        state.withLock { $0.settle() }
    }

    public func trim(_ shard: ShardReference, before offset: Int64) async throws(StoreError) {
        try state.withLock { $0.trim(shard, before: offset) }.get()
    }

    // MARK: Fences and definitions

    public func claim(owner: String) async throws(StoreError) -> Fence {
        state.withLock { $0.claim(owner) }
    }

    public func state(_ key: StateKey) async throws(StoreError) -> SmallState? { state.withLock { $0.smallStates[key] } }

    public func changeStates(_ changes: [StateChange]) async throws(StoreError) {
        _ = try wake { $0.append(Append([], states: changes)) }.get()
    }

    public func definition(_ key: DefinitionKey) async throws(StoreError) -> [UInt8]? {
        state.withLock { $0.definitions[key] }
    }

    public func definitions(_ kind: DefinitionKind) async throws(StoreError) -> [(name: String, value: [UInt8])] {
        state.withLock { state in
            state.definitions.filter { $0.key.kind == kind }.map { (name: $0.key.name, value: $0.value) }
                .sorted { $0.name < $1.name }
        }
    }

    public func setDefinitions(_ changes: [(key: DefinitionKey, value: [UInt8]?)]) async throws(StoreError) {
        state.withLock { state in
            for change in changes { state.definitions[change.key] = change.value }
        }
    }

    /// Changes the state and wakes all who wait, outside the lock.
    @discardableResult
    private func wake<R: Sendable>(_ change: (inout MemoryState) -> R) -> R {
        let (result, waiters) = state.withLock { state in
            let result = change(&state)
            let waiters = state.waiters
            state.waiters = []
            return (result, waiters)
        }
        for waiter in waiters { waiter.wake() }
        return result
    }
}
