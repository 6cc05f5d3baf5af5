/// Streams come, change and go: statuses, delays, limits and namespaces.

import EmbeddedStore
import Host
import StreamStore
import Testing

@Suite struct EmbeddedStoreStreamTests {
    private let key = StreamKey("trades")

    @Test("without a delay a stream is ACTIVE at once and gone at once")
    func noDelay() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let created = try await store.createStream(StreamDefinition(key: key, shardCount: 3))
            #expect(created.status == .active)
            #expect(created.shards.map(\.hashKeyRange) == HashKeyRange.even(3))
            #expect(created.createdMilliseconds == world.clock.wallMilliseconds())
            #expect(try await store.stream(key).id == created.id)
            await #expect(throws: StoreError.streamExists(key)) {
                _ = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            }
            try await store.deleteStream(key)
            await #expect(throws: StoreError.streamNotFound(key)) { _ = try await store.stream(key) }
            await #expect(throws: StoreError.streamNotFound(key)) { try await store.deleteStream(key) }
            #expect(try await store.streams(in: .stream).isEmpty)
            await store.close()
        }
    }

    @Test("with a delay a stream is CREATING, then ACTIVE, then DELETING, then gone, as the clock says")
    func delays() async throws {
        try await StoreWorld.run(delaySeconds: 5) { world in
            let store = try await world.open()
            let created = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            #expect(created.status == .creating)
            await #expect(throws: StoreError.streamBusy(key, .creating)) {
                try await store.put("early", to: created.reference())
            }
            world.clock.advance(seconds: 4)
            #expect(try await store.stream(key).status == .creating)
            world.clock.advance(seconds: 1)
            #expect(try await store.stream(key).status == .active)
            try await store.put("one", to: created.reference())

            try await store.deleteStream(key)
            #expect(try await store.stream(key).status == .deleting)
            await #expect(throws: StoreError.streamBusy(key, .deleting)) {
                try await store.put("late", to: created.reference())
            }
            await #expect(throws: StoreError.streamBusy(key, .deleting)) { try await store.deleteStream(key) }
            await #expect(throws: StoreError.streamExists(key)) {
                _ = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            }
            #expect(try await store.values(created.reference()) == ["one"])
            world.clock.advance(seconds: 5)
            await #expect(throws: StoreError.streamNotFound(key)) { _ = try await store.stream(key) }
            await #expect(throws: StoreError.shardNotFound(created.reference())) {
                _ = try await store.bounds(created.reference())
            }
            // The name is free again even before the upkeep came by.
            let second = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            #expect(second.id > created.id)
            await store.close()
        }
    }

    @Test("a restart resumes the delays; a wall clock that jumped makes none longer than a whole one")
    func delaysAcrossRestart() async throws {
        try await StoreWorld.run(delaySeconds: 10) { world in
            var store = try await world.open()
            _ = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            world.clock.advance(seconds: 6)
            await store.close()

            store = try await world.open()
            #expect(try await store.stream(key).status == .creating)
            world.clock.advance(seconds: 4)
            #expect(try await store.stream(key).status == .active)
            await store.maintain()
            try await store.deleteStream(key)
            await store.close()

            world.clock.jumpWall(seconds: -86_400)
            store = try await world.open()
            #expect(try await store.stream(key).status == .deleting)
            world.clock.advance(seconds: 10)
            await #expect(throws: StoreError.streamNotFound(key)) { _ = try await store.stream(key) }
            await store.maintain()
            await store.close()

            store = try await world.open()
            #expect(try await store.streams(in: .stream).isEmpty)
            await store.close()
        }
    }

    @Test("a deletion that fell due while the store was closed is complete when it opens")
    func deletionDueAtOpen() async throws {
        try await StoreWorld.run(delaySeconds: 10) { world in
            var store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 2))
            world.clock.advance(seconds: 10)
            try await store.deleteStream(key)
            await store.close()
            world.clock.advance(seconds: 10)
            store = try await world.open()
            await #expect(throws: StoreError.streamNotFound(key)) { _ = try await store.stream(key) }
            await #expect(throws: StoreError.shardNotFound(stream.reference())) {
                _ = try await store.bounds(stream.reference())
            }
            await store.close()
        }
    }

    @Test("a stream that is deleted and created again never shows old records, also after a crash")
    func recreate() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            var seen: Set<StreamID> = []
            for round in 0..<5 {
                let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 2))
                #expect(seen.insert(stream.id).inserted)
                #expect(try await store.values(stream.reference(0)).isEmpty)
                #expect(try await store.values(stream.reference(1)).isEmpty)
                try await store.put("round \(round)", to: stream.reference(0))
                try await store.put("round \(round)", to: stream.reference(1))
                let after = try await world.crashed().open()
                #expect(try await after.stream(key).id == stream.id)
                #expect(try await after.values(stream.reference(0)) == ["round \(round)"])
                for old in seen where old != stream.id {
                    let gone = ShardReference(old, ShardID(0))
                    await #expect(throws: StoreError.shardNotFound(gone)) { _ = try await after.bounds(gone) }
                }
                await after.close()
                try await store.deleteStream(key)
            }
            await store.close()
        }
    }

    @Test("the shard limit counts the shards of users' streams, and names what was asked for")
    func shardLimit() async throws {
        try await StoreWorld.run(shardLimit: 5) { world in
            let store = try await world.open()
            _ = try await store.createStream(StreamDefinition(key: key, shardCount: 3))
            _ = try await store.createStream(
                StreamDefinition(key: StreamKey("hidden", in: .application), shardCount: 9))
            #expect(store.openShardCount == 3)
            await #expect(throws: StoreError.shardLimitExceeded(limit: 5, current: 3, requested: 3)) {
                _ = try await store.createStream(StreamDefinition(key: StreamKey("more"), shardCount: 3))
            }
            await #expect(throws: StoreError.shardLimitExceeded(limit: 5, current: 3, requested: .max)) {
                _ = try await store.createStream(StreamDefinition(key: StreamKey("more"), shardCount: .max))
            }
            await #expect(throws: StoreError.self) {
                _ = try await store.createStream(StreamDefinition(key: StreamKey("none"), shardCount: 0))
            }
            _ = try await store.createStream(StreamDefinition(key: StreamKey("more"), shardCount: 2))
            try await store.deleteStream(key)
            _ = try await store.createStream(StreamDefinition(key: StreamKey("third"), shardCount: 3))
            await store.close()
        }
    }

    @Test("hidden streams are not listed with users' streams, share no names with them and know no delay")
    func namespaces() async throws {
        try await StoreWorld.run(delaySeconds: 30) { world in
            let store = try await world.open()
            for namespace in StreamNamespace.allCases {
                let stream = try await store.createStream(
                    StreamDefinition(key: StreamKey("same", in: namespace), shardCount: 1))
                #expect(stream.status == (namespace == .stream ? .creating : .active))
            }
            _ = try await store.createStream(StreamDefinition(key: StreamKey("a"), shardCount: 1))
            #expect(try await store.streams(in: .stream).map(\.key.name) == ["a", "same"])
            #expect(try await store.streams(in: .delivery).map(\.key) == [StreamKey("same", in: .delivery)])
            try await store.deleteStream(StreamKey("same", in: .delivery))
            #expect(try await store.streams(in: .delivery).isEmpty)
            #expect(try await store.streams(in: .application).count == 1)
            await store.close()
        }
    }

    @Test("streams created at the same time by many tasks each come to be once")
    func concurrentCreation() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let created = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<24 {
                    group.addTask {
                        let key = StreamKey("stream-\(number % 6)")
                        return (try? await store.createStream(StreamDefinition(key: key, shardCount: 1))) != nil
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(created == 6)
            #expect(try await store.streams(in: .stream).count == 6)
            await store.close()
        }
    }

    @Test("tags are not changed of a stream that is missing, being created or being deleted")
    func tags() async throws {
        try await StoreWorld.run(delaySeconds: 10) { world in
            let store = try await world.open()
            let key = StreamKey("tagged")
            await #expect(throws: StoreError.streamNotFound(key)) { try await store.changeTags(key) { _ in true } }
            _ = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            await #expect(throws: StoreError.streamBusy(key, .creating)) { try await store.changeTags(key) { _ in true } }
            world.clock.advance(seconds: 10)
            #expect(
                try await store.changeTags(key) { tags in
                    tags["a"] = "b"
                    return true
                })
            try await store.deleteStream(key)
            await #expect(throws: StoreError.streamBusy(key, .deleting)) { try await store.changeTags(key) { _ in true } }
            #expect(try await store.stream(key).tags == ["a": "b"])
            await store.close()
        }
    }

    @Test("tags that several change at once are all there in the end")
    func concurrentTags() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let key = StreamKey("tagged")
            _ = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        _ = try await store.changeTags(key) { tags in
                            tags["\(number)"] = "x"
                            return true
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.stream(key).tags.count == 20)
            await store.close()
            let again = try await world.open()
            #expect(try await again.stream(key).tags.count == 20)
            await again.close()
        }
    }
}
