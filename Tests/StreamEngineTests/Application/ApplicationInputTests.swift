/// What a run does with unusual input and with several streams and outputs.

import RecordBatch
import StreamEngine
import StreamStore
import StreamStoreTesting
import Synchronization
import Testing

@Suite("An application's input and outputs")
struct ApplicationInputTests {
    private static let pass = """
        CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "key" VARCHAR(64), "shard" VARCHAR(64), "number" VARCHAR(128));
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT"
        SELECT STREAM "k", "PARTITION_KEY", "SHARD_ID", "SEQUENCE_NUMBER" FROM "SOURCE_SQL_STREAM_001";
        """
    private static let plain = """
        CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "v" INTEGER);
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", "v" FROM "SOURCE_SQL_STREAM_001";
        """

    @Test("metadata columns tell the record's partition key, shard and sequence number")
    func metadata() async throws {
        let world = try await ApplicationWorld(code: Self.pass, output: "OUT", columns: ApplicationRunTests.columns)
        var run = try await world.run(start: .trimHorizon)
        try await world.put([#"{"k":"a","v":1}"#], shard: 2, key: "the key")
        world.store.advance(milliseconds: 10)
        _ = try await run.cycle()
        let shard = world.source.shards[2]
        let arrival = try #require(world.store.batches(of: ShardReference(world.source.id, shard.id)).first?.arrivalMilliseconds)
        let number = SequenceNumber(offset: 0, in: shard, arrivalMilliseconds: arrival)
        #expect(
            try world.rows() == [#"{"k":"a","key":"the key","shard":"shardId-000000000002","number":"\#(number)"}"#])
    }

    @Test(
        "large and small batches give their records' rows in order, each under its record's key, also when reading begins within one"
    )
    func batchesOfAllSizes() async throws {
        let world = try await ApplicationWorld(code: Self.pass, output: "OUT", columns: ApplicationRunTests.columns)
        var run = try await world.run(start: .trimHorizon)
        var expected: [String] = []
        for (part, count) in [2000, 3, 1, 1500, 900, 2].enumerated() {
            var records = (0..<count).map { #"{"k":"\#(part).\#($0)","v":\#($0)}"# }
            expected += records.indices.map { #"{"k":"\#(part).\#($0)","key":"key é \#(part)""# }
            if count > 2 {
                records[2] = "no JSON"
                expected.remove(at: expected.count - count + 2)
            }
            try await world.put(records, shard: 0, key: "key é \(part)")
            world.store.advance(milliseconds: 10)
        }
        try await world.store.trim(ShardReference(world.source.id, ShardID(0)), before: 30)
        while try await run.cycle() {}
        let rows = try world.rows()
        #expect(rows.count == expected.count - 29)
        #expect(zip(rows, expected[29...]).allSatisfy { $0.hasPrefix($1) })
        let keys = try world.store.batches(of: ShardReference(world.derived.id, ShardID(0))).flatMap { try $0.batch.records() }
            .map { String(decoding: $0.key ?? [], as: UTF8.self) }
        #expect(keys == zip(rows, keys).map { row, _ in "key é \(row.dropFirst(6).prefix(1))" })
    }

    @Test("a failed row shows all its columns where that is asked for, also those that the program does not read")
    func unreadColumns() async throws {
        let code = """
            CREATE OR REPLACE STREAM "OUT" ("q" INTEGER);
            CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM 6 / "v" FROM "SOURCE_SQL_STREAM_001";
            """
        for showsErrors in [true, false] {
            var world = try await ApplicationWorld(code: code, output: "OUT", columns: ApplicationRunTests.columns)
            if showsErrors {
                world.definition.outputs.append(
                    ApplicationOutput(
                        id: "2.2", name: "error_stream",
                        destination: .stream(arn: "arn:aws:kinesis:us-east-1:000000000000:stream/spare"), roleARN: nil,
                        format: .json))
            }
            var run = try await world.run(start: .trimHorizon)
            try await world.put([#"{"k":"a","v":0}"#, #"{"k":"b","v":3}"#, #"{"k":"longer than it may be","v":1.5}"#], shard: 0)
            world.store.advance(milliseconds: 10)
            _ = try await run.cycle()
            #expect(try world.rows() == [#"{"q":2}"#])
            let errors = try world.rows(of: world.spare)
            #expect(errors.count == (showsErrors ? 2 : 0))
            // {"k":"a","v":0}
            if showsErrors { #expect(errors.first?.contains("7B226B223A2261222C2276223A307D") == true) }
        }
    }

    @Test(
        "a compressed source gives the rows that it gives uncompressed, also when reading begins within a batch",
        arguments: ["zstd", "lz4"])
    func compressed(codec: String) async throws {
        let world = try await ApplicationWorld(code: Self.plain, output: "OUT", columns: ApplicationRunTests.columns)
        _ = try await world.store.changeTags(world.source.key) { tags in
            tags["millrace:compression"] = codec
            return true
        }
        _ = try await world.store.changeTags(world.derived.key) { tags in
            tags["millrace:compression"] = codec
            return true
        }
        var run = try await world.run(start: .trimHorizon)
        let records = (0..<300).map { #"{"k":"a","v":\#($0)}"# }
        for part in 0..<3 { try await world.put(Array(records[part * 100..<part * 100 + 100]), shard: 0) }
        try await world.store.trim(ShardReference(world.source.id, ShardID(0)), before: 30)
        world.store.advance(milliseconds: 10)
        _ = try await run.cycle()
        #expect(try world.rows() == Array(records[30...]))
        for stream in [world.source, world.derived] {
            let stored = world.store.batches(of: ShardReference(stream.id, ShardID(0)))
            #expect(!stored.isEmpty && stored.allSatisfy { "\($0.batch.codec)" == codec })
        }
    }

    @Test("records that retention or damage took are reported with their range, and reading goes on")
    func gaps() async throws {
        let world = try await ApplicationWorld(code: Self.plain, output: "OUT", columns: ApplicationRunTests.columns)
        let shards = world.source.shards.map { ShardReference(world.source.id, $0.id) }
        let found = Mutex<[String]>([])
        var run = try await world.run(start: .trimHorizon) { gap in
            found.withLock { $0.append("\(gap.shard.shard.index): \(gap.from)..<\(gap.to ?? -1) \(gap.reason)") }
        }
        for value in 0..<4 {
            try await world.put([#"{"k":"a","v":\#(value)}"#], shard: 0)
            try await world.put([#"{"k":"b","v":\#(value)}"#], shard: 1)
            world.store.advance(milliseconds: 10)
        }
        try await world.store.trim(shards[0], before: 2)
        world.store.damage(shards[1], from: 1, through: 2)
        _ = try await run.cycle()
        #expect(found.withLock { $0.sorted() } == ["0: 0..<2 retention", "1: 1..<3 damage"])
        let rows = try world.rows()
        #expect(rows == [#"{"k":"b","v":0}"#, #"{"k":"a","v":2}"#, #"{"k":"a","v":3}"#, #"{"k":"b","v":3}"#])
    }

    @Test("with parallelism 2 the shards are dealt out to two in-application streams")
    func parallelism() async throws {
        let code = """
            CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "from" INTEGER);
            CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", 1 FROM "SOURCE_SQL_STREAM_001";
            CREATE OR REPLACE PUMP "Q" AS INSERT INTO "OUT" SELECT STREAM "k", 2 FROM "SOURCE_SQL_STREAM_002";
            """
        var world = try await ApplicationWorld(code: code, output: "OUT", columns: ApplicationRunTests.columns)
        world.definition.inputs[0].parallelism = 2
        var run = try await world.run(start: .trimHorizon)
        for shard in UInt32(0)..<3 { try await world.put([#"{"k":"\#(shard)","v":1}"#], shard: shard) }
        world.store.advance(milliseconds: 10)
        _ = try await run.cycle()
        #expect(
            try world.rows().sorted() == [#"{"k":"0","from":1}"#, #"{"k":"1","from":2}"#, #"{"k":"2","from":1}"#])
    }

    @Test("one stream can have several outputs, and error_stream can be one")
    func severalOutputs() async throws {
        var world = try await ApplicationWorld(code: Self.plain, output: "OUT", columns: ApplicationRunTests.columns)
        let errors = try await world.store.createStream(StreamDefinition(key: StreamKey("errors"), shardCount: 1))
        func output(_ id: String, _ name: String, _ stream: String, _ format: OutputFormat) -> ApplicationOutput {
            ApplicationOutput(id: id, name: name, destination: .stream(arn: "arn:x/\(stream)"), roleARN: nil, format: format)
        }
        world.definition.outputs += [output("3.1", "OUT", "spare", .csv), output("4.1", "error_stream", "errors", .json)]
        var run = try await world.run(start: .trimHorizon)
        try await world.put([#"{"k":"a","v":1}"#, "no JSON", #"{"k":"b","v":2}"#], shard: 0)
        world.store.advance(milliseconds: 10)
        _ = try await run.cycle()
        #expect(try world.rows() == [#"{"k":"a","v":1}"#, #"{"k":"b","v":2}"#])
        #expect(try world.rows(of: world.spare) == ["a,1\n", "b,2\n"])
        #expect(try world.rows(of: errors).count == 1)
    }

    @Test("records older than the clock, after a restart with the wall clock set back, are taken at the clock's time, once")
    func olderThanTheClock() async throws {
        let world = try await ApplicationWorld(
            code: ApplicationRunTests.counts, output: "OUT", columns: ApplicationRunTests.columns)
        var ahead = try await world.run(start: .trimHorizon, over: FailingStore(world.store, ahead: 60_000))
        try await world.put([#"{"k":"a","v":1}"#], shard: 0)
        world.store.advance(milliseconds: 10)
        _ = try await ahead.cycle()
        #expect(try world.rows().count == 1)
        var back = try await world.run(start: nil)
        try await world.put([#"{"k":"b","v":1}"#], shard: 1)
        world.store.advance(milliseconds: 10)
        _ = try await back.cycle()
        var again = try await world.run(start: nil)
        try await world.put([#"{"k":"c","v":1}"#], shard: 0)
        world.store.advance(milliseconds: 120_000)
        _ = try await again.cycle()
        let rows = try world.rows()
        #expect(rows.map { String($0.dropFirst(6).prefix(1)) } == ["a", "b", "c"])
    }
}
