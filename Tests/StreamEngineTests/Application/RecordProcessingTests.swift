/// Records on their way to rows: compressed ones, and functions that they go through.

import Codecs
import Foundation
import Host
import RecordBatch
import StreamEngine
import StreamStore
import StreamStoreTesting
import Synchronization
import Testing

/// A function in this process.
private final class LocalFunction: RecordFunctions {
    private struct State {
        var events: [[String: Any]] = []
        var failures = 0
    }
    private nonisolated(unsafe) var state = State()
    private let lock = Mutex(())

    /// How many calls are to fail from here on.
    func fail(_ count: Int) { lock.withLock { _ in state.failures = count } }
    var invocations: [String] { lock.withLock { _ in state.events.compactMap { $0["invocationId"] as? String } } }
    var ids: [String] {
        lock.withLock { _ in
            state.events.flatMap { ($0["records"] as? [[String: Any]] ?? []).compactMap { $0["recordId"] as? String } }
        }
    }
    var firstRecord: [String: Any] {
        lock.withLock { _ in (state.events.first?["records"] as? [[String: Any]])?.first ?? [:] }
    }

    func knows(_ function: String) async -> Bool { function.hasSuffix(":upper") }

    /// Values become ten times as large; negative ones are dropped, those without a value fail.
    func answer(of function: String, to event: [UInt8]) async throws(ProcessingFailure) -> [UInt8] {
        guard let object = try? JSONSerialization.jsonObject(with: Data(event)) as? [String: Any],
            let records = object["records"] as? [[String: Any]]
        else { throw ProcessingFailure("no event") }
        let fails = lock.withLock { _ in
            state.events.append(object)
            state.failures -= 1
            return state.failures >= 0
        }
        if fails { throw ProcessingFailure("the function is not well") }
        let answers: [[String: Any]] = records.map { record in
            let id = record["recordId"] ?? ""
            let data = Data(base64Encoded: record["data"] as? String ?? "") ?? Data()
            guard let fields = try? JSONSerialization.jsonObject(with: data) as? [String: Any], let value = fields["v"] as? Int
            else {
                return ["recordId": id, "result": "ProcessingFailed"]
            }
            if value < 0 { return ["recordId": id, "result": "Dropped", "data": ""] }
            let changed = Data(#"{"k":"\#(fields["k"] ?? "")","v":\#(value * 10)}"#.utf8)
            return ["recordId": id, "result": "Ok", "data": changed.base64EncodedString()]
        }
        guard let bytes = try? JSONSerialization.data(withJSONObject: ["records": answers]) else {
            throw ProcessingFailure("no JSON")
        }
        return Array(bytes)
    }
}

@Suite("Compressed records and functions that records go through")
struct RecordProcessingTests {
    private static let code = """
        CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "v" INTEGER);
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", "v" FROM "SOURCE_SQL_STREAM_001";
        """

    private func world(processed: Bool, withErrors: Bool = true) async throws -> ApplicationWorld {
        var world = try await ApplicationWorld(code: Self.code, output: "OUT", columns: ApplicationRunTests.columns)
        if withErrors {
            world.definition.outputs.append(
                ApplicationOutput(
                    id: "9.1", name: "error_stream",
                    destination: .stream(arn: "arn:aws:kinesis:us-east-1:000000000000:stream/spare"),
                    roleARN: nil, format: .json))
        }
        if processed {
            world.definition.inputs[0].processing = InputProcessing(
                functionARN: "arn:aws:lambda:us-east-1:000000000000:function:upper", roleARN: nil)
        }
        return world
    }

    private func run(_ world: ApplicationWorld, _ function: LocalFunction?, start: StartingPosition?) async throws -> ApplicationRun
    {
        try await ApplicationRun(
            world.definition, start: start, store: world.store, time: MemoryStoreTime(store: world.store),
            random: CountingRandom(1),
            resolve: { $0.key },
            processing: function.map {
                RecordProcessing(functions: $0, applicationARN: "arn:aws:kinesisanalytics:us-east-1:000000000000:application/test")
            }
        ) { _ in }
    }

    private func put(_ values: [[UInt8]], shard: UInt32, _ world: ApplicationWorld, codec: CompressionCodec = .none) async throws {
        var builder = RecordBatchBuilder(baseTimestamp: world.store.now, codec: codec)
        for value in values { try builder.append(key: Array("p".utf8), value: value, timestamp: world.store.now) }
        _ = try await world.store.append(
            [ShardAppend(ShardReference(world.source.id, ShardID(shard)), try builder.finish())], fence: nil)
        world.store.advance(milliseconds: 10)
    }

    private func compressed(_ text: String, _ codec: CompressionCodec) throws -> [UInt8] {
        try Array(text.utf8).withUnsafeBytes { try codec.compress($0) }
    }

    @Test("records that were compressed one by one become rows between those that were not", arguments: [1, 400], [false, true])
    func decompressed(times: Int, inCompressedBatch: Bool) async throws {
        let world = try await world(processed: false)
        var run = try await run(world, nil, start: .trimHorizon)
        var values: [[UInt8]] = []
        var expected: [String] = []
        for index in 0..<5 * times {
            let text = #"{"k":"k","v":\#(index)}"#
            expected.append(text)
            values.append(
                index % 5 == 1 ? try compressed(text, .gzip) : index % 5 == 3 ? try compressed(text, .zstd) : Array(text.utf8))
        }
        try await put(values, shard: 0, world, codec: inCompressedBatch ? .lz4 : .none)
        _ = try await run.cycle()
        #expect(try world.rows() == expected)
    }

    @Test("what cannot be decompressed, or becomes too much, is a row of the error stream; the others are rows")
    func damaged() async throws {
        let world = try await world(processed: false)
        var run = try await run(world, nil, start: .trimHorizon)
        var broken = try compressed(#"{"k":"k","v":1}"#, .gzip)
        broken.removeLast(9)
        let bomb = try compressed(String(repeating: " ", count: 32 << 20), .gzip)
        try await put([broken, Array(#"{"k":"k","v":2}"#.utf8), bomb], shard: 0, world)
        _ = try await run.cycle()
        #expect(try world.rows() == [#"{"k":"k","v":2}"#])
        let errors = try world.rows(of: world.spare)
        #expect(errors.count == 2 && errors.allSatisfy { $0.contains("cannot be decompressed") })
        #expect(errors[1].contains("larger than"))
    }

    @Test("a node may leave records as they are")
    func off() async throws {
        let world = try await world(processed: false)
        var limits = ApplicationRun.Limits()
        limits.decompressedBytes = 0
        var run = try await world.run(start: .trimHorizon, limits: limits)
        try await put([try compressed(#"{"k":"k","v":1}"#, .gzip)], shard: 0, world)
        _ = try await run.cycle()
        #expect(try world.rows().isEmpty && world.rows(of: world.spare).count == 1)
    }

    @Test("records go through the function: changed, dropped, or into the error stream with the reason")
    func processed() async throws {
        let (world, function) = (try await world(processed: true), LocalFunction())
        var run = try await run(world, function, start: .trimHorizon)
        try await put(
            [#"{"k":"a","v":1}"#, #"{"k":"b","v":-1}"#, #"{"k":"c"}"#, #"{"k":"d","v":4}"#].map { Array($0.utf8) }, shard: 0, world)
        _ = try await run.cycle()
        #expect(try world.rows() == [#"{"k":"a","v":10}"#, #"{"k":"d","v":40}"#])
        let errors = try world.rows(of: world.spare)
        #expect(errors.count == 1 && errors[0].contains("Preprocessing failed"))
        let metadata = try #require(function.firstRecord["kinesisStreamRecordMetadata"] as? [String: Any])
        #expect(metadata["partitionKey"] as? String == "p" && metadata["shardId"] as? String == "shardId-000000000000")
        #expect((metadata["sequenceNumber"] as? String)?.isEmpty == false && metadata["approximateArrivalTimestamp"] is Int)
    }

    @Test("a function that fails holds the records back, and is asked again by the same name; nothing is lost or doubled")
    func failing() async throws {
        let (world, function) = (try await world(processed: true), LocalFunction())
        var run = try await run(world, function, start: .trimHorizon)
        function.fail(2)
        try await put([Array(#"{"k":"a","v":1}"#.utf8)], shard: 0, world)
        for _ in 0..<2 {
            await #expect(throws: RunFailure.self) { _ = try await run.cycle() }
            #expect(try world.rows().isEmpty)
        }
        _ = try await run.cycle()
        #expect(try world.rows() == [#"{"k":"a","v":10}"#])
        #expect(function.invocations.count == 3 && Set(function.invocations).count == 1 && Set(function.ids).count == 1)
    }

    @Test("after a crash records are sent again by the same ids, and their rows come out once")
    func again() async throws {
        let (world, function) = (try await world(processed: true), LocalFunction())
        var run = try await run(world, function, start: .trimHorizon)
        try await put([Array(#"{"k":"a","v":1}"#.utf8), Array(#"{"k":"b","v":2}"#.utf8)], shard: 1, world)
        _ = try await run.cycle()
        run = try await self.run(world, function, start: nil)
        try await put([Array(#"{"k":"c","v":3}"#.utf8)], shard: 1, world)
        _ = try await run.cycle()
        #expect(try world.rows() == [#"{"k":"a","v":10}"#, #"{"k":"b","v":20}"#, #"{"k":"c","v":30}"#])
        #expect(function.ids.count == 5 && Set(function.ids).count == 3)
    }

    @Test("without anybody who can call functions such an application does not run")
    func nobody() async throws {
        let world = try await world(processed: true)
        await #expect(throws: RunFailure.self) { _ = try await run(world, nil, start: .trimHorizon) }
    }
}

@Suite("Stopping within a piece of input")
struct StopWithinPieceTests {
    @Test("a join of many rows with many is left when its run is to stop; the next run computes it again, exactly")
    func join() async throws {
        var world = try await ApplicationWorld(
            code: """
                CREATE OR REPLACE STREAM "OUT" ("n" BIGINT);
                CREATE OR REPLACE STREAM "PAIRS" ("v" INTEGER);
                CREATE OR REPLACE PUMP "P" AS INSERT INTO "PAIRS" SELECT STREAM a."v"
                FROM "SOURCE_SQL_STREAM_001" OVER (RANGE INTERVAL '1' HOUR PRECEDING) AS a
                JOIN "SOURCE_SQL_STREAM_001" OVER (RANGE INTERVAL '1' HOUR PRECEDING) AS b ON a."k" = b."k" AND a."v" > b."v" + 100000;
                CREATE OR REPLACE PUMP "Q" AS INSERT INTO "OUT" SELECT STREAM "v" FROM "SOURCE_SQL_STREAM_001" WHERE "v" < 3;
                """, output: "OUT", columns: ApplicationRunTests.columns)
        world.definition.startNumber = 1
        let stop = StopSignal()
        var run = try await ApplicationRun(
            world.definition, start: .trimHorizon, store: world.store, time: MemoryStoreTime(store: world.store),
            random: CountingRandom(1), resolve: { $0.key }, stop: stop
        ) { _ in }
        try await world.put((0..<3000).map { #"{"k":"a","v":\#($0)}"# }, shard: 0)
        world.store.advance(milliseconds: 1000)
        stop.set()
        await #expect(throws: DataflowError.stopped) {
            // Nine million pairs.
            while try await run.cycle() {}
        }
        #expect(try world.rows().isEmpty)
        run = try await world.run(start: nil)
        _ = try await run.cycle()
        #expect(try world.rows().count == 3)
    }
}
