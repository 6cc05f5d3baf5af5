/// Materialized views of an application: read while they change, and after crashes.

import Host
import Logging
import StreamEngine
import StreamSQL
import StreamStore
import StreamStoreTesting
import Testing

@Suite("Materialized views of an application")
struct ViewTests {
    private static let code = """
        CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "n" BIGINT);
        CREATE OR REPLACE MATERIALIZED VIEW "LATEST" AS SELECT STREAM "k", LAST_VALUE("v") AS "v", COUNT(*) AS "n" FROM "SOURCE_SQL_STREAM_001" GROUP BY "k";
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", COUNT(*) FROM "SOURCE_SQL_STREAM_001"
        GROUP BY "k", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '1' SECOND);
        """

    private func world() async throws -> ApplicationWorld {
        var world = try await ApplicationWorld(code: Self.code, output: "OUT", columns: ApplicationRunTests.columns)
        world.definition.inputs[0].startingPosition = .trimHorizon
        return world
    }

    private func manager(_ world: ApplicationWorld) -> ApplicationManager {
        ApplicationManager(
            store: world.store, time: MemoryStoreTime(store: world.store), random: world.random, resolve: { $0.key },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// The rows of a run's view as text.
    private func shown(_ run: ApplicationRun) -> [String] { lines(run.views.views[0].all().rows) }

    private func lines(_ rows: ColumnBatch) -> [String] {
        (0..<rows.count).map { row in rows.columns.map { $0.text(row) ?? "NULL" }.joined(separator: " ") }
    }

    private func answer(_ text: String, _ manager: ApplicationManager) async throws -> [String] {
        let query = try await manager.query(QueryRequest(text: text))
        var found: [String] = []
        while let event = try await query.next() { if case .rows(let rows) = event { found += lines(rows) } }
        return found
    }

    @Test("what a view shows is what all records give, wherever its run dies, and its state is written as it changes")
    func afterCrashes() async throws {
        var limits = ApplicationRun.Limits()
        limits.pieceBytes = 200
        limits.snapshotPartBytes = 90
        limits.snapshotStepBytes = 200
        limits.snapshotNanoseconds = 1_500_000_000
        for failing in [3, 4, 5, 7, 9, 12, 15, 20, .max] {
            let world = try await world()
            let store = FailingStore(world.store, failing: failing, .before, countsAppendsOnly: true)
            var input = SeededRandom(state: 7)
            var (run, expected) = (ApplicationRun?.none, [String: (v: Int, n: Int)]())
            for number in 0..<15 {
                let records = (0..<6).map { place in
                    let (key, value) = ("abcdefgh".randomElement(using: &input).map(String.init) ?? "a", number * 10 + place)
                    expected[key] = (value, (expected[key]?.n ?? 0) + 1)
                    return #"{"k":"\#(key)","v":\#(value)}"#
                }
                try await world.put(records, shard: 0)
                world.store.advance(milliseconds: 400)
                do {
                    if run == nil { run = try await world.run(start: nil, over: store, limits: limits) }
                    while try await run?.cycle() == true {}
                } catch {
                    run = nil
                    continue
                }
                let found = try #require(run)
                #expect(found.views.isCaughtUp)
                #expect(
                    shown(found).sorted() == expected.map { "\($0.key) \($0.value.v) \($0.value.n)" }.sorted(),
                    "\(failing), \(number)")
            }
        }
    }

    @Test("a view that begins is not read before everything is in it that was there")
    func catchingUp() async throws {
        let world = try await world()
        try await world.put([#"{"k":"a","v":1}"#], shard: 0)
        world.store.advance(milliseconds: 100)
        var run = try await world.run(start: nil)
        #expect(!run.views.isCaughtUp)
        while try await run.cycle() {}
        #expect(run.views.isCaughtUp)
        #expect(shown(run) == ["a 1 1"])
    }

    @Test("queries read a view of a running application by key and whole, by its application's name or without")
    func queries() async throws {
        let world = try await world()
        let manager = manager(world)
        try await manager.open()
        try await manager.create(world.definition)
        await #expect(throws: ApplicationError.self) { try await answer(#"SELECT * FROM test."LATEST""#, manager) }
        try await world.put([#"{"k":"a","v":1}"#, #"{"k":"b ","v":2}"#, #"{"k":"a","v":3}"#, #"{"k":null,"v":9}"#], shard: 0)
        world.store.advance(milliseconds: 100)
        try await manager.start("test", positions: ["1.1": .trimHorizon])
        for _ in 0..<1000 where (try? await answer("SELECT * FROM test.LATEST", manager))?.count != 3 { await Task.yield() }
        #expect(try await answer("SELECT * FROM test.LATEST", manager) == ["a 3 2", "b  2 1", "NULL 9 1"])
        #expect(try await answer("SELECT v, n FROM LATEST WHERE k = 'a'", manager) == ["3 2"])
        // Comparisons with CHAR leave blanks at the end out.
        #expect(try await answer("SELECT v FROM test.latest WHERE 'b' = k AND n > 0", manager) == ["2"])
        #expect(try await answer(#"SELECT "v" FROM "test"."LATEST" WHERE "k" = 'a' AND "n" > 2"#, manager) == [])
        #expect(try await answer("SELECT v FROM test.latest WHERE k = CAST(NULL AS VARCHAR(2))", manager) == [])
        #expect(try await answer("SELECT v FROM test.latest WHERE k = 'zz'", manager) == [])
        #expect(try await answer("SELECT COUNT(*), SUM(n) FROM test.latest WHERE k = 'a' OR v = 9", manager) == ["2 3"])
        #expect(try await answer("SELECT k FROM test.latest ORDER BY v DESC LIMIT 1", manager) == ["NULL"])
        #expect(
            try await answer("SELECT L.k, S.k FROM test.latest L JOIN test.latest S ON L.n = S.n WHERE L.k = 'a'", manager) == [
                "a a"
            ])
        await #expect(throws: ApplicationError.self) { try await answer("SELECT * FROM test.other", manager) }
        await manager.close()
    }
}
