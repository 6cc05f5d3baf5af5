/// What the tests of this room share: a world to deliver in, and objects in memory that fail when told to.

import Delivery
import Host
import HostSimulation
import LatestValues
import Logging
import RecordBatch
import StreamStore
import StreamStoreTesting
import Synchronization
import Testing

/// Counts steps of the outside world and ends it at one of them: from then on everything fails, as for a process that died.
final class Fuse: Sendable {
    struct Blown: Error {}
    private let left: Mutex<Int>
    init(after steps: Int = .max) { left = Mutex(steps) }

    var isBlown: Bool { left.withLock { $0 <= 0 } }
    /// Whether the step may be taken.
    func step() -> Bool {
        left.withLock { left in
            if left == .max { return true }
            left = max(0, left - 1)
            return left > 0
        }
    }
}

/// Objects in memory, whole or absent.
final class MemoryObjects: ObjectStore {
    struct State {
        var objects: [String: [UInt8]] = [:]
        var writes: [String: Int] = [:]
        var failures = 0
        var unfinished = 0
    }
    let state = Mutex(State())
    let fuse: Mutex<Fuse> = Mutex(Fuse())

    func step(_ bucket: String, _ key: String) throws(ObjectStoreError) {
        let isBad = state.withLock { state in
            guard state.failures > 0 else { return false }
            state.failures -= 1
            return true
        }
        if isBad || !fuse.withLock({ $0 }).step() { throw ObjectStoreError(bucket: bucket, key: key, reason: "not now") }
    }

    func begin(bucket: String, key: String) async throws(ObjectStoreError) -> any ObjectUpload {
        try step(bucket, key)
        state.withLock { $0.unfinished += 1 }
        return MemoryUpload(store: self, bucket: bucket, key: key)
    }

    func holds(bucket: String, key: String) async throws(ObjectStoreError) -> Bool {
        try step(bucket, key)
        return state.withLock { $0.objects["\(bucket)/\(key)"] != nil }
    }

    var objects: [String: [UInt8]] { state.withLock { $0.objects } }
    /// All objects one after the other, as text.
    var text: String {
        objects.sorted { $0.key < $1.key }.map { String(decoding: $0.value, as: UTF8.self) }.joined()
    }
    /// The lines of all objects, sorted by number.
    var lines: [Int] { text.split(separator: "\n").compactMap { Int($0) }.sorted() }
}

actor MemoryUpload: ObjectUpload {
    private let store: MemoryObjects
    private let bucket: String
    private let key: String
    private var bytes: [UInt8] = []
    init(store: MemoryObjects, bucket: String, key: String) {
        self.store = store
        self.bucket = bucket
        self.key = key
    }
    func append(_ bytes: [UInt8]) throws(ObjectStoreError) {
        try store.step(bucket, key)
        self.bytes += bytes
    }
    func complete() throws(ObjectStoreError) {
        // A crash before the rename, or after it.
        try store.step(bucket, key)
        let (name, bytes) = ("\(bucket)/\(key)", bytes)
        store.state.withLock { state in
            state.objects[name] = bytes
            state.writes[name, default: 0] += 1
        }
        try store.step(bucket, key)
        store.state.withLock { $0.unfinished -= 1 }
    }
    func abandon() { store.state.withLock { $0.unfinished -= 1 } }
}

/// A `MemoryStore` whose durable changes are steps of a fuse, each of which can be the last before or after it has its effect.
struct FusedStore: StreamStore {
    let store: MemoryStore
    let fuse: Fuse

    func setDefinitions(_ changes: [(key: DefinitionKey, value: [UInt8]?)]) async throws(StoreError) {
        guard fuse.step() else { throw .failed("dead") }
        try await store.setDefinitions(changes)
        guard fuse.step() else { throw .failed("dead") }
    }
    func read(_ shard: ShardReference, from offset: Int64, maxBytes: Int) async throws(StoreError) -> ShardRead {
        if fuse.isBlown { throw .failed("dead") }
        return try await store.read(shard, from: offset, maxBytes: maxBytes)
    }
    func createStream(_ definition: StreamDefinition) async throws(StoreError) -> StreamDescription {
        try await store.createStream(definition)
    }
    func deleteStream(_ key: StreamKey) async throws(StoreError) { try await store.deleteStream(key) }
    func stream(_ key: StreamKey) async throws(StoreError) -> StreamDescription { try await store.stream(key) }
    func changeTags(
        _ key: StreamKey, _ change: @escaping @Sendable (inout [String: String]) -> Bool
    ) async throws(StoreError) -> Bool {
        try await store.changeTags(key, change)
    }
    func changeRetention(_ key: StreamKey, _ change: @escaping @Sendable (Int) -> Int?) async throws(StoreError) -> Int {
        try await store.changeRetention(key, change)
    }
    func streams(in namespace: StreamNamespace) async throws(StoreError) -> [StreamDescription] {
        try await store.streams(in: namespace)
    }
    var capabilities: StoreCapabilities { store.capabilities }
    func submit(
        _ append: Append, at place: any AnswerPlace, _ answer: @escaping @Sendable (Result<[Appended], StoreError>) -> Void
    ) {
        store.submit(append, at: place, answer)
    }
    func splitShard(_ key: StreamKey, _ shard: ShardID, at start: UInt128) async throws(StoreError) -> StreamDescription {
        try await store.splitShard(key, shard, at: start)
    }
    func mergeShards(_ key: StreamKey, _ shard: ShardID, _ adjacent: ShardID) async throws(StoreError) -> StreamDescription {
        try await store.mergeShards(key, shard, adjacent)
    }
    func closeShard(_ key: StreamKey, _ shard: ShardID) async throws(StoreError) -> StreamDescription {
        try await store.closeShard(key, shard)
    }
    func append(_ append: Append) async throws(StoreError) -> [Appended] {
        // The progress of delivery streams is a table.
        guard append.fence?.owner.hasPrefix("table/") ?? false else { return try await store.append(append) }
        guard fuse.step() else { throw .failed("dead") }
        let appended = try await store.append(append)
        guard fuse.step() else { throw .failed("dead") }
        return appended
    }
    func state(_ key: StateKey) async throws(StoreError) -> SmallState? { try await store.state(key) }
    func changeStates(_ changes: [StateChange]) async throws(StoreError) { try await store.changeStates(changes) }
    func bounds(_ shard: ShardReference) async throws(StoreError) -> ShardBounds { try await store.bounds(shard) }
    func firstOffset(_ shard: ShardReference, arrivedAtOrAfter milliseconds: Int64) async throws(StoreError) -> Int64 {
        try await store.firstOffset(shard, arrivedAtOrAfter: milliseconds)
    }
    func awaitRecords(_ positions: [ShardReference: Int64], timeout: Duration) async -> Bool {
        await store.awaitRecords(positions, timeout: timeout)
    }
    func settledTime() async -> Int64 { await store.settledTime() }
    func trim(_ shard: ShardReference, before offset: Int64) async throws(StoreError) {
        try await store.trim(shard, before: offset)
    }
    func claim(owner: String) async throws(StoreError) -> Fence { try await store.claim(owner: owner) }
    func definition(_ key: DefinitionKey) async throws(StoreError) -> [UInt8]? { try await store.definition(key) }
    func definitions(_ kind: DefinitionKind) async throws(StoreError) -> [(name: String, value: [UInt8])] {
        try await store.definitions(kind)
    }
}

/// A store, objects and a clock, and managers begun on them one after the other.
struct World {
    static let start: Int64 = 1_700_000_000_000
    let store = MemoryStore(now: World.start)
    let objects = MemoryObjects()
    let time = SimulatedTime(wall: World.start)
    let random = SeededRandom(seed: 1)

    func manager(_ fuse: Fuse = Fuse(), objects other: (any ObjectStore)? = nil) -> DeliveryManager {
        objects.fuse.withLock { $0 = fuse }
        return DeliveryManager(
            store: FusedStore(store: store, fuse: fuse), objects: other ?? objects, time: time, random: random,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Both clocks; the store's wakes who waits.
    func advance(milliseconds: Int64) {
        time.advance(milliseconds: milliseconds)
        store.advance(milliseconds: milliseconds)
    }

    func definition(
        _ name: String = "d", source: DeliverySource = .directPut, seconds: Int = 60, megabytes: Int = 1,
        compression: ObjectCompression = .uncompressed, prefix: String = ""
    ) -> DeliveryStreamDefinition {
        DeliveryStreamDefinition(
            name: name, source: source, createdMilliseconds: World.start,
            destination: ObjectDestinationSettings(
                bucketARN: "arn:aws:s3:::lake", roleARN: "arn:aws:iam::000000000000:role/r", prefix: prefix,
                bufferMegabytes: megabytes,
                bufferSeconds: seconds, compression: compression))
    }

    /// Puts numbers as lines, one batch.
    func put(_ numbers: Range<Int>, to manager: DeliveryManager, padding: Int = 0) async throws {
        _ = try await manager.put("d", expectedBytes: 0) { (builder, timestamp) throws(RecordBatchError) in
            for number in numbers {
                try builder.append(
                    key: nil, value: Array("\(String(repeating: " ", count: padding))\(number)\n".utf8), timestamp: timestamp)
            }
        }
    }

    /// Appends numbers to a shard of a stream.
    func append(_ numbers: Range<Int>, to shard: ShardReference) async throws {
        var builder = RecordBatchBuilder(baseTimestamp: time.wallMilliseconds())
        for number in numbers { try builder.append(key: [0], value: Array("\(number)\n".utf8), timestamp: time.wallMilliseconds()) }
        _ = try await store.append([ShardAppend(shard, builder.finish())], fence: nil)
    }

    func progress(_ name: String = "d") async throws -> DeliveryProgress? {
        // Read behind the manager's back: to open the table would end the manager's.
        guard let stream = try? await store.stream(StreamKey("delivery-progress", in: .table)) else { return nil }
        var found: DeliveryProgress?
        for batch in store.batches(of: ShardReference(stream.id, ShardID(0))) {
            for record in try batch.batch.records() where record.key == Array("progress/\(name)".utf8) {
                let value = record.value ?? []
                found = value.prefix(2) == [1, 1] ? try DeliveryProgress(stored: Array(value.dropFirst(2))) : nil
            }
        }
        return found
    }

    /// Sets it while no manager is at work.
    func setProgress(stored bytes: [UInt8], of name: String = "d") async throws {
        let table = try await LatestTable.open("delivery-progress", store: store, time: time)
        try await table.update([LatestChange("progress/\(name)", to: bytes)])
        await table.close()
    }
}

/// Waits for what other tasks bring about; gives up after ten seconds.
func until(_ what: Comment, _ isTrue: () async throws -> Bool) async throws {
    for _ in 0..<2000 {
        if try await isTrue() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record(what)
}
