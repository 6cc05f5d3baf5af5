/// Fences: a newer claim ends an older owner's appends, those in flight included.

import EmbeddedStore
import Host
import StreamStore
import Synchronization
import Testing

@Suite struct EmbeddedStoreFenceTests {
    private let owner = "application/weather"

    @Test("appends under the newest epoch pass; older and invented ones are refused and leave nothing")
    func epochs() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 1))
            let never = Fence(owner: owner, epoch: 0)
            await #expect(throws: StoreError.fenced(never, current: 0)) {
                _ = try await store.append([ShardAppend(stream.reference(), try batch("x"))], fence: never)
            }
            let first = try await store.claim(owner: owner)
            #expect(first == Fence(owner: owner, epoch: 1))
            _ = try await store.append([ShardAppend(stream.reference(), try batch("one"))], fence: first)
            let second = try await store.claim(owner: owner)
            await #expect(throws: StoreError.fenced(first, current: 2)) {
                _ = try await store.append([ShardAppend(stream.reference(), try batch("stale"))], fence: first)
            }
            _ = try await store.append([ShardAppend(stream.reference(), try batch("two"))], fence: second)
            _ = try await store.claim(owner: "somebody else")
            _ = try await store.append([ShardAppend(stream.reference(), try batch("three"))], fence: second)
            #expect(try await store.values(stream.reference()) == ["one", "two", "three"])
            await store.close()
        }
    }

    @Test("epochs survive a crash: who was fenced stays fenced")
    func durable() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 1))
            let first = try await store.claim(owner: owner)
            let second = try await store.claim(owner: owner)
            let after = try await world.crashed().open()
            await #expect(throws: StoreError.fenced(first, current: 2)) {
                _ = try await after.append([ShardAppend(stream.reference(), try batch("x"))], fence: first)
            }
            _ = try await after.append([ShardAppend(stream.reference(), try batch("x"))], fence: second)
            #expect(try await after.claim(owner: owner).epoch == 3)
            await after.close()
            await store.close()
        }
    }

    @Test("a claim returns only when the older owner's append in flight has ended, and then sees its records")
    func inFlight() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 1))
            let first = try await store.claim(owner: owner)
            world.disk.holdSyncs()
            let append = Task {
                try await store.append([ShardAppend(stream.reference(), try batch("in flight"))], fence: first)
            }
            await world.disk.waitForHeldSync()
            let isClaimed = Mutex(false)
            let claim = Task {
                let fence = try await store.claim(owner: owner)
                isClaimed.withLock { $0 = true }
                return (fence, try await store.bounds(stream.reference()).highWatermark)
            }
            while store.currentEpoch(of: owner) < 2 { await Task.yield() }
            await #expect(throws: StoreError.fenced(first, current: 2)) {
                _ = try await store.append([ShardAppend(stream.reference(), try batch("stale"))], fence: first)
            }
            #expect(isClaimed.withLock { $0 } == false)
            world.disk.releaseSyncs()
            let (second, highWatermark) = try await claim.value
            #expect(second.epoch == 2)
            #expect(highWatermark == 1)
            _ = try await append.value
            #expect(try await store.values(stream.reference()) == ["in flight"])
            await store.close()
        }
    }

    @Test("a claim also returns when the append that it waited for failed")
    func inFlightFails() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 1))
            let first = try await store.claim(owner: owner)
            world.disk.holdSyncs()
            let append = Task {
                try await store.append([ShardAppend(stream.reference(), try batch("doomed"))], fence: first)
            }
            await world.disk.waitForHeldSync()
            let claim = Task { try await store.claim(owner: owner) }
            while store.currentEpoch(of: owner) < 2 { await Task.yield() }
            world.disk.failSyncs()
            world.disk.releaseSyncs()
            #expect(try await claim.value.epoch == 2)
            await #expect(throws: StoreError.self) { _ = try await append.value }
            #expect(try await store.values(stream.reference()).isEmpty)
            await store.close()
        }
    }

    @Test("many claims at once get epochs of their own, and only the newest may append")
    func concurrentClaims() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 1))
            let fences = try await withThrowingTaskGroup(of: Fence.self) { group in
                for _ in 0..<20 { group.addTask { try await store.claim(owner: owner) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(fences.map(\.epoch).sorted() == Array(1...20))
            for fence in fences {
                let result = try? await store.append([ShardAppend(stream.reference(), try batch("x"))], fence: fence)
                #expect((result != nil) == (fence.epoch == 20))
            }
            await store.close()
        }
    }
}
