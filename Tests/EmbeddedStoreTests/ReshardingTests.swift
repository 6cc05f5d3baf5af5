/// Shards that are split, merged and closed on a real log and catalog: as every store does it, after a crash at every step, in backups, and until
/// retention takes them.

import Catalog
import EmbeddedStore
import Host
import RecordBatch
import StreamLog
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct ReshardingTests {
    private let key = StreamKey("trades")

    @Test("shards are split, merged and closed as every store does it", arguments: ReshardingConformance.all)
    func conformance(_ conformance: ReshardingConformance) async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            try await conformance.run(on: store)
            await store.close()
        }
    }

    @Test("after a crash, and after closing, shards are as they were told, and offsets go on")
    func crash() async throws {
        try await StoreWorld.run { world in
            var store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 2))
            for tag in 0..<3 { try await store.put("a\(tag)", to: stream.reference(0)) }
            var told = try await store.splitShard(key, ShardID(0), at: 1 << 100)
            try await store.put("b", to: stream.reference(2))
            told = try await store.mergeShards(key, ShardID(3), ShardID(1))
            let after = try await world.crashed().open()
            try await check(after, told)
            await after.close()
            await store.close()
            store = try await world.open()
            try await check(store, told)
            await store.close()
        }
    }

    private func check(_ store: EmbeddedStore<MemoryDisk>, _ told: StreamDescription) async throws {
        let found = try await store.stream(key)
        #expect(found.shards == told.shards && found.lanes == told.lanes)
        #expect(try await store.values(told.reference(0)) == ["a0", "a1", "a2"])
        #expect(try await store.values(told.reference(2)) == ["b"])
        #expect(try await store.bounds(told.reference(2)) == ShardBounds(startOffset: 3, highWatermark: 4))
        await #expect(throws: StoreError.shardClosed(told.reference(0))) { try await store.put("late", to: told.reference(0)) }
        #expect(try await store.put("on", to: told.reference(4))?.baseOffset == told.shards[4].startOffset)
    }

    @Test("a plan that is not in the journal is forgotten; its numbers are free again")
    func plannedOnly() async throws {
        try await StoreWorld.run { world in
            var store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            try await store.put("a", to: stream.reference())
            await store.close()
            let catalog = try await Catalog.open(path: world.directory + "/catalog.sqlite")
            try await catalog.plan(try stream.split(ShardID(0), at: 1 << 90, now: 5).children, of: stream.id)
            await catalog.close()
            store = try await world.open()
            #expect(try await store.stream(key).shards == stream.shards)
            #expect(try await store.put("b", to: stream.reference())?.baseOffset == 1)
            let split = try await store.splitShard(key, ShardID(0), at: 1 << 91)
            #expect(split.shards.map(\.id.index) == [0, 1, 2] && split.shards[1].startOffset == 2)
            await store.close()
        }
    }

    @Test("what the journal has and the catalog has not is completed when the store opens")
    func committedOnly() async throws {
        try await StoreWorld.run { world in
            var store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            for tag in 0..<2 { try await store.put("a\(tag)", to: stream.reference()) }
            // The catalog as it was before the journal told of the split.
            let catalog = try await Catalog.open(path: world.directory + "/catalog.sqlite")
            let told = try await store.splitShard(key, ShardID(0), at: 1 << 90)
            try await store.put("b", to: stream.reference(1))
            var older = stream
            older.tags = [:]
            try await catalog.update(CatalogStream(description: older, statusChangedMilliseconds: 0, hasLogs: true))
            try await catalog.forgetRemoved([stream.reference(1), stream.reference(2)])
            try await catalog.plan(Array(told.shards[1...]), of: stream.id)
            await catalog.close()
            let after = try await world.crashed().openWithReport()
            #expect(after.recovery.problems.isEmpty && after.recovery.log.damages.isEmpty)
            let found = try await after.store.stream(key)
            #expect(found.shards.map(\.endOffset) == [2, nil, nil] && found.shards.map(\.startOffset) == [0, 2, 0])
            #expect(try await after.store.values(stream.reference(1)) == ["b"])
            await after.store.close()
            await store.close()
            store = try await world.open()
            #expect(try await store.stream(key).shards.map(\.endOffset) == [2, nil, nil])
            await store.close()
        }
    }

    @Test("users' streams are UPDATING for the life-cycle delay, and take appends meanwhile")
    func updating() async throws {
        try await StoreWorld.run(delaySeconds: 2) { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            world.clock.advance(seconds: 3)
            #expect(try await store.splitShard(key, ShardID(0), at: 1 << 90).status == .updating)
            try await store.put("x", to: stream.reference(1))
            await #expect(throws: StoreError.streamBusy(key, .updating)) {
                _ = try await store.splitShard(key, ShardID(1), at: 1 << 80)
            }
            world.clock.advance(seconds: 3)
            #expect(try await store.stream(key).status == .active)
            await store.close()
        }
    }

    @Test("the shard limit counts what a split adds")
    func limit() async throws {
        try await StoreWorld.run(shardLimit: 2) { world in
            let store = try await world.open()
            _ = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            _ = try await store.splitShard(key, ShardID(0), at: 1 << 90)
            await #expect(throws: StoreError.shardLimitExceeded(limit: 2, current: 2, requested: 1)) {
                _ = try await store.splitShard(key, ShardID(1), at: 1 << 80)
            }
            _ = try await store.mergeShards(key, ShardID(1), ShardID(2))
            await store.close()
        }
    }

    @Test("closed shards stay until their records and their time are gone; lanes stay known")
    func retired() async throws {
        try await StoreWorld.run { world in
            var store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 2))
            try await store.put("a", to: stream.reference(0))
            _ = try await store.mergeShards(key, ShardID(0), ShardID(1))
            for _ in 0..<23 {
                world.clock.advance(seconds: 3_600)
                await store.maintain()
            }
            #expect(try await store.stream(key).shards.count == 3)
            for _ in 0..<2 {
                world.clock.advance(seconds: 3_600)
                await store.maintain()
            }
            var left = try await store.stream(key)
            #expect(left.shards.map(\.id.index) == [2])
            #expect(left.lanes[1] == LaneDescription(id: LaneID(1), endOffset: 0, successor: LaneID(0)))
            #expect(left.openShard(of: LaneID(1))?.id == ShardID(2))
            await #expect(throws: StoreError.shardNotFound(stream.reference(0))) { _ = try await store.bounds(stream.reference(0)) }
            #expect(!world.disk.paths.contains { $0.hasPrefix("logs/\(stream.id)/0/") })
            await store.close()
            store = try await world.open()
            left = try await store.stream(key)
            #expect(left.shards.map(\.id.index) == [2] && left.lanes.count == 2)
            let split = try await store.splitShard(key, ShardID(2), at: 1 << 90)
            #expect(split.shards.map(\.lane.index) == [0, 0, 2])
            await store.close()
        }
    }
}
