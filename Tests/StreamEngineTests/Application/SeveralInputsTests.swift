/// Applications with several inputs: one order over all of them, exactly once wherever the node dies, inputs that are added later.

import Host
import Logging
import RecordBatch
import StreamEngine
import StreamSQL
import StreamStore
import StreamStoreTesting
import Testing

@Suite("Applications with several inputs")
struct SeveralInputsTests {
    private static let joined = """
        CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "v" INTEGER, "w" INTEGER);
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM a."k", a."v", b."w"
        FROM "SOURCE_SQL_STREAM_001" OVER (RANGE INTERVAL '10' SECOND PRECEDING) AS a
        JOIN "OTHER_001" OVER (RANGE INTERVAL '10' SECOND PRECEDING) AS b ON a."k" = b."k";
        """

    /// A world with a second source of two shards.
    private func world(_ code: String = joined) async throws -> (ApplicationWorld, StreamDescription) {
        var world = try await ApplicationWorld(code: code, output: "OUT", columns: ApplicationRunTests.columns)
        let other = try await world.store.createStream(StreamDefinition(key: StreamKey("other"), shardCount: 2))
        world.definition.inputs.append(Self.second)
        return (world, other)
    }

    private static var second: ApplicationInput {
        ApplicationInput(
            id: "3.1", namePrefix: "OTHER", source: .stream(arn: "arn:aws:kinesis:us-east-1:000000000000:stream/other"),
            roleARN: nil,
            schema: InputSchema(
                recordFormat: .init(recordFormatType: "JSON", mappingParameters: .init(json: .init(recordRowPath: "$"))),
                recordColumns: [
                    .init(name: "k", mapping: "$.k", sqlType: "VARCHAR(8)"), .init(name: "w", mapping: "$.w", sqlType: "INTEGER"),
                ]),
            parallelism: 1)
    }

    private func put(_ records: [String], _ stream: StreamDescription, shard: UInt32, _ world: ApplicationWorld) async throws {
        var builder = RecordBatchBuilder(baseTimestamp: world.store.now)
        for record in records { try builder.append(key: Array("p".utf8), value: Array(record.utf8), timestamp: world.store.now) }
        _ = try await world.store.append(
            [ShardAppend(ShardReference(stream.id, ShardID(shard)), try builder.finish())], fence: nil)
    }

    /// Plays a fixed input; the run may be cut off before each step.
    private func play(seed: UInt64) async throws -> [String] {
        let (world, other) = try await world()
        var (chance, input) = (SeededRandom(state: seed), SeededRandom(state: 7))
        var run: ApplicationRun? = try await world.run(start: .trimHorizon)
        for step in 0..<80 {
            let key = "abc".randomElement(using: &input) ?? "a"
            if input.next() % 2 == 0 {
                try await world.put([#"{"k":"\#(key)","v":\#(step)}"#], shard: UInt32(input.next() % 3))
            } else {
                try await put([#"{"k":"\#(key)","w":\#(step)}"#], other, shard: UInt32(input.next() % 2), world)
            }
            world.store.advance(milliseconds: Int64(input.next() % 300) + 1)
            switch seed == 0 ? 9 : chance.next() % 7 {
            case 0: run = nil
            case 1: world.store.failAppends(1, with: .failed("the node died"), committed: true)
            case 2: world.store.failAppends(1, with: .failed("the node died"), committed: false)
            case 3: try await run?.snapshot()
            default: break
            }
            do {
                if run == nil { run = try await world.run(start: nil) }
                _ = try await run?.cycle()
            } catch {
                run = nil
            }
            await world.disarm()
        }
        if run == nil { run = try await world.run(start: nil) }
        world.store.advance(milliseconds: 5000)
        _ = try await run?.cycle()
        return try world.rows()
    }

    @Test("a join of two inputs gives each row exactly once, wherever the node dies")
    func exactlyOnce() async throws {
        let undisturbed = try await play(seed: 0)
        #expect(undisturbed.count > 100)
        for seed in UInt64(1)...25 { #expect(try await play(seed: seed) == undisturbed, "seed \(seed)") }
    }

    @Test("rows of several inputs leave under their records' own keys")
    func recordKeys() async throws {
        let (world, other) = try await world(
            """
            CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8));
            CREATE OR REPLACE PUMP "A" AS INSERT INTO "OUT" SELECT STREAM "k" FROM "SOURCE_SQL_STREAM_001";
            CREATE OR REPLACE PUMP "B" AS INSERT INTO "OUT" SELECT STREAM "k" FROM "OTHER_001";
            """)
        var run = try await world.run(start: .trimHorizon)
        try await world.put([#"{"k":"a","v":1}"#], shard: 0, key: "first")
        try await put([#"{"k":"b","w":1}"#], other, shard: 1, world)
        world.store.advance(milliseconds: 1000)
        _ = try await run.cycle()
        let records = try world.store.batches(of: ShardReference(world.derived.id, ShardID(0))).flatMap { try $0.batch.records() }
        let keys = Set(records.map { String(decoding: $0.key ?? [], as: UTF8.self) })
        #expect(keys == ["first", "p"])
    }

    @Test("an input that is added to a running application begins with what comes, and the others go on with their state")
    func added() async throws {
        let (whole, other) = try await world()
        var world = whole
        world.definition.inputs.removeLast()
        let counts = ApplicationRunTests.counts
        world.definition.code = counts
        var run = try await world.run(start: .trimHorizon)
        try await world.put([#"{"k":"a","v":1}"#], shard: 0)
        try await put([#"{"k":"a","w":100}"#], other, shard: 0, world)
        world.store.advance(milliseconds: 100)
        _ = try await run.cycle()
        try await run.snapshot()
        world.definition.inputs.append(Self.second)
        world.definition.code =
            counts + #"CREATE OR REPLACE PUMP "Q" AS INSERT INTO "OUT" ("k", "n") SELECT STREAM "k", "w" FROM "OTHER_001";"#
        run = try await world.run(start: nil)
        try await put([#"{"k":"b","w":7}"#], other, shard: 0, world)
        try await world.put([#"{"k":"a","v":1}"#], shard: 0)
        _ = try await run.cycle()
        // Once more, so that it is what is stored that is gone on from.
        run = try await world.run(start: nil)
        world.store.advance(milliseconds: 3000)
        _ = try await run.cycle()
        let rows = try world.rows()
        #expect(rows.count == 2)
        #expect(rows.contains { $0.hasPrefix(#"{"k":"b","n":7,"#) })
        // The window that was open when the input was added holds both.
        #expect(rows.contains { $0.hasPrefix(#"{"k":"a","n":2,"total":2,"#) })
    }

    @Test("two inputs may not read one stream, nor fill one in-application stream")
    func refused() async throws {
        let (whole, _) = try await world()
        var twice = whole
        twice.definition.inputs[1].source = twice.definition.inputs[0].source
        var alike = whole
        alike.definition.inputs[1].namePrefix = "SOURCE_SQL_STREAM"
        for wrong in [twice, alike] {
            await #expect(throws: ApplicationError.self) { _ = try await wrong.run(start: .trimHorizon) }
        }
    }

    @Test("where one source is deleted and made anew, the others are read on from where they were")
    func replaced() async throws {
        let (world, _) = try await world(
            """
            CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8));
            CREATE OR REPLACE PUMP "A" AS INSERT INTO "OUT" SELECT STREAM "k" FROM "SOURCE_SQL_STREAM_001";
            CREATE OR REPLACE PUMP "B" AS INSERT INTO "OUT" SELECT STREAM "k" FROM "OTHER_001";
            """)
        var run = try await world.run(start: .trimHorizon)
        try await world.put([#"{"k":"a","v":1}"#], shard: 0)
        world.store.advance(milliseconds: 100)
        _ = try await run.cycle()
        try await world.store.deleteStream(StreamKey("other"))
        world.store.advance(milliseconds: 100)
        let anew = try await world.store.createStream(StreamDefinition(key: StreamKey("other"), shardCount: 1))
        try await put([#"{"k":"b","w":1}"#], anew, shard: 0, world)
        try await world.put([#"{"k":"c","v":1}"#], shard: 0)
        world.store.advance(milliseconds: 100)
        await #expect(throws: RunFailure.self) { _ = try await run.cycle() }
        run = try await world.run(start: nil)
        _ = try await run.cycle()
        #expect(try world.rows().sorted() == [#"{"k":"a"}"#, #"{"k":"b"}"#, #"{"k":"c"}"#])
    }
}
