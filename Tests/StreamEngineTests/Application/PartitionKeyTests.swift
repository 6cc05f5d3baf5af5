/// Under which keys rows leave: a consumer of a derived stream sees the rows of one key in their order.

import RecordBatch
import StreamEngine
import StreamStore
import StreamStoreTesting
import Testing

@Suite("Partition keys of derived rows")
struct PartitionKeyTests {
    /// The records of each shard of a derived stream with four: key and text.
    private func play(_ code: String, keys: [String]) async throws -> [[(key: String, row: String)]] {
        var world = try await ApplicationWorld(code: code, output: "OUT", columns: ApplicationRunTests.columns)
        let wide = try await world.store.createStream(StreamDefinition(key: StreamKey("wide"), shardCount: 4))
        world.definition.outputs[0].destination = .stream(arn: "arn:aws:kinesis:us-east-1:000000000000:stream/wide")
        var run = try await world.run(start: .trimHorizon)
        for value in 0..<60 {
            let key = keys[value % keys.count]
            try await world.put([#"{"k":"\#(key)","v":\#(value)}"#], shard: UInt32(value % keys.count % 3), key: key)
            world.store.advance(milliseconds: 100)
            if value % 7 == 0 { _ = try await run.cycle() }
        }
        world.store.advance(milliseconds: 5000)
        _ = try await run.cycle()
        return try wide.shards.map { shard in
            try world.store.batches(of: ShardReference(wide.id, shard.id)).flatMap { batch in
                try batch.batch.records().map {
                    (String(decoding: $0.key ?? [], as: UTF8.self), String(decoding: $0.value ?? [], as: UTF8.self))
                }
            }
        }
    }

    @Test("rows of a pump that passes records on keep the records' keys")
    func records() async throws {
        let code = """
            CREATE OR REPLACE STREAM "MIDDLE" ("v" INTEGER);
            CREATE OR REPLACE STREAM "OUT" ("v" INTEGER);
            CREATE OR REPLACE PUMP "P" AS INSERT INTO "MIDDLE" SELECT STREAM "v" FROM "SOURCE_SQL_STREAM_001" WHERE MOD("v", 7) <> 3;
            CREATE OR REPLACE PUMP "Q" AS INSERT INTO "OUT" SELECT STREAM * FROM "MIDDLE";
            """
        let keys = ["red", "green", "blue", "white", "black"]
        let shards = try await play(code, keys: keys)
        #expect(shards.count { !$0.isEmpty } > 1)
        for key in keys {
            let holding = shards.filter { $0.contains { $0.key == key } }
            #expect(holding.count == 1, "the rows of \(key) are in one shard")
            let values = (holding.first ?? []).filter { $0.key == key }.map(\.row)
            let expected = (0..<60).filter { keys[$0 % keys.count] == key && $0 % 7 != 3 }.map { #"{"v":\#($0)}"# }
            #expect(values == expected)
        }
    }

    @Test("rows of groups have their grouping terms as keys")
    func groups() async throws {
        let keys = ["red", "green", "blue", "white", "black"]
        let shards = try await play(ApplicationRunTests.counts, keys: keys)
        #expect(shards.count { !$0.isEmpty } > 1)
        for (key, row) in shards.joined() { #expect(row.hasPrefix(#"{"k":"\#(key)","#)) }
        for key in keys { #expect(shards.count { $0.contains { $0.key == key } } == 1) }
    }

    @Test("rows that nothing tells apart have one key, their stream's name")
    func whole() async throws {
        let code = """
            CREATE OR REPLACE STREAM "OUT" ("n" BIGINT);
            CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM COUNT(*) FROM "SOURCE_SQL_STREAM_001"
            GROUP BY STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '1' SECOND);
            """
        let shards = try await play(code, keys: ["red", "green"])
        #expect(shards.count { !$0.isEmpty } == 1)
        #expect(shards.joined().allSatisfy { $0.key == "OUT" })
    }
}
