/// Runs of applications over a store in memory: exactly once, whatever is cut off where.

import StreamEngine
import StreamStore
import StreamStoreTesting
import Testing

@Suite("An application's run")
struct ApplicationRunTests {
    static let counts = """
        CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "n" BIGINT, "total" BIGINT, "ended" TIMESTAMP);
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT"
        SELECT STREAM "k", COUNT(*), SUM("v"), ROWTIME FROM "SOURCE_SQL_STREAM_001"
        GROUP BY "k", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '1' SECOND);
        """
    static let scores = """
        CREATE OR REPLACE STREAM "OUT" ("v" INTEGER, "ANOMALY_SCORE" DOUBLE);
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT"
        SELECT STREAM "v", ANOMALY_SCORE FROM TABLE(RANDOM_CUT_FOREST(
            CURSOR(SELECT STREAM "v" FROM "SOURCE_SQL_STREAM_001"), 20, 32, 1000, 1));
        """
    static let columns = [("k", "VARCHAR(8)"), ("v", "INTEGER")]

    /// Plays a fixed input through a program; `interrupt` may cut the run off before each cycle and begin it anew.
    private func play(
        _ code: String, seed: UInt64, interrupt: (inout SeededRandom, MemoryStore) -> Interruption
    ) async throws -> [String] {
        let world = try await ApplicationWorld(code: code, output: "OUT", columns: Self.columns)
        var chance = SeededRandom(state: seed)
        // The input comes from a stream of its own, so that it is the same however the run is interrupted.
        var input = SeededRandom(state: 42)
        var run: ApplicationRun? = try await world.run(start: .trimHorizon)
        for step in 0..<120 {
            let count = Int(input.next() % 5)
            let records = (0..<count).map { #"{"k":"\#("abc".randomElement(using: &input) ?? "a")","v":\#(step * 10 + $0)}"# }
            if !records.isEmpty { try await world.put(records, shard: UInt32(input.next() % 3)) }
            world.store.advance(milliseconds: Int64(input.next() % 400) + 1)
            switch interrupt(&chance, world.store) {
            case .none: break
            case .kill: run = nil
            case .failedAppend(let committed):
                world.store.failAppends(1, with: .failed("the node died"), committed: committed)
            case .snapshot: try await run?.snapshot()
            }
            do {
                if run == nil { run = try await world.run(start: nil) }
                _ = try await run?.cycle()
            } catch {
                // The node is gone; the next one goes on.
                run = nil
            }
            await world.disarm()
        }
        world.store.advance(milliseconds: 5000)
        if run == nil { run = try await world.run(start: nil) }
        _ = try await run?.cycle()
        return try world.rows()
    }

    private enum Interruption {
        case none, kill, failedAppend(committed: Bool), snapshot
    }

    @Test("rows come out exactly once and bit for bit the same, wherever the node dies", arguments: [counts, scores])
    func exactlyOnce(code: String) async throws {
        let undisturbed = try await play(code, seed: 0) { _, _ in .none }
        #expect(undisturbed.count > 50)
        #expect(Set(undisturbed).count == undisturbed.count || code == Self.scores)
        for seed in UInt64(1)...25 {
            let disturbed = try await play(code, seed: seed) { chance, _ in
                switch chance.next() % 8 {
                case 0: .kill
                case 1: .failedAppend(committed: true)
                case 2: .failedAppend(committed: false)
                case 3: .snapshot
                default: .none
                }
            }
            #expect(disturbed == undisturbed, "seed \(seed)")
        }
    }

    @Test("the rows of a window with many groups leave in the order of its first rows, whatever number of cores writes them")
    func manyGroups() async throws {
        let world = try await ApplicationWorld(code: Self.counts, output: "OUT", columns: Self.columns)
        var run = try await world.run(start: .trimHorizon)
        let keys = (0..<40_000).map { $0 * 7919 % 40_000 }
        for first in stride(from: 0, to: keys.count, by: 2000) {
            try await world.put(keys[first..<(first + 2000)].map { #"{"k":"\#($0)","v":\#($0)}"# }, shard: 1)
        }
        world.store.advance(milliseconds: 5000)
        while try await run.cycle() {}
        let rows = try world.rows()
        #expect(rows.count == keys.count)
        #expect(zip(rows, keys).allSatisfy { $0.hasPrefix(#"{"k":"\#($1)","n":1,"total":\#($1),"#) })
    }

    @Test("an old run's append is refused once a new run has claimed the application")
    func fencing() async throws {
        let world = try await ApplicationWorld(code: Self.counts, output: "OUT", columns: Self.columns)
        var old = try await world.run(start: .trimHorizon)
        try await world.put([#"{"k":"a","v":1}"#], shard: 0)
        var new = try await world.run(start: nil)
        world.store.advance(milliseconds: 3000)
        await #expect(throws: StoreError.self) { _ = try await old.cycle() }
        _ = try await new.cycle()
        #expect(try world.rows().count == 1)
    }

    @Test("NOW leaves out what was there, TRIM_HORIZON takes it, LAST_STOPPED_POINT goes on")
    func startingPositions() async throws {
        let world = try await ApplicationWorld(code: Self.counts, output: "OUT", columns: Self.columns)
        try await world.put([#"{"k":"old","v":1}"#], shard: 0)
        world.store.advance(milliseconds: 10)
        var now = try await world.run(start: .now)
        try await world.put([#"{"k":"new","v":1}"#], shard: 0)
        world.store.advance(milliseconds: 3000)
        _ = try await now.cycle()
        try await now.snapshot()
        #expect(try world.rows().map { $0.contains("new") } == [true])
        try await world.put([#"{"k":"while","v":1}"#], shard: 1)
        var last = try await world.run(start: .lastStoppedPoint)
        world.store.advance(milliseconds: 3000)
        _ = try await last.cycle()
        #expect(try world.rows().map { $0.contains("while") } == [false, true])
        var all = try await world.run(start: .trimHorizon)
        _ = try await all.cycle()
        #expect(try world.rows().count == 5)
    }

    @Test("after a change of the code reading goes on where the old code stopped, with empty windows")
    func changedCode() async throws {
        var world = try await ApplicationWorld(code: Self.counts, output: "OUT", columns: Self.columns)
        var first = try await world.run(start: .trimHorizon)
        try await world.put([#"{"k":"a","v":1}"#], shard: 0)
        world.store.advance(milliseconds: 3000)
        _ = try await first.cycle()
        try await first.snapshot()
        world.definition.code = Self.counts.replacing("SUM(\"v\")", with: "SUM(\"v\" * 100)")
        try await world.put([#"{"k":"b","v":2}"#], shard: 0)
        var second = try await world.run(start: .lastStoppedPoint)
        world.store.advance(milliseconds: 3000)
        _ = try await second.cycle()
        let rows = try world.rows()
        #expect(rows.count == 2)
        #expect(rows[1].contains(#""k":"b","n":1,"total":200"#))
    }

    @Test("a snapshot lets go of what came before it in the hidden stream")
    func trimming() async throws {
        let world = try await ApplicationWorld(code: Self.counts, output: "OUT", columns: Self.columns)
        var run = try await world.run(start: .trimHorizon)
        for _ in 0..<10 {
            try await world.put([#"{"k":"a","v":1}"#], shard: 0)
            world.store.advance(milliseconds: 1500)
            _ = try await run.cycle()
        }
        try await run.snapshot()
        let hidden = try await world.store.stream(StreamKey("test", in: .application))
        let bounds = try await world.store.bounds(ShardReference(hidden.id, ShardID(0)))
        // The head, what is open (nothing, or a window), the end.
        #expect(bounds.highWatermark - bounds.startOffset <= 3)
    }
}
