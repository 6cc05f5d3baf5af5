/// Many applications on one stream: each record is decoded once for all that read it alike.

import Host
import Logging
import StreamEngine
import StreamStore
import StreamStoreTesting
import Testing

@Suite("What applications decode together")
struct DecodeCacheTests {
    private static let sums = """
        CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "total" BIGINT);
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", SUM("v") FROM "SOURCE_SQL_STREAM_001"
        GROUP BY "k", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '1' SECOND);
        """

    @Test("a hundred applications decode a batch once, and have the rows of one that is alone", .timeLimit(.minutes(2)))
    func hundred() async throws {
        let world = try await ApplicationWorld(code: Self.sums, output: "OUT", columns: ApplicationRunTests.columns)
        let manager = ApplicationManager(
            store: world.store, time: MemoryStoreTime(store: world.store), random: CountingRandom(1), resolve: { $0.key },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await manager.open()
        let cache = await manager.decodeCache
        for number in 0..<100 {
            var definition = world.definition
            definition.name = "app\(number)"
            try await manager.create(definition)
            try await manager.start(definition.name, positions: ["1.1": .trimHorizon])
        }
        // Large enough to be decoded one by one.
        let batches = 6
        for batch in 0..<batches {
            let records = (0..<1000).map { #"{"k":"k\#($0 % 7)","v":\#(batch * 1000 + $0)}"# }
            try await world.put(records, shard: UInt32(batch % 3))
        }
        world.store.advance(milliseconds: 3000)
        while try world.rows().count < 700 {
            world.store.advance(milliseconds: 1)
            await Task.yield()
        }
        #expect(cache.decodedCount == batches)
        await manager.close()
        #expect(cache.byteCount == 0)

        let rows = try world.rows()
        #expect(rows.count == 700)
        let byRow = Dictionary(grouping: rows) { $0 }
        #expect(byRow.count == 7 && byRow.values.allSatisfy { $0.count == 100 })
    }

    @Test("no more is kept than is allowed, and what was dropped is decoded again", .timeLimit(.minutes(2)))
    func bound() async throws {
        let cache = DecodeCache(bytes: 100_000)
        let world = try await ApplicationWorld(code: Self.sums, output: "OUT", columns: ApplicationRunTests.columns)
        func run(_ name: String) async throws -> ApplicationRun {
            var definition = world.definition
            definition.name = name
            return try await ApplicationRun(
                definition, start: .trimHorizon, store: world.store, time: MemoryStoreTime(store: world.store),
                random: CountingRandom(1), resolve: { $0.key }, cache: cache, reportGap: { _ in })
        }
        var (first, second) = (try await run("one"), try await run("two"))
        for batch in 0..<20 {
            try await world.put((0..<1000).map { #"{"k":"k\#($0 % 7)","v":\#(batch * 1000 + $0)}"# }, shard: 0)
        }
        world.store.advance(milliseconds: 3000)
        while try await first.cycle() {}
        #expect(cache.byteCount <= 100_000 && cache.byteCount > 0)
        while try await second.cycle() {}
        #expect(cache.decodedCount > 20)
        let rows = try world.rows()
        #expect(rows.count == 14 && Set(rows).count == 7)
    }
}
