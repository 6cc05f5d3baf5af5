/// Snapshots by name: a start from one computes what came after it, exactly; versions, operations, the guard of starts.

import Host
import Logging
import StreamEngine
import StreamStore
import StreamStoreTesting
import Testing

@Suite("Named snapshots, versions and the guard of starts")
struct NamedSnapshotTests {
    private func manager(_ world: ApplicationWorld) -> ApplicationManager {
        ApplicationManager(
            store: world.store, time: MemoryStoreTime(store: world.store), random: world.random, resolve: { $0.key },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func world() async throws -> ApplicationWorld {
        try await ApplicationWorld(code: ApplicationRunTests.counts, output: "OUT", columns: ApplicationRunTests.columns)
    }

    /// Waits until the derived stream has so many rows.
    private func rows(_ count: Int, _ world: ApplicationWorld) async throws -> [String] {
        let shard = ShardReference(world.derived.id, ShardID(0))
        for _ in 0..<100 {
            let held = try world.rows().count
            if held >= count { break }
            _ = await world.store.awaitRecords([shard: Int64(held)], timeout: .milliseconds(200))
        }
        return try world.rows()
    }

    @Test(
        "a snapshot holds an open window; a start from it computes the rest again, every time the same", arguments: [false, true])
    func restore(afterRestart: Bool) async throws {
        let world = try await world()
        var manager = manager(world)
        try await manager.create(world.definition)
        try await manager.start("test", positions: ["1.1": .trimHorizon])
        try await world.put([#"{"k":"a","v":1}"#], shard: 0)
        world.store.advance(milliseconds: 3000)
        #expect(try await rows(1, world).count == 1)
        // Half of a window before the snapshot, half after it.
        try await world.put([#"{"k":"b","v":1}"#], shard: 1)
        world.store.advance(milliseconds: 10)
        for _ in 0..<200 where await manager.statistics()[0].rowsIn < 2 {
            _ = await world.store.awaitRecords([:], timeout: .milliseconds(5))
        }
        try await manager.takeSnapshot("half", of: "test")
        try await world.put([#"{"k":"b","v":2}"#], shard: 1)
        world.store.advance(milliseconds: 3000)
        let first = try await rows(2, world)
        #expect(first[1].hasPrefix(#"{"k":"b","n":2,"total":3,"#))
        for count in 3...4 {
            try await manager.stop("test")
            if afterRestart {
                await manager.close()
                manager = self.manager(world)
                try await manager.open()
            }
            try await manager.start("test", positions: [:], from: "half")
            #expect(try await rows(count, world) == first + Array(repeating: first[1], count: count - 2))
        }
        let definition = try await manager.definition("test").0
        #expect(definition.restoredSnapshot == "half" && definition.snapshots.map(\.name) == ["half"])
        await manager.close()
    }

    @Test("a node that goes down between the start from a snapshot and its first state begins from the snapshot again")
    func crashAtRestore() async throws {
        let world = try await world()
        let first = manager(world)
        try await first.create(world.definition)
        try await first.start("test", positions: ["1.1": .trimHorizon])
        try await world.put([#"{"k":"a","v":1}"#], shard: 0)
        world.store.advance(milliseconds: 10)
        for _ in 0..<200 where await first.statistics()[0].rowsIn < 1 {
            _ = await world.store.awaitRecords([:], timeout: .milliseconds(5))
        }
        try await first.takeSnapshot("one", of: "test")
        world.store.advance(milliseconds: 3000)
        let rows = try await rows(1, world)
        await first.close()
        // The definition says so, and nothing else was done.
        var definition = try await first.definition("test").0
        definition.restoredSnapshot = "one"
        definition.startNumber += 1
        let restored = ApplicationWorldRun(world, definition)
        for _ in 0..<2 {
            var run = try await restored.run()
            _ = try await run.cycle()
        }
        #expect(try world.rows() == rows + rows)
    }

    @Test("snapshots are refused, listed and deleted; deleting the application deletes them")
    func life() async throws {
        let world = try await world()
        let manager = manager(world)
        try await manager.create(world.definition)
        await #expect(throws: ApplicationError.self) { try await manager.takeSnapshot("s", of: "test") }
        try await manager.start("test", positions: [:])
        try await manager.takeSnapshot("s", of: "test")
        await #expect(throws: ApplicationError.self) { try await manager.takeSnapshot("s", of: "test") }
        try await manager.takeSnapshot("t", of: "test")
        #expect(try await world.store.streams(in: .application).count == 3)
        let created = try await manager.definition("test").0.snapshots[0].createdMilliseconds
        await #expect(throws: ApplicationError.self) {
            try await manager.deleteSnapshot("s", of: "test", created: created + 60_000)
        }
        try await manager.deleteSnapshot("s", of: "test", created: created)
        #expect(try await world.store.streams(in: .application).count == 2)
        try await manager.stop("test")
        await #expect(throws: ApplicationError.self) { try await manager.start("test", positions: [:], from: "s") }
        try await manager.delete("test")
        #expect(try await world.store.streams(in: .application).isEmpty)
        #expect(try await world.store.definitions(.application).isEmpty)
        await manager.close()
    }

    @Test("a snapshot of another stream that had the source's name is refused")
    func otherSource() async throws {
        let world = try await world()
        let manager = manager(world)
        try await manager.create(world.definition)
        try await manager.start("test", positions: [:])
        try await manager.takeSnapshot("s", of: "test")
        try await manager.stop("test")
        try await world.store.deleteStream(StreamKey("in"))
        _ = try await world.store.createStream(StreamDefinition(key: StreamKey("in"), shardCount: 1))
        await #expect(throws: ApplicationError.self) { try await manager.start("test", positions: [:], from: "s") }
        #expect(try await manager.definition("test").1 == .ready)
        #expect(try await manager.operations("test").last?.failure?.contains("other source streams") == true)
        await manager.close()
    }

    @Test("versions are kept and gone back to; what was done is listed")
    func versions() async throws {
        let world = try await world()
        let first = manager(world)
        try await first.create(world.definition)
        try await first.update("test", version: 1) { $0.code += "-- second" }
        let other = ApplicationRunTests.counts.replacing("'1' SECOND", with: "'2' SECOND")
        try await first.start("test", positions: ["1.1": .trimHorizon])
        let change = try await first.update("test", version: 2) { $0.code = other }
        #expect(change.kept.isEmpty && change.lost.count == 1)
        #expect(try await first.definition("test").0.lostState?.contains("P/aggregate") == true)
        #expect(try await first.versions("test").map(\.version) == [3, 2, 1])
        _ = try await first.rollBack("test", version: 3)
        #expect(try await first.definition("test").0.code == ApplicationRunTests.counts + "-- second")
        _ = try await first.rollBack("test", version: 4)
        #expect(try await first.definition("test").0.code == ApplicationRunTests.counts)
        await #expect(throws: ApplicationError.self) { _ = try await first.rollBack("test", version: 5) }
        try await first.stop("test")
        await first.close()
        let second = manager(world)
        try await second.open()
        #expect(try await second.versions("test").map(\.version) == [5, 4, 3, 2, 1])
        let kinds = try await second.operations("test").map(\.kind)
        #expect(kinds == [.update, .start, .update, .rollback, .rollback, .stop])
        let definition = try await second.definition("test").0
        #expect(definition.history?.rolledBackFrom == 4 && definition.history?.rolledBackTo == 1)
        await second.close()
    }

    @Test("what an update of a running application keeps and lets go of is told")
    func told() async throws {
        let world = try await world()
        let manager = manager(world)
        try await manager.create(world.definition)
        try await manager.start("test", positions: [:])
        let more =
            #"CREATE OR REPLACE STREAM "X" ("k" VARCHAR(8)); CREATE OR REPLACE PUMP "Q" AS INSERT INTO "X" SELECT STREAM "k" FROM "SOURCE_SQL_STREAM_001";"#
        try await manager.update("test", version: 1) { $0.code += more }
        let definition = try await manager.definition("test").0
        #expect(definition.keptState?.contains("P/aggregate") == true && definition.lostState == nil)
        await manager.close()
    }

    @Test("an application that the process crashes with at three starts is not started a fourth time, and says so; others are")
    func crashes() async throws {
        let world = try await world()
        var manager = manager(world)
        try await manager.create(world.definition)
        var other = world.definition
        other.name = "other"
        try await manager.create(other)
        try await manager.start("test", positions: [:])
        try await manager.start("other", positions: [:])
        await manager.close()
        // Nobody gets through with a start: a store that takes no appends stands for what kills the process.
        for crash in 0..<4 {
            manager = self.manager(world)
            world.store.holdSettledTime(at: nil)
            try await manager.open(afterCrash: crash > 0)
            let isStarted = try await manager.definition("test").0.isStarted
            #expect(isStarted == (crash < 3), "\(crash)")
            await manager.close()
            // As a crash leaves it: the starts did not come to an end.
            let changes: [(key: DefinitionKey, value: [UInt8]?)] = [
                (
                    DefinitionKey(.application, "test/starts"),
                    Array(#"{"formatVersion":3,"crashes":\#(crash),"isStarting":true}"#.utf8)
                )
            ]
            if crash < 3 { try await world.store.setDefinitions(changes) }
        }
        #expect(await manager.trouble("test")?.contains("crashed 3 times") == true)
        #expect(try await manager.definition("other").0.isStarted)
    }
}

/// Runs of a changed definition in a world.
private struct ApplicationWorldRun {
    private var world: ApplicationWorld

    init(_ world: ApplicationWorld, _ definition: ApplicationDefinition) {
        self.world = world
        self.world.definition = definition
    }

    func run() async throws -> ApplicationRun { try await world.run(start: nil) }
}
