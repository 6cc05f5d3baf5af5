/// The state that an earlier build left when its node died: every later build goes on from it.

import Foundation
import RecordBatch
import StreamEngine
import StreamStore
import StreamStoreTesting
import Testing

@Suite("Kept states of earlier builds")
struct KeptStateTests {
    /// A file for each version of the state's format that ever landed: `record` lines with the records of the hidden stream in base64, `row` lines
    /// with what had left. `MILLRACE_COMPLETE=1` writes a missing one with the present build.
    private static func file(_ version: Int) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Golden/kept-state-\(version).txt")
    }

    private static let code = """
        CREATE OR REPLACE STREAM "OUT" ("what" VARCHAR(8), "k" VARCHAR(8), "n" BIGINT);
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM 'group', "k", COUNT(*) + SUM("v") FROM "SOURCE_SQL_STREAM_001"
        GROUP BY "k", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '2' SECOND);
        CREATE OR REPLACE PUMP "Q" AS INSERT INTO "OUT" SELECT STREAM 'sorted', "k", "v" FROM "SOURCE_SQL_STREAM_001"
        ORDER BY FLOOR("SOURCE_SQL_STREAM_001".ROWTIME TO SECOND), "v" DESC;
        """

    private var limits: ApplicationRun.Limits {
        var limits = ApplicationRun.Limits()
        limits.appendBytes = 150
        limits.snapshotPartBytes = 80
        return limits
    }

    private func world() async throws -> ApplicationWorld {
        var world = try await ApplicationWorld(code: Self.code, output: "OUT", columns: ApplicationRunTests.columns)
        world.definition.inputs[0].startingPosition = .trimHorizon
        return world
    }

    /// Puts the input of one step, half a second of it.
    private func put(_ step: Int, _ world: ApplicationWorld) async throws {
        for shard in 0..<3 {
            try await world.put(
                (0..<2).map { #"{"k":"\#("abcde".dropFirst((step + shard + $0) % 5).prefix(1))","v":\#(step * 7 % 10 + $0)}"# },
                shard: UInt32(shard))
        }
        world.store.advance(milliseconds: 500)
    }

    private func hidden(_ world: ApplicationWorld) async throws -> ShardReference {
        ShardReference(try await world.store.stream(StreamKey("test", in: .application)).id, ShardID(0))
    }

    /// The first life: it writes its state with windows open, goes on, and dies while the rows of a window are copied.
    private func firstLife() async throws -> [String] {
        let world = try await world()
        let store = FailingStore(world.store, failing: 30, countsAppendsOnly: true)
        do {
            var run = try await world.run(start: nil, over: store, limits: limits)
            for step in 0..<20 {
                try await put(step, world)
                _ = try await run.cycle()
                if step == 5 { try await run.snapshot() }
            }
        } catch {}
        let records = try world.store.batches(of: try await hidden(world)).flatMap { try $0.batch.records() }
        return try records.map { "record \(Data($0.value ?? []).base64EncodedString())" } + world.rows().map { "row \($0)" }
    }

    @Test("a build goes on from the state of the one that died: every row is there once", arguments: [2, 3])
    func goesOn(version: Int) async throws {
        let file = Self.file(version)
        if GoldenCase.completes, !FileManager.default.fileExists(atPath: file.path) {
            let lines = try await firstLife()
            try (lines.joined(separator: "\n") + "\n").write(to: file, atomically: true, encoding: .utf8)
        }
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        let left = lines.filter { $0.hasPrefix("row ") }.map { String($0.dropFirst(4)) }
        let records = lines.filter { $0.hasPrefix("record ") }.compactMap { Data(base64Encoded: String($0.dropFirst(7))) }
        #expect(left.count > 10 && records.count > 10)

        let undisturbed = try await world()
        var whole = try await undisturbed.run(start: nil)
        for step in 0..<20 { try await put(step, undisturbed) }
        undisturbed.store.advance(milliseconds: 5000)
        while try await whole.cycle() {}

        let world = try await world()
        for step in 0..<20 { try await put(step, world) }
        let state = try await world.store.createStream(
            StreamDefinition(key: StreamKey("test", in: .application), shardCount: 1, maxRecordKiB: 10_240))
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        for record in records { try builder.append(key: nil, value: Array(record), timestamp: 0) }
        _ = try await world.store.append([ShardAppend(ShardReference(state.id, ShardID(0)), try builder.finish())], fence: nil)
        world.store.advance(milliseconds: 5000)
        var run = try await world.run(start: nil, limits: limits)
        while try await run.cycle() {}
        let rest = try world.rows()
        #expect(!rest.isEmpty)
        #expect((left + rest).sorted() == (try undisturbed.rows()).sorted())
    }
}
