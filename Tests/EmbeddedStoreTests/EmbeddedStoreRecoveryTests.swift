/// Closing, crashing and opening: what was acknowledged is there, interrupted changes are finished, losses are named.

import Catalog
import EmbeddedStore
import Foundation
import Host
import HostSimulation
import StreamLog
import StreamStore
import Testing

@Suite struct EmbeddedStoreRecoveryTests {
    private let key = StreamKey("trades")

    @Test("closing and opening keeps streams, records, fences and definitions")
    func reopen() async throws {
        try await StoreWorld.run { world in
            var store = try await world.open()
            let stream = try await store.createStream(
                StreamDefinition(key: key, shardCount: 2, retentionHours: 48, tags: ["a": "b"]))
            try await store.put("one", to: stream.reference(0))
            try await store.put("two", to: stream.reference(1))
            let fence = try await store.claim(owner: "x")
            try await store.setDefinitions([(DefinitionKey(.application, "app"), [1, 2, 3])])
            await store.close()

            store = try await world.open()
            let again = try await store.stream(key)
            #expect(again.id == stream.id)
            #expect(again.shards == stream.shards)
            #expect(again.retentionHours == 48)
            #expect(again.tags == ["a": "b"])
            #expect(try await store.values(stream.reference(0)) == ["one"])
            #expect(try await store.values(stream.reference(1)) == ["two"])
            #expect(try await store.definition(DefinitionKey(.application, "app")) == [1, 2, 3])
            #expect(try await store.definitions(.application).map(\.name) == ["app"])
            let appended = try await store.append([ShardAppend(stream.reference(0), try batch("three"))], fence: fence)
            #expect(appended.map(\.baseOffset) == [1])
            await store.close()
        }
    }

    @Test("after a crash everything acknowledged is there, append after append")
    func crash() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 2))
            for number in 0..<10 {
                _ = try await store.append(
                    [
                        ShardAppend(stream.reference(0), try batch("left \(number)")),
                        ShardAppend(stream.reference(1), try batch("right \(number)")),
                    ], fence: nil)
                let after = try await world.crashed().open()
                #expect(try await after.values(stream.reference(0)) == (0...number).map { "left \($0)" })
                #expect(try await after.values(stream.reference(1)) == (0...number).map { "right \($0)" })
                await after.close()
            }
            await store.close()
        }
    }

    @Test("a stream in the catalog without logs gets them when the store opens")
    func interruptedCreation() async throws {
        try await StoreWorld.run { world in
            await (try await world.open()).close()
            let catalog = try await Catalog.open(path: world.directory + "/catalog.sqlite")
            let added = try await catalog.addStream(
                StreamDefinition(key: key, shardCount: 3), status: .active, atMilliseconds: 1)
            await catalog.close()
            let (store, recovery) = try await world.openWithReport()
            #expect(recovery.log.damages.isEmpty)
            #expect(recovery.problems.isEmpty)
            for shard in 0..<3 {
                let reference = added.description.reference(UInt32(shard))
                try await store.put("works", to: reference)
                #expect(try await store.values(reference) == ["works"])
            }
            await store.close()
        }
    }

    @Test("a shard whose files were lost is reported with its range when the store opens, and the others serve")
    func lostLog() async throws {
        try await StoreWorld.run { world in
            var store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 2))
            for shard in 0..<2 { try await store.put("kept or lost", to: stream.reference(UInt32(shard))) }
            await store.close()
            let lost = "logs/\(stream.id.rawValue)/0/"
            for path in world.disk.paths where path.hasPrefix(lost) { try world.disk.remove(path) }
            let recovery: StoreRecovery
            (store, recovery) = try await world.openWithReport()
            #expect(recovery.log.damages == [.init(log: LogID(stream: stream.id.rawValue, shard: 0), from: 0, through: 0)])
            await #expect(throws: StoreError.damaged(stream.reference(0), from: 0, through: 0)) {
                try await store.values(stream.reference(0))
            }
            #expect(try await store.values(stream.reference(1)) == ["kept or lost"])
            await store.close()
        }
    }

    @Test("a removal that was cut short after the catalog changed is finished when the store opens, and leaves no files")
    func interruptedRemoval() async throws {
        try await StoreWorld.run { world in
            var store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 2))
            let kept = try await store.createStream(StreamDefinition(key: StreamKey("kept"), shardCount: 1))
            try await store.put("gone", to: stream.reference(0))
            try await store.put("kept", to: kept.reference())
            await store.close()
            let catalog = try await Catalog.open(path: world.directory + "/catalog.sqlite")
            try await catalog.removeStream(stream.id)
            await catalog.close()

            let (opened, recovery) = try await world.openWithReport()
            store = opened
            #expect(recovery.finishedRemovals.count == 2)
            #expect(recovery.problems.isEmpty)
            #expect(try await store.values(kept.reference()) == ["kept"])
            await #expect(throws: StoreError.shardNotFound(stream.reference())) {
                _ = try await store.bounds(stream.reference())
            }
            await store.close()
            let (again, second) = try await world.openWithReport()
            #expect(second.finishedRemovals.isEmpty)
            #expect(second.log.unknownLogs.isEmpty)
            #expect(second.log.quarantined.isEmpty)
            #expect(try await again.values(kept.reference()) == ["kept"])
            await again.close()
        }
    }

    @Test(
        "a removal that was cut short stays known for as long as the journal holds the removed records, however often the store crashes"
    )
    func interruptedRemovalInJournal() async throws {
        try await StoreWorld.run { world in
            let first = try await world.open()
            let stream = try await first.createStream(StreamDefinition(key: key, shardCount: 2))
            try await first.put("gone", to: stream.reference(0))
            var crashed = try world.crashed()
            await first.close()
            let catalog = try await Catalog.open(path: crashed.directory + "/catalog.sqlite")
            try await catalog.removeStream(stream.id)
            await catalog.close()

            for _ in 0..<3 {
                let (store, recovery) = try await crashed.openWithReport()
                #expect(recovery.log.unknownLogs.isEmpty)
                #expect(recovery.log.quarantined.isEmpty)
                #expect(recovery.problems.isEmpty)
                let next = try crashed.crashed()
                await store.close()
                crashed = next
            }
            for _ in 0..<2 { await (try await crashed.open()).close() }
            #expect(!crashed.disk.paths.contains { $0.hasPrefix("quarantine/") })
            let after = try await Catalog.open(path: crashed.directory + "/catalog.sqlite")
            #expect(try await after.load().removedShards.isEmpty)
            await after.close()
        }
    }

    @Test("records without a catalog are not served under new names: the store refuses to open and keeps every file")
    func missingCatalog() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            try await store.put("precious", to: stream.reference())
            await store.close()
            let files = world.disk.paths
            let saved = world.directory + "/saved.sqlite"
            try FileManager.default.moveItem(atPath: world.directory + "/catalog.sqlite", toPath: saved)
            for _ in 0..<2 {
                await #expect(throws: StoreOpenError.self) { _ = try await world.open() }
                #expect(world.disk.paths == files)
            }
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: world.directory + "/catalog.sqlite" + suffix)
            }
            try FileManager.default.moveItem(atPath: saved, toPath: world.directory + "/catalog.sqlite")
            let again = try await world.open()
            #expect(try await again.values(stream.reference()) == ["precious"])
            await again.close()
        }
    }

    @Test("a catalog that does not know the logs stops the store before any file is moved; the right one opens it again")
    func catalogOutOfDate() async throws {
        try await StoreWorld.run { world in
            let path = world.directory + "/catalog.sqlite"
            await (try await world.open()).close()
            let empty = try Data(contentsOf: URL(fileURLWithPath: path))
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            try await store.put("precious", to: stream.reference())
            await store.close()
            let right = try Data(contentsOf: URL(fileURLWithPath: path))
            let files = world.disk.paths
            try empty.write(to: URL(fileURLWithPath: path))
            do {
                _ = try await world.open()
                Issue.record("opened")
            } catch StoreOpenError.unknownLogs(_, let directories) {
                #expect(directories == ["logs/\(stream.id.rawValue)/0"])
            }
            #expect(world.disk.paths == files)
            try right.write(to: URL(fileURLWithPath: path))
            let again = try await world.open()
            #expect(try await again.values(stream.reference()) == ["precious"])
            await again.close()
        }
    }

    @Test("a record whose append was not answered, found by a start that cannot write, stays through upkeep and is there later")
    func foundAndSealed() async throws {
        try await StoreWorld.run { world in
            let disk = SimulatedDisk()
            let open = {
                try await EmbeddedStore.open(disk: disk, directory: world.directory, time: world.clock, options: world.options)
                    .store
            }
            var store = try await open()
            let shard = try await store.createStream(StreamDefinition(key: key, shardCount: 1)).reference()
            disk.fail(.sync, nth: 1)
            await #expect(throws: StoreError.self) { try await store.put("unanswered", to: shard) }
            await store.close()
            // The start writes the last frame once more; the file of its own it cannot begin.
            disk.fail(.write, nth: 2)
            store = try await open()
            #expect(store.writability != .writable)
            world.clock.advance(seconds: 3_600)
            await store.maintain()
            #expect(store.housekeepingProblem == nil)
            #expect(try await store.values(shard) == ["unanswered"])
            await store.close()
            store = try await open()
            #expect(try await store.values(shard) == ["unanswered"])
            try await store.put("after", to: shard)
            #expect(try await store.values(shard) == ["unanswered", "after"])
            await store.close()
        }
    }

    @Test("after a kill the catalog's main file alone knows every stream, whatever became of the files beside it")
    func catalogBesideFilesLost() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            try await store.put("precious", to: stream.reference())
            let after = try world.crashed()
            try? FileManager.default.removeItem(atPath: after.directory + "/catalog.sqlite-wal")
            let again = try await after.open()
            #expect(try await again.values(stream.reference()) == ["precious"])
            await again.close()
            await store.close()
        }
    }

    @Test("a journal that is empty or gone stops the store before any offset is given again", arguments: [false, true])
    func journalLost(isDeleted: Bool) async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            try await store.put("precious", to: stream.reference())
            let after = try world.crashed()
            for path in after.disk.paths where path.hasPrefix("journal/") {
                if isDeleted {
                    try after.disk.remove(path)
                } else {
                    try after.disk.open(path, .existing).truncate(to: 0)
                }
            }
            let files = after.disk.paths
            do {
                _ = try await after.open()
                Issue.record("opened")
            } catch StoreOpenError.journalMissing {
                #expect(after.disk.paths == files)
            }
            await store.close()
        }
    }

    @Test("a damaged catalog stops the store with the catalog's own error")
    func damagedCatalog() async throws {
        try await StoreWorld.run { world in
            await (try await world.open()).close()
            let path = world.directory + "/catalog.sqlite"
            try Data(repeating: 0x11, count: 5_000).write(to: URL(fileURLWithPath: path))
            do {
                _ = try await world.open()
                Issue.record("opened")
            } catch StoreOpenError.catalog(.damaged) {
                // As it should be.
            }
        }
    }

    @Test("closing twice is harmless, and calls that come later fail in words")
    func closeTwice() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            await store.close()
            await store.close()
            await #expect(throws: (any Error).self) { try await store.put("late", to: stream.reference()) }
            await #expect(throws: StoreError.self) { _ = try await store.claim(owner: "x") }
            await #expect(throws: StoreError.self) {
                _ = try await store.createStream(StreamDefinition(key: StreamKey("late"), shardCount: 1))
            }
        }
    }

    @Test("background work runs by itself and stops with the store")
    func housekeeping() async throws {
        try await StoreWorld.run { world in
            var world = world
            world.options.retentionSweepSeconds = 3600
            world.options.lifecycleDelaySeconds = 1
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            world.clock.advance(seconds: 1)
            try await store.put("x", to: stream.reference())
            try await store.deleteStream(key)
            world.clock.advance(seconds: 1)
            // The upkeep removes the stream from the catalog; only it does, since nothing else is asked of the store here.
            let catalog = try await Catalog.open(path: world.directory + "/catalog.sqlite")
            let end = ContinuousClock.now + .seconds(60)
            while try await !catalog.load().streams.isEmpty, ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(try await catalog.load().streams.isEmpty, "a minute has passed")
            await catalog.close()
            await store.close()
        }
    }
}
