/// A wall clock that is wrong, years ahead or behind, costs no record early and stops no retention.

import EmbeddedStore
import StreamStore
import Testing

@Suite struct ClockJumpTests {
    private let key = StreamKey("trades")

    private func run(_ hours: Int, _ world: StoreWorld, _ store: EmbeddedStore<MemoryDisk>) async {
        for _ in 0..<hours {
            world.clock.advance(seconds: 3_600)
            await store.maintain()
        }
    }

    @Test("a start with the clock years ahead trims nothing, and nothing goes early later on, whatever comes in meanwhile")
    func yearsAhead() async throws {
        try await StoreWorld.run { world in
            var store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            try await store.put("old", to: stream.reference())
            await run(1, world, store)
            await store.close()
            world.clock.jumpWall(seconds: 5 * 365 * 86_400)
            store = try await world.open()
            await store.maintain()
            #expect(try await store.values(stream.reference()) == ["old"])
            try await store.put("ahead", to: stream.reference())
            // Another process, which finds a record that is years younger.
            await store.close()
            store = try await world.open()
            await store.maintain()
            #expect(try await store.values(stream.reference()) == ["old", "ahead"])
            await run(22, world, store)
            #expect(try await store.values(stream.reference()) == ["old", "ahead"])
            await run(3, world, store)
            #expect(try await store.values(stream.reference()) == [])
            await store.close()
        }
    }

    @Test("a clock that was years ahead and is set back: records go after twice their time")
    func setBack() async throws {
        try await StoreWorld.run { world in
            world.clock.jumpWall(seconds: 5 * 365 * 86_400)
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            try await store.put("ahead", to: stream.reference())
            world.clock.jumpWall(seconds: -5 * 365 * 86_400)
            try await store.put("after", to: stream.reference())
            await run(23, world, store)
            #expect(try await store.values(stream.reference()) == ["ahead", "after"])
            await run(27, world, store)
            #expect(try await store.values(stream.reference()) == [])
            await store.close()
        }
    }

    @Test("a clock that starts behind and is set right does not stop retention")
    func startsBehind() async throws {
        try await StoreWorld.run { world in
            world.clock.jumpWall(seconds: -50 * 365 * 86_400)
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            try await store.put("early", to: stream.reference())
            await run(1, world, store)
            world.clock.jumpWall(seconds: 50 * 365 * 86_400)
            try await store.put("right", to: stream.reference())
            await run(22, world, store)
            #expect(try await store.values(stream.reference()) == ["early", "right"])
            await run(4, world, store)
            #expect(try await store.values(stream.reference()) == [])
            await store.close()
        }
    }

    @Test("after a long time down, records from before stay for their period of running at most")
    func longDowntime() async throws {
        try await StoreWorld.run { world in
            var store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            try await store.put("old", to: stream.reference())
            await run(12, world, store)
            await store.close()
            world.clock.jumpWall(seconds: 30 * 86_400)
            store = try await world.open()
            await run(10, world, store)
            #expect(try await store.values(stream.reference()) == ["old"])
            await run(3, world, store)
            #expect(try await store.values(stream.reference()) == [])
            await store.close()
        }
    }

    @Test(
        "a shard that was closed without records stays for its time, though the node was killed before any upkeep and the clock is years ahead"
    )
    func emptyClosedShard() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            _ = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            let closed = try await store.splitShard(key, ShardID(0), at: 1 << 100).shards.map(\.id)
            let killed = try world.crashed()
            await store.close()
            killed.clock.jumpWall(seconds: 2 * 365 * 86_400)
            let next = try await killed.open()
            await run(23, killed, next)
            #expect(try await next.stream(key).shards.map(\.id) == closed)
            await run(2, killed, next)
            #expect(try await next.stream(key).shards.map(\.id) == [ShardID(1), ShardID(2)])
            await next.close()
        }
    }

    @Test("a node without records that starts behind, is killed before any upkeep and is set right: what came in meanwhile stays")
    func behindAndKilled() async throws {
        try await StoreWorld.run { world in
            let years: Int64 = 53 * 365 * 86_400
            var store = try await world.open()
            await store.maintain()
            let behind = try world.crashed()
            await store.close()
            behind.clock.jumpWall(seconds: -years)
            store = try await behind.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            try await store.put("early", to: stream.reference())
            let killed = try behind.crashed()
            await store.close()
            killed.clock.jumpWall(seconds: years + 6 * 86_400)
            store = try await killed.open()
            await store.maintain()
            #expect(try await store.values(stream.reference()) == ["early"])
            await run(23, killed, store)
            #expect(try await store.values(stream.reference()) == ["early"])
            await run(2, killed, store)
            #expect(try await store.values(stream.reference()) == [])
            await store.close()
        }
    }
}
