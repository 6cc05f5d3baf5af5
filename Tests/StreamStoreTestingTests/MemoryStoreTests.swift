/// The store in memory keeps the seam's promises, so that tests built on it mean something.

import RecordBatch
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct MemoryStoreTests {
    private let key = StreamKey("s")

    private func batch(_ count: Int) throws -> RecordBatch {
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        for number in 0..<count { try builder.append(key: nil, value: Array("\(number)".utf8), timestamp: 0) }
        return try builder.finish()
    }

    private func stream(_ store: MemoryStore, shards: Int = 1) async throws -> StreamDescription {
        try await store.createStream(StreamDefinition(key: key, shardCount: shards))
    }

    @Test("appends carry the clock's time and the batch its offset; settled time follows one millisecond behind")
    func clock() async throws {
        let store = MemoryStore(now: 1_000)
        let shard = ShardReference(try await stream(store).id, ShardID(0))
        let first = try await store.append([ShardAppend(shard, try batch(2))], fence: nil)
        #expect(first == [Appended(baseOffset: 0, arrivalMilliseconds: 1_000)])
        #expect(await store.settledTime() == 999)
        store.advance(milliseconds: 500)
        #expect(await store.settledTime() == 1_499)
        store.now = 100
        #expect(await store.settledTime() == 1_499)
        let second = try await store.append([ShardAppend(shard, try batch(1))], fence: nil)
        #expect(second == [Appended(baseOffset: 2, arrivalMilliseconds: 1_500)])
        #expect(store.batches(of: shard).map(\.batch.baseOffset) == [0, 2])
        #expect(try await store.firstOffset(shard, arrivedAtOrAfter: 1_001) == 2)
        store.now = 9_000
        store.holdSettledTime(at: 2_000)
        #expect(await store.settledTime() == 2_000)
        store.holdSettledTime(at: nil)
        #expect(await store.settledTime() == 8_999)
    }

    @Test("waiting ends with a record, with the moved clock, with the deleted shard, and with cancellation")
    func waiting() async throws {
        let store = MemoryStore()
        let shard = ShardReference(try await stream(store).id, ShardID(0))
        let long = Duration.seconds(600)
        async let record = store.awaitRecords([shard: 0], timeout: long)
        while store.counts.waits < 1 { await Task.yield() }
        _ = try await store.append([ShardAppend(shard, try batch(1))], fence: nil)
        #expect(await record)

        async let clock = store.awaitRecords([shard: 1], timeout: long)
        while store.counts.waits < 2 { await Task.yield() }
        store.advance(milliseconds: 1)
        #expect(await clock == false)

        let cancelled = Task { await store.awaitRecords([shard: 1], timeout: long) }
        while store.counts.waits < 3 { await Task.yield() }
        cancelled.cancel()
        #expect(await cancelled.value == false)

        #expect(await store.awaitRecords([shard: 1], timeout: .milliseconds(1)) == false)
        async let deleted = store.awaitRecords([shard: 1], timeout: long)
        while store.counts.waits < 5 { await Task.yield() }
        try await store.deleteStream(key)
        #expect(await deleted)
    }

    @Test("an append is all or nothing, fenced and sealed as told")
    func appends() async throws {
        let store = MemoryStore()
        let id = try await stream(store, shards: 2).id
        let (left, right) = (ShardReference(id, ShardID(0)), ShardReference(id, ShardID(1)))
        let missing = ShardReference(id, ShardID(2))
        await #expect(throws: StoreError.shardNotFound(missing)) {
            _ = try await store.append([ShardAppend(left, try batch(1)), ShardAppend(missing, try batch(1))], fence: nil)
        }
        let old = try await store.claim(owner: "x")
        _ = try await store.claim(owner: "x")
        await #expect(throws: StoreError.fenced(old, current: 2)) {
            _ = try await store.append([ShardAppend(left, try batch(1))], fence: old)
        }
        store.failAppends(with: .overloaded)
        await #expect(throws: StoreError.overloaded) {
            _ = try await store.append([ShardAppend(left, try batch(1))], fence: nil)
        }
        #expect(try await store.bounds(left).highWatermark == 0)
        store.failAppends(with: .failed("gone"), committed: true)
        await #expect(throws: StoreError.failed("gone")) {
            _ = try await store.append([ShardAppend(left, try batch(3)), ShardAppend(right, try batch(1))], fence: nil)
        }
        #expect(try await store.bounds(left).highWatermark == 3)
        #expect(try await store.bounds(right).highWatermark == 1)
        store.refuseAppends(with: .readOnly(reason: "test"))
        await #expect(throws: StoreError.readOnly(reason: "test")) {
            _ = try await store.append([ShardAppend(left, try batch(1))], fence: nil)
        }
        store.refuseAppends(with: nil)
        try store.close(left)
        await #expect(throws: StoreError.shardClosed(left)) {
            _ = try await store.append([ShardAppend(left, try batch(1))], fence: nil)
        }
        #expect(store.counts.appends == 1)
    }

    @Test("reads give whole batches within the bytes, stop at damage, and know the trim horizon")
    func reads() async throws {
        let store = MemoryStore()
        let shard = ShardReference(try await stream(store).id, ShardID(0))
        for _ in 0..<4 { _ = try await store.append([ShardAppend(shard, try batch(5))], fence: nil) }
        #expect(try await store.read(shard, from: 7, maxBytes: 1).batches.map(\.baseOffset) == [5])
        #expect(try await store.read(shard, from: 0, maxBytes: .max).batches.count == 4)
        store.damage(shard, from: 10, through: 14)
        #expect(try await store.read(shard, from: 0, maxBytes: .max).batches.count == 2)
        await #expect(throws: StoreError.damaged(shard, from: 10, through: 14)) {
            _ = try await store.read(shard, from: 12, maxBytes: 1)
        }
        #expect(try await store.read(shard, from: 15, maxBytes: .max).batches.count == 1)
        try await store.trim(shard, before: 17)
        let bounds = ShardBounds(startOffset: 17, highWatermark: 20)
        #expect(try await store.bounds(shard) == bounds)
        await #expect(throws: StoreError.offsetOutOfRange(shard, offset: 16, bounds)) {
            _ = try await store.read(shard, from: 16, maxBytes: 1)
        }
    }

    @Test("statuses follow the clock, names come free, and records do not return")
    func life() async throws {
        let store = MemoryStore(now: 0, shardLimit: 2, lifecycleDelay: 100)
        let first = try await stream(store)
        #expect(first.status == .creating)
        store.now = 100
        #expect(try await store.stream(key).status == .active)
        let shard = ShardReference(first.id, ShardID(0))
        _ = try await store.append([ShardAppend(shard, try batch(1))], fence: nil)
        await #expect(throws: StoreError.shardLimitExceeded(limit: 2, current: 1, requested: 2)) {
            _ = try await store.createStream(StreamDefinition(key: StreamKey("t"), shardCount: 2))
        }
        try await store.deleteStream(key)
        #expect(try await store.stream(key).status == .deleting)
        store.now = 200
        await #expect(throws: StoreError.streamNotFound(key)) { _ = try await store.stream(key) }
        let second = try await stream(store)
        #expect(second.id > first.id)
        await #expect(throws: StoreError.shardNotFound(shard)) { _ = try await store.bounds(shard) }
        let hidden = try await store.createStream(
            StreamDefinition(key: StreamKey("s", in: .application), shardCount: 9))
        #expect(hidden.status == .active)
        #expect(try await store.streams(in: .stream).map(\.key) == [key])
    }

    @Test("tags are changed in one step, or left as they are, or not while the stream comes and goes")
    func tags() async throws {
        let store = MemoryStore(now: 0, lifecycleDelay: 100)
        await #expect(throws: StoreError.streamNotFound(key)) { try await store.changeTags(key) { _ in true } }
        _ = try await store.createStream(StreamDefinition(key: key, shardCount: 1, tags: ["a": "1"]))
        await #expect(throws: StoreError.streamBusy(key, .creating)) { try await store.changeTags(key) { _ in true } }
        store.now = 100
        #expect(
            try await store.changeTags(key) { tags in
                tags["b"] = "2"
                return true
            })
        #expect(
            try await !store.changeTags(key) { tags in
                tags = [:]
                return false
            })
        #expect(try await store.stream(key).tags == ["a": "1", "b": "2"])
        try await store.deleteStream(key)
        await #expect(throws: StoreError.streamBusy(key, .deleting)) { try await store.changeTags(key) { _ in true } }
    }

    @Test("the retention is changed in one step, or left as it is, or not while the stream comes and goes")
    func retention() async throws {
        let store = MemoryStore(now: 0, lifecycleDelay: 100)
        await #expect(throws: StoreError.streamNotFound(key)) { try await store.changeRetention(key) { _ in 48 } }
        _ = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
        await #expect(throws: StoreError.streamBusy(key, .creating)) { try await store.changeRetention(key) { _ in 48 } }
        store.now = 100
        #expect(try await store.changeRetention(key) { $0 + 1 } == 25)
        #expect(try await store.changeRetention(key) { _ in nil } == 25)
        #expect(try await store.stream(key).retentionHours == 25)
    }

    @Test("batches are compressed as their stream's tags say")
    func compression() async throws {
        let store = MemoryStore()
        let stream = try await store.createStream(
            StreamDefinition(key: key, shardCount: 1, tags: ["millrace:compression": "lz4"]))
        let shard = ShardReference(stream.id, ShardID(0))
        let plain = try batch(100)
        _ = try await store.append([ShardAppend(shard, plain), ShardAppend(shard, try batch(1))], fence: nil)
        let stored = store.batches(of: shard).map(\.batch)
        #expect(stored.map(\.codec) == [.lz4, .none])
        #expect(stored[0].recordCount == 100 && stored[1].baseOffset == 100)
        #expect(try stored[0].records() == plain.records())
    }

    @Test("definitions are kept by kind and name")
    func definitions() async throws {
        let store = MemoryStore()
        let key = DefinitionKey(.application, "a")
        try await store.setDefinitions([(key, [1]), (DefinitionKey(.deliveryStream, "a"), [2])])
        #expect(try await store.definition(key) == [1])
        try await store.setDefinitions([(key, nil)])
        #expect(try await store.definition(key) == nil)
        #expect(try await store.definitions(.deliveryStream).map(\.value) == [[2]])
    }

    @Test("shards are split, merged and closed as every store does it", arguments: ReshardingConformance.all)
    func resharding(_ conformance: ReshardingConformance) async throws {
        try await conformance.run(on: MemoryStore())
    }
}
