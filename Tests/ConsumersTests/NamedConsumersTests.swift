/// Named consumers on a store: durable positions, fences, resharding, reset; and random histories of all of it.

import Consumers
import Host
import LatestValues
import RecordBatch
import StreamStore
import StreamStoreTesting
import Synchronization
import Testing

/// A clock that the test moves.
final class TestTime: TimeSource {
    private let milliseconds = Mutex<Int64>(1_000)
    private let store: MemoryStore
    init(_ store: MemoryStore) { self.store = store }
    func wallMilliseconds() -> Int64 { store.now }
    func monotonicNanoseconds() -> UInt64 { UInt64(milliseconds.withLock { $0 }) * 1_000_000 }
    func advance(_ by: Int64) {
        milliseconds.withLock { $0 += by }
        store.advance(milliseconds: by)
    }
}

/// A store with one stream, and its consumers.
struct World {
    let store = MemoryStore()
    let time: TestTime
    var consumers: NamedConsumers
    static let stream = "orders"

    init(shards: Int) async throws {
        time = TestTime(store)
        _ = try await store.createStream(StreamDefinition(key: StreamKey(Self.stream), shardCount: shards))
        consumers = try await NamedConsumers.open(store: store, time: time)
    }

    /// As after a crash: only what is durable is left.
    mutating func restart() async throws { consumers = try await NamedConsumers.open(store: store, time: time) }

    func description() async throws -> StreamDescription { try await store.stream(StreamKey(Self.stream)) }

    /// Puts one record; returns the shard that took it and the offset there.
    func put(_ key: String, _ value: String, to stream: String = stream) async throws {
        let found = try await store.stream(StreamKey(stream))
        guard let shard = found.routing.shard(for: HashKey.hash(partitionKey: key)) else { return }
        var builder = RecordBatchBuilder(baseTimestamp: store.now, expectedBytes: 64)
        try builder.append(key: Array(key.utf8), value: Array(value.utf8), timestamp: store.now)
        _ = try await store.append(Append([ShardAppend(ShardReference(found.id, shard), try builder.finish())]))
    }

    /// All values of a stream.
    func values(of stream: String) async throws -> [String] {
        let found = try await store.stream(StreamKey(stream))
        var values: [String] = []
        for shard in found.shards {
            for batch in try await store.read(ShardReference(found.id, shard.id), from: shard.startOffset, maxBytes: .max).batches {
                try batch.batch.forEachRecord {
                    values.append(String(decoding: $0.value ?? .init(start: nil, count: 0), as: UTF8.self))
                }
            }
        }
        return values
    }

    func number(_ offset: Int64, _ shard: ShardID) async throws -> SequenceNumber {
        let description = try #require(try await description().shard(shard))
        return SequenceNumber(offset: offset, in: description, arrivalMilliseconds: store.now)
    }
}

@Suite struct NamedConsumersTests {
    @Test func `positions and epochs outlive a restart`() async throws {
        var world = try await World(shards: 1)
        for index in 0..<5 { try await world.put("k", "\(index)") }
        let first = try await world.consumers.renew("a", of: "c", on: World.stream)
        let lease = try #require(first.leases.first)
        #expect(lease.position.nextOffset == 0)
        let number = try await world.number(2, ShardID(0))
        try await world.consumers.checkpoint(
            [LeaseCheckpoint(ShardID(0), epoch: lease.epoch, .after(number))], by: "a", of: "c", on: World.stream)
        try await world.restart()
        let again = try await world.consumers.renew("a", of: "c", on: World.stream)
        #expect(again.leases.first?.position.nextOffset == 3)
        #expect(again.leases.first?.epoch == lease.epoch)
        let shard = try #require(try await world.consumers.describe("c", of: World.stream).shards.first)
        #expect(shard.checkpoint == number)
        #expect(shard.lagRecords == 2)
    }

    @Test func `a member that was paused past its lease is refused, also after a restart`() async throws {
        var world = try await World(shards: 1)
        try await world.put("k", "1")
        let lease = try #require(
            try await world.consumers.renew("a", of: "c", on: World.stream, leaseMilliseconds: 1000).leases.first)
        world.time.advance(1000)
        let late = LeaseCheckpoint(ShardID(0), epoch: lease.epoch, .after(try await world.number(0, ShardID(0))))
        await #expect(throws: ConsumerError.leaseLost(ShardID(0), member: "a", epoch: 1, owner: "a", current: 1)) {
            try await world.consumers.checkpoint([late], by: "a", of: "c", on: World.stream)
        }
        _ = try await world.consumers.renew("b", of: "c", on: World.stream)
        try await world.restart()
        await #expect(throws: ConsumerError.leaseLost(ShardID(0), member: "a", epoch: 1, owner: "b", current: 2)) {
            try await world.consumers.checkpoint([late], by: "a", of: "c", on: World.stream)
        }
    }

    @Test func `what a fenced member writes is not there`() async throws {
        let world = try await World(shards: 1)
        _ = try await world.store.createStream(StreamDefinition(key: StreamKey("out"), shardCount: 2))
        try await world.put("k", "1")
        let lease = try #require(
            try await world.consumers.renew("a", of: "c", on: World.stream, leaseMilliseconds: 1000).leases.first)
        let checkpoint = LeaseCheckpoint(ShardID(0), epoch: lease.epoch, .after(try await world.number(0, ShardID(0))))
        let output = OutputRecord(to: StreamKey("out"), partitionKey: Array("k".utf8), data: Array("done".utf8))
        try await world.consumers.checkpoint([checkpoint], by: "a", of: "c", on: World.stream, outputs: [output])
        #expect(try await world.values(of: "out") == ["done"])
        world.time.advance(2000)
        await #expect(throws: ConsumerError.self) {
            try await world.consumers.checkpoint([checkpoint], by: "a", of: "c", on: World.stream, outputs: [output])
        }
        #expect(try await world.values(of: "out") == ["done"])
    }

    @Test func `latest is where the stream was when the consumer was made`() async throws {
        let world = try await World(shards: 1)
        try await world.put("k", "1")
        _ = try await world.consumers.renew("a", of: "c", on: World.stream, start: .latest)
        try await world.put("k", "2")
        let lease = try #require(try await world.consumers.renew("a", of: "c", on: World.stream).leases.first)
        #expect(lease.position.nextOffset == 1)
    }

    @Test func `an empty shard stands between its parents and its children`() async throws {
        let world = try await World(shards: 1)
        try await world.put("k", "1")
        let middle = HashKeyRange.even(2)[1].start
        _ = try await world.store.splitShard(StreamKey(World.stream), ShardID(0), at: middle)
        _ = try await world.store.mergeShards(StreamKey(World.stream), ShardID(1), ShardID(2))
        let leases = try await world.consumers.renew("a", of: "c", on: World.stream).leases
        #expect(leases.map(\.shard.index) == [0])
    }

    @Test func `positions outside the shard and backwards are refused`() async throws {
        let world = try await World(shards: 2)
        for index in 0..<20 { try await world.put("\(index)", "v") }
        let leases = try await world.consumers.renew("a", of: "c", on: World.stream).leases
        func checkpoint(_ shard: ShardID, _ progress: LeaseCheckpoint.Progress) async throws {
            try await world.consumers.checkpoint(
                [LeaseCheckpoint(shard, epoch: leases[0].epoch, progress)], by: "a", of: "c", on: World.stream)
        }
        let (zero, one) = (ShardID(0), ShardID(1))
        try await checkpoint(zero, .after(try await world.number(1, zero)))
        for progress in [
            .after(try await world.number(0, zero)), .after(try await world.number(1000, zero)), .end,
            .after(try await world.number(0, one)),
        ] as [LeaseCheckpoint.Progress] {
            await #expect(throws: ConsumerError.self) { try await checkpoint(zero, progress) }
        }
        #expect(try await world.consumers.describe("c", of: World.stream).shards[0].position.nextOffset == 2)
    }

    @Test func `a reset takes all leases away and goes back`() async throws {
        let world = try await World(shards: 1)
        for index in 0..<5 { try await world.put("k", "\(index)") }
        let lease = try #require(try await world.consumers.renew("a", of: "c", on: World.stream).leases.first)
        let checkpoint = LeaseCheckpoint(ShardID(0), epoch: lease.epoch, .after(try await world.number(3, ShardID(0))))
        try await world.consumers.checkpoint([checkpoint], by: "a", of: "c", on: World.stream)
        let shown = try await world.consumers.reset("c", of: World.stream, to: .trimHorizon, isDryRun: true)
        #expect(shown.map { $0.to.nextOffset - ($0.from?.nextOffset ?? 0) } == [-4])
        #expect(try await world.consumers.describe("c", of: World.stream).shards[0].position.nextOffset == 4)
        _ = try await world.consumers.reset("c", of: World.stream, to: .trimHorizon)
        await #expect(throws: ConsumerError.self) {
            try await world.consumers.checkpoint([checkpoint], by: "a", of: "c", on: World.stream)
        }
        let again = try #require(try await world.consumers.renew("a", of: "c", on: World.stream).leases.first)
        #expect(again.position.nextOffset == 0)
    }

    @Test func `a kicked member is told once`() async throws {
        let world = try await World(shards: 1)
        _ = try await world.consumers.renew("a", of: "c", on: World.stream)
        _ = try await world.consumers.renew("b", of: "c", on: World.stream)
        try await world.consumers.kick("a", of: "c", on: World.stream)
        #expect(try await world.consumers.renew("b", of: "c", on: World.stream).leases.count == 1)
        await #expect(throws: ConsumerError.kicked(member: "a")) {
            _ = try await world.consumers.renew("a", of: "c", on: World.stream)
        }
        #expect(try await world.consumers.renew("a", of: "c", on: World.stream).leases.isEmpty)
    }

    @Test func `a consumer with members is not deleted, and one of a deleted stream is not found`() async throws {
        let world = try await World(shards: 1)
        _ = try await world.consumers.renew("a", of: "c", on: World.stream)
        await #expect(throws: ConsumerError.inUse("c", members: 1)) {
            try await world.consumers.delete("c", of: World.stream)
        }
        try await world.consumers.leave("a", of: "c", on: World.stream)
        try await world.consumers.delete("c", of: World.stream)
        await #expect(throws: ConsumerError.consumerNotFound("c")) {
            _ = try await world.consumers.describe("c", of: World.stream)
        }
    }

    @Test func `an append that fails grants nothing and loses nothing`() async throws {
        let world = try await World(shards: 1)
        _ = try await world.consumers.renew("a", of: "c", on: World.stream, leaseMilliseconds: 1000)
        world.time.advance(2000)
        world.store.failAppends(1, with: .overloaded)
        await #expect(throws: ConsumerError.self) { _ = try await world.consumers.renew("b", of: "c", on: World.stream) }
        let leases = try await world.consumers.renew("b", of: "c", on: World.stream).leases
        #expect(leases.map(\.epoch) == [3])
    }

    @Test func `a table of another format does not open`() async throws {
        let world = try await World(shards: 1)
        let key = ConsumerKey(StreamID(1), "c")
        let table = world.consumers.table
        try await table.update([.init(ConsumerRecord.key(.definition, key), to: [9])])
        await #expect(throws: ConsumerError.unknownFormat(found: 9, known: 1)) {
            _ = try await NamedConsumers.open(store: world.store, time: world.time)
        }
    }
}
