/// A store that fails at one call, counted from the first.

import StreamStore
import StreamStoreTesting
import Synchronization

/// Passes every call to a `MemoryStore`; the Nth call that can fail does, before or after it took effect.
final class FailingStore: StreamStore {
    enum Failure: CaseIterable, Sendable {
        /// Refused is an append as a whole, for a reason that passes, and late.
        case before, answerLost, refused
    }
    private let store: MemoryStore
    private let failing: Int
    private let failure: Failure
    private let count = Mutex(0)

    /// Whether only appends are counted.
    private let countsAppendsOnly: Bool
    /// How far its settled time is ahead of the memory's, in milliseconds: what a node knew before its wall clock was set back.
    private let ahead: Int64

    init(_ store: MemoryStore, failing: Int = .max, _ failure: Failure = .before, countsAppendsOnly: Bool = false, ahead: Int64 = 0)
    {
        self.countsAppendsOnly = countsAppendsOnly
        self.ahead = ahead
        self.store = store
        self.failing = failing
        self.failure = failure
    }

    /// How many calls came so far.
    var calls: Int { count.withLock { $0 } }

    private func call<R>(isAppend: Bool = false, _ body: () async throws(StoreError) -> R) async throws(StoreError) -> R {
        if countsAppendsOnly, !isAppend { return try await body() }
        let number = count.withLock { count in
            count += 1
            return count
        }
        guard number == failing else { return try await body() }
        if failure == .answerLost { _ = try await body() }
        throw .failed("call \(number)")
    }

    func createStream(_ definition: StreamDefinition) async throws(StoreError) -> StreamDescription {
        try await call { () throws(StoreError) in try await store.createStream(definition) }
    }
    func deleteStream(_ key: StreamKey) async throws(StoreError) {
        try await call { () throws(StoreError) in try await store.deleteStream(key) }
    }
    func stream(_ key: StreamKey) async throws(StoreError) -> StreamDescription {
        try await call { () throws(StoreError) in try await store.stream(key) }
    }
    func changeTags(
        _ key: StreamKey, _ change: @escaping @Sendable (inout [String: String]) -> Bool
    ) async throws(StoreError) -> Bool {
        try await call { () throws(StoreError) in try await store.changeTags(key, change) }
    }
    func changeRetention(_ key: StreamKey, _ change: @escaping @Sendable (Int) -> Int?) async throws(StoreError) -> Int {
        try await call { () throws(StoreError) in try await store.changeRetention(key, change) }
    }
    func streams(in namespace: StreamNamespace) async throws(StoreError) -> [StreamDescription] {
        try await call { () throws(StoreError) in try await store.streams(in: namespace) }
    }
    var capabilities: StoreCapabilities { store.capabilities }
    func submit(
        _ append: Append, at place: any AnswerPlace, _ answer: @escaping @Sendable (Result<[Appended], StoreError>) -> Void
    ) {
        let number = count.withLock { count in
            count += 1
            return count
        }
        guard number == failing else { return store.submit(append, at: place, answer) }
        let error = StoreError.failed("call \(number)")
        switch failure {
        case .before: place.run { answer(.failure(error)) }
        case .answerLost: store.submit(append, at: place) { _ in answer(.failure(error)) }
        case .refused:
            Task {
                for _ in 0..<200 { await Task.yield() }
                place.run { answer(.failure(.overloaded)) }
            }
        }
    }
    func append(_ append: Append) async throws(StoreError) -> [Appended] {
        try await call(isAppend: true) { () throws(StoreError) in try await store.append(append) }
    }
    func state(_ key: StateKey) async throws(StoreError) -> SmallState? {
        try await call { () throws(StoreError) in try await store.state(key) }
    }
    func changeStates(_ changes: [StateChange]) async throws(StoreError) {
        try await call { () throws(StoreError) in try await store.changeStates(changes) }
    }
    func splitShard(_ key: StreamKey, _ shard: ShardID, at start: UInt128) async throws(StoreError) -> StreamDescription {
        try await call { () throws(StoreError) in try await store.splitShard(key, shard, at: start) }
    }
    func mergeShards(_ key: StreamKey, _ shard: ShardID, _ adjacent: ShardID) async throws(StoreError) -> StreamDescription {
        try await call { () throws(StoreError) in try await store.mergeShards(key, shard, adjacent) }
    }
    func closeShard(_ key: StreamKey, _ shard: ShardID) async throws(StoreError) -> StreamDescription {
        try await call { () throws(StoreError) in try await store.closeShard(key, shard) }
    }
    func read(_ shard: ShardReference, from offset: Int64, maxBytes: Int) async throws(StoreError) -> ShardRead {
        try await call { () throws(StoreError) in try await store.read(shard, from: offset, maxBytes: maxBytes) }
    }
    func bounds(_ shard: ShardReference) async throws(StoreError) -> ShardBounds {
        try await call { () throws(StoreError) in try await store.bounds(shard) }
    }
    func firstOffset(_ shard: ShardReference, arrivedAtOrAfter milliseconds: Int64) async throws(StoreError) -> Int64 {
        try await call { () throws(StoreError) in try await store.firstOffset(shard, arrivedAtOrAfter: milliseconds) }
    }
    func awaitRecords(_ positions: [ShardReference: Int64], timeout: Duration) async -> Bool {
        await store.awaitRecords(positions, timeout: timeout)
    }
    func settledTime() async -> Int64 { await store.settledTime() + ahead }
    func trim(_ shard: ShardReference, before offset: Int64) async throws(StoreError) {
        try await call { () throws(StoreError) in try await store.trim(shard, before: offset) }
    }
    func claim(owner: String) async throws(StoreError) -> Fence {
        try await call { () throws(StoreError) in try await store.claim(owner: owner) }
    }
    func definition(_ key: DefinitionKey) async throws(StoreError) -> [UInt8]? {
        try await call { () throws(StoreError) in try await store.definition(key) }
    }
    func definitions(_ kind: DefinitionKind) async throws(StoreError) -> [(name: String, value: [UInt8])] {
        try await call { () throws(StoreError) in try await store.definitions(kind) }
    }
    func setDefinitions(_ changes: [(key: DefinitionKey, value: [UInt8]?)]) async throws(StoreError) {
        try await call { () throws(StoreError) in try await store.setDefinitions(changes) }
    }
}
