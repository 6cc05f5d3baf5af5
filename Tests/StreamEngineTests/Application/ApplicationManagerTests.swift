/// The life of applications: start, stop, update, delete, and the node's restart.

import Host
import Logging
import RecordBatch
import StreamEngine
import StreamStore
import StreamStoreTesting
import Testing

@Suite("The application manager")
struct ApplicationManagerTests {
    private func manager(_ world: ApplicationWorld, stateBytes: Int? = nil) -> ApplicationManager {
        ApplicationManager(
            store: world.store, time: MemoryStoreTime(store: world.store), random: world.random, resolve: { $0.key },
            stateBytes: stateBytes, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func world() async throws -> ApplicationWorld {
        try await ApplicationWorld(code: ApplicationRunTests.counts, output: "OUT", columns: ApplicationRunTests.columns)
    }

    private func put(_ key: String, _ world: ApplicationWorld) async throws {
        try await world.put([#"{"k":"\#(key)","v":1}"#], shard: 0)
        world.store.advance(milliseconds: 3000)
    }

    /// The derived stream's rows once there are `count`.
    private func rows(_ count: Int, _ world: ApplicationWorld, in stream: StreamDescription? = nil) async throws -> [String] {
        let shard = ShardReference((stream ?? world.derived).id, ShardID(0))
        for _ in 0..<100 {
            if try world.rows(of: stream).count >= count { break }
            let held = Int64(try world.rows(of: stream).count)
            _ = await world.store.awaitRecords([shard: held], timeout: .milliseconds(200))
        }
        return try world.rows(of: stream)
    }

    private func keys(_ rows: [String]) -> [String] {
        rows.map { String($0.dropFirst(6).prefix { $0 != "\"" }) }
    }

    @Test("code may come before its input: its grammar is checked at once, its names when the input is added")
    func codeBeforeInput() async throws {
        let world = try await world()
        let manager = manager(world)
        try await manager.open()
        var definition = world.definition
        let inputs = definition.inputs
        definition.inputs = []
        definition.code = "CREATE STREAM ("
        await #expect(throws: ApplicationError.self) { try await manager.create(definition) }
        definition.code = world.definition.code
        try await manager.create(definition)
        try await manager.update("test", version: 1) { $0.inputs = inputs }
        await #expect(throws: ApplicationError.self) {
            try await manager.update("test", version: 2) { $0.code = $0.code.replacing("SOURCE_SQL", with: "OTHER") }
        }
        #expect(try await manager.definition("test").0.version == 2)
        await manager.close()
    }

    @Test("start, stop and LAST_STOPPED_POINT: what came while it stood still is read, once")
    func startAndStop() async throws {
        let world = try await world()
        let manager = manager(world)
        try await manager.open()
        try await manager.create(world.definition)
        #expect(try await manager.definition("test").1 == .ready)
        try await manager.start("test", positions: ["1.1": .now])
        #expect(try await manager.definition("test").1 == .running)
        await #expect(throws: ApplicationError.self) { try await manager.start("test", positions: [:]) }
        try await put("a", world)
        #expect(keys(try await rows(1, world)) == ["a"])
        try await manager.stop("test")
        #expect(try await manager.definition("test").1 == .ready)
        await #expect(throws: ApplicationError.self) { try await manager.stop("test") }
        try await put("b", world)
        try await manager.start("test", positions: ["1.1": .lastStoppedPoint])
        #expect(keys(try await rows(2, world)) == ["a", "b"])
        await manager.close()
    }

    @Test("of two starts, and of two deletes, at once one is refused")
    func atOnce() async throws {
        let world = try await world()
        let manager = manager(world)
        try await manager.create(world.definition)
        func succeeded(_ call: @escaping @Sendable () async throws -> Void) async -> Int {
            await withTaskGroup(of: Int.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        do {
                            try await call()
                            return 1
                        } catch {
                            return 0
                        }
                    }
                }
                return await group.reduce(0, +)
            }
        }
        #expect(await succeeded { try await manager.start("test", positions: [:]) } == 1)
        #expect(await succeeded { try await manager.delete("test") } == 1)
        await #expect(throws: ApplicationError.self) { _ = try await manager.definition("test") }
    }

    @Test("a running application goes on after a restart of the node, and rows that were under way come out once")
    func restart() async throws {
        let world = try await world()
        let first = manager(world)
        try await first.create(world.definition)
        try await first.start("test", positions: ["1.1": .trimHorizon])
        try await put("a", world)
        _ = try await rows(1, world)
        try await world.put([#"{"k":"open","v":1}"#], shard: 1)
        await first.close()
        let second = manager(world)
        try await second.open()
        try await put("b", world)
        let rows = try await rows(3, world)
        #expect(keys(rows).sorted() == ["a", "b", "open"])
        await second.close()
    }

    @Test("an update goes on where the old code was; a stale version is refused")
    func update() async throws {
        let world = try await world()
        let manager = manager(world)
        try await manager.create(world.definition)
        try await manager.start("test", positions: ["1.1": .trimHorizon])
        try await put("a", world)
        _ = try await rows(1, world)
        await #expect(throws: ApplicationError.self) { try await manager.update("test", version: 7) { _ in } }
        try await manager.update("test", version: 1) { definition in
            definition.code = ApplicationRunTests.counts.replacing("SUM(\"v\")", with: "SUM(\"v\" * 100)")
        }
        try await put("b", world)
        let rows = try await rows(2, world)
        #expect(keys(rows) == ["a", "b"])
        #expect(rows.last?.contains("\"total\":100") == true)
        #expect(try await manager.definition("test").0.version == 2)
        await manager.close()
    }

    @Test("an update says whose state is kept and whose is lost, and windows of the kept stay open")
    func stateOfAnUpdate() async throws {
        let world = try await world()
        let manager = manager(world)
        try await manager.create(world.definition)
        try await manager.start("test", positions: ["1.1": .trimHorizon])
        try await world.put([#"{"k":"a","v":1}"#], shard: 0)
        world.store.advance(milliseconds: 20)
        // The row is in an open window when the code changes behind it.
        let kept = try await manager.update("test", version: 1) { definition in
            definition.code = ApplicationRunTests.counts.replacing("COUNT(*), SUM", with: "COUNT(*) * 10, SUM")
        }
        #expect(kept.kept == ["P/aggregate0"] && kept.lost == [] && kept.new == [])
        try await world.put([#"{"k":"a","v":1}"#], shard: 0)
        world.store.advance(milliseconds: 3000)
        #expect(try await rows(1, world).first?.contains(#""n":20"#) == true)
        let lost = try await manager.update("test", version: 2) { definition in
            definition.code = ApplicationRunTests.counts.replacing("SUM", with: "MAX")
        }
        #expect(lost.kept == [] && lost.lost == ["P/aggregate0"] && lost.new == ["P/aggregate0"])
        await manager.close()
    }

    @Test("an application of a deleted one's name does not see its state")
    func nameReuse() async throws {
        let world = try await world()
        let manager = manager(world)
        try await manager.create(world.definition)
        try await manager.start("test", positions: ["1.1": .trimHorizon])
        try await put("a", world)
        _ = try await rows(1, world)
        try await manager.delete("test")
        await #expect(throws: StoreError.self) { _ = try await world.store.stream(StreamKey("test", in: .application)) }
        try await manager.create(world.definition)
        try await manager.start("test", positions: ["1.1": .trimHorizon])
        #expect(keys(try await rows(2, world)) == ["a", "a"])
        await manager.close()
    }

    @Test("rows wait for a destination that is gone and arrive once when it is back; a stop meanwhile loses none")
    func destinationReturns() async throws {
        let world = try await world()
        let manager = manager(world)
        try await manager.create(world.definition)
        try await manager.start("test", positions: ["1.1": .trimHorizon])
        try await world.store.deleteStream(StreamKey("out"))
        try await put("a", world)
        while await manager.statistics().first?.trouble == nil { await Task.yield() }
        try await manager.stop("test")
        let back = try await world.store.createStream(StreamDefinition(key: StreamKey("out"), shardCount: 1))
        try await manager.start("test", positions: ["1.1": .lastStoppedPoint])
        try await put("b", world)
        #expect(keys(try await rows(2, world, in: back)) == ["a", "b"])
        // Told once the store has answered, which is after the rows can be read.
        while await manager.statistics().first?.rowsOut != 2 { await Task.yield() }
        await manager.close()
    }

    /// Returns when the application has stopped by itself.
    private func stopped(_ manager: ApplicationManager) async throws -> String {
        while true {
            let (definition, status) = try await manager.definition("test")
            if status == .ready, let reason = definition.stopReason { return reason }
            await Task.yield()
        }
    }

    @Test("an application whose state cannot be read stops with the reason, stays stopped after a restart, and can begin anew")
    func unreadableState() async throws {
        let world = try await world()
        let first = manager(world)
        try await first.create(world.definition)
        try await first.start("test", positions: ["1.1": .trimHorizon])
        try await put("a", world)
        _ = try await rows(1, world)
        await first.close()
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        try builder.append(key: nil, value: [2, 99], timestamp: 0)
        let state = try await world.store.stream(StreamKey("test", in: .application))
        _ = try await world.store.append([ShardAppend(ShardReference(state.id, ShardID(0)), try builder.finish())], fence: nil)

        let second = manager(world)
        try await second.open()
        let reason = try await stopped(second)
        #expect(reason.contains("state record kind 99"))
        #expect(await second.trouble("test") == reason)
        #expect(await second.statistics().first?.trouble == reason)
        await #expect(throws: ApplicationError.self) {
            try await second.start("test", positions: ["1.1": .lastStoppedPoint])
        }
        #expect(try await stopped(second) == reason)
        await second.close()

        let third = manager(world)
        try await third.open()
        let counts = world.store.counts
        #expect(try await third.definition("test").1 == .ready)
        #expect(await third.trouble("test") == reason)
        #expect(world.store.counts.reads == counts.reads)
        try await third.start("test", positions: ["1.1": .now])
        #expect(await third.trouble("test") == nil)
        try await put("b", world)
        #expect(keys(try await rows(2, world)) == ["a", "b"])
        await third.close()
    }

    @Test("an application that has outgrown its bound stops with the reason, and does not read its input again and again")
    func outgrown() async throws {
        let world = try await world()
        let manager = manager(world, stateBytes: 2_000)
        try await manager.create(world.definition)
        try await manager.start("test", positions: ["1.1": .trimHorizon])
        try await world.put((0..<500).map { #"{"k":"key\#($0)","v":1}"# }, shard: 0)
        world.store.advance(milliseconds: 1)
        #expect(try await stopped(manager).contains("bound of 2000"))
        let reads = world.store.counts.reads
        world.store.advance(milliseconds: 60_000)
        #expect(world.store.counts.reads == reads)
        // Started again it meets the same end.
        _ = try? await manager.start("test", positions: ["1.1": .lastStoppedPoint])
        #expect(try await stopped(manager).contains("bound of 2000"))
        await manager.close()
    }

    @Test("an append whose answer was lost is not made twice by the same task")
    func lostAnswer() async throws {
        let world = try await world()
        let manager = manager(world)
        try await manager.create(world.definition)
        try await manager.start("test", positions: ["1.1": .trimHorizon])
        world.store.advance(milliseconds: 10)
        world.store.holdSettledTime(at: world.store.now - 1)
        try await world.put([#"{"k":"a","v":1}"#], shard: 0)
        world.store.failAppends(1, with: .failed("the answer was lost"), committed: true)
        world.store.holdSettledTime(at: nil)
        world.store.advance(milliseconds: 3000)
        _ = try await rows(1, world)
        world.store.advance(milliseconds: 1)
        try await put("b", world)
        #expect(keys(try await rows(2, world)) == ["a", "b"])
        await manager.close()
    }

    /// An application with state, whose definition is then as given.
    private func worldWithState(definition: [UInt8]?) async throws -> ApplicationWorld {
        let world = try await world()
        let manager = manager(world)
        try await manager.create(world.definition)
        try await manager.start("test", positions: ["1.1": .trimHorizon])
        try await put("a", world)
        _ = try await rows(1, world)
        await manager.close()
        if let definition { try await world.store.setDefinitions([(DefinitionKey(.application, "test"), definition)]) }
        return world
    }

    @Test(
        "under the name of a definition that cannot be read, or is gone, nothing is created over the state",
        arguments: [true, false])
    func stateStays(isGone: Bool) async throws {
        let world = try await worldWithState(definition: Array("{".utf8))
        if isGone { try await world.store.setDefinitions([(DefinitionKey(.application, "test"), nil)]) }
        let state = try await world.store.stream(StreamKey("test", in: .application)).id
        let manager = manager(world)
        try await manager.open()
        await #expect {
            try await manager.create(world.definition)
        } throws: { error in
            if case ApplicationError.taken("test") = error { true } else { false }
        }
        await #expect(throws: ApplicationError.self) { _ = try await manager.definition("test") }
        #expect(try await world.store.stream(StreamKey("test", in: .application)).id == state)
        #expect(await manager.hasRemains(of: "test"))
        try await manager.delete("test")
        #expect(await !manager.hasRemains(of: "test"))
        try await manager.create(world.definition)
        await manager.close()
    }

    @Test("a definition of another version makes the start fail by name")
    func unknownDefinition() async throws {
        let world = try await worldWithState(definition: Array(#"{"formatVersion":4}"#.utf8))
        await #expect {
            try await self.manager(world).open()
        } throws: { error in
            guard case ApplicationError.unknownFormat(let format) = error else { return false }
            return format == UnknownFormat("the definition of application test", found: "4", known: "3")
        }
    }

    @Test("a state record, or a snapshot in one, of another version makes the start fail by name", arguments: [true, false])
    func unknownState(inSnapshot: Bool) async throws {
        let world = try await worldWithState(definition: nil)
        let stream = try await world.store.stream(StreamKey("test", in: .application))
        var record: [UInt8] = [77, 1, 2, 3]
        if inSnapshot {
            let run = StateRecord.Run(startNumber: 1, programDigest: 2, seed: 3, startMilliseconds: 4, source: StreamID(5))
            let progress = InputProgress(positions: [:], clockMilliseconds: 0)
            let bytes = Array("MRdf".utf8) + [99, 0, 0]
            record = StateRecord.snapshot(run, progress, part: 0, parts: 1, bytes: bytes).encoded()
        }
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        try builder.append(key: nil, value: record, timestamp: 0)
        _ = try await world.store.append([ShardAppend(ShardReference(stream.id, ShardID(0)), try builder.finish())], fence: nil)
        await #expect {
            try await self.manager(world).open()
        } throws: { error in
            guard case ApplicationError.unknownFormat(let format) = error else { return false }
            return format.subject == "the state of application test" && format.found.contains(inSnapshot ? "99" : "77")
        }
    }
}
