/// Runs of applications over a store in memory: exactly once, whatever is cut off where.

import Host
import RecordBatch
import StreamEngine
import StreamSQL
import StreamStore
import StreamStoreTesting
import Synchronization
import Testing

/// The store's clock as the run's.
private struct StoreTime: TimeSource {
    let store: MemoryStore
    func wallMilliseconds() -> Int64 { store.now }
    func monotonicNanoseconds() -> UInt64 { UInt64(store.now) * 1_000_000 }
}

private final class CountingRandom: RandomSource {
    private let state: Mutex<UInt64>
    init(_ seed: UInt64) { state = Mutex(seed) }
    func next() -> UInt64 {
        state.withLock { state in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 11
        }
    }
}

/// A world of one application: source `in` with three shards, derived stream `out`.
private struct World {
    let store = MemoryStore(now: 1_700_000_000_000)
    var definition: ApplicationDefinition
    let source: StreamDescription
    let derived: StreamDescription
    let spare: StreamDescription
    let random: CountingRandom

    init(code: String, output: String, columns: [(String, String)], seed: UInt64 = 1) async throws {
        source = try await store.createStream(StreamDefinition(key: StreamKey("in"), shardCount: 3))
        derived = try await store.createStream(StreamDefinition(key: StreamKey("out"), shardCount: 1))
        spare = try await store.createStream(StreamDefinition(key: StreamKey("spare"), shardCount: 1))
        random = CountingRandom(seed)
        definition = ApplicationDefinition(name: "test", code: code, createdMilliseconds: store.now)
        definition.inputs = [
            ApplicationInput(
                id: "1.1", namePrefix: "SOURCE_SQL_STREAM",
                source: .stream(arn: "arn:aws:kinesis:us-east-1:000000000000:stream/in"),
                roleARN: nil,
                schema: InputSchema(
                    recordFormat: .init(
                        recordFormatType: "JSON",
                        mappingParameters: .init(json: .init(recordRowPath: "$"))),
                    recordColumns: columns.map { .init(name: $0.0, mapping: "$.\($0.0)", sqlType: $0.1) }),
                parallelism: 1)
        ]
        definition.outputs = [
            ApplicationOutput(
                id: "2.1", name: output, destination: .stream(arn: "arn:aws:kinesis:us-east-1:000000000000:stream/out"),
                roleARN: nil,
                format: .json)
        ]
        definition.startNumber = 1
    }

    func run(start: StartingPosition?) async throws -> ApplicationRun {
        try await ApplicationRun(
            definition, start: start, store: store, time: StoreTime(store: store), random: random, resolve: { $0.key },
            reportGap: { _ in })
    }

    func put(_ records: [String], shard: UInt32) async throws {
        var builder = RecordBatchBuilder(baseTimestamp: store.now)
        for record in records { try builder.append(key: nil, value: Array(record.utf8), timestamp: store.now) }
        _ = try await store.append([ShardAppend(ShardReference(source.id, ShardID(shard)), try builder.finish())], fence: nil)
    }

    /// Takes a failure that was armed but met no append.
    func disarm() async {
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        guard (try? builder.append(key: nil, value: [], timestamp: 0)) != nil, let batch = try? builder.finish() else { return }
        _ = try? await store.append([ShardAppend(ShardReference(spare.id, ShardID(0)), batch)], fence: nil)
    }

    func rows() throws -> [String] {
        try store.batches(of: ShardReference(derived.id, ShardID(0))).flatMap { batch in
            try batch.batch.records().map { String(decoding: $0.value ?? [], as: UTF8.self) }
        }
    }
}

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
        _ code: String, seed: UInt64, interrupt: (inout DeterministicRandom, MemoryStore) -> Interruption
    ) async throws -> [String] {
        let world = try await World(code: code, output: "OUT", columns: Self.columns)
        var chance = DeterministicRandom(state: seed)
        // The input comes from a stream of its own, so that it is the same however the run is interrupted.
        var input = DeterministicRandom(state: 42)
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

    @Test("an old run's append is refused once a new run has claimed the application")
    func fencing() async throws {
        let world = try await World(code: Self.counts, output: "OUT", columns: Self.columns)
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
        let world = try await World(code: Self.counts, output: "OUT", columns: Self.columns)
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
        var world = try await World(code: Self.counts, output: "OUT", columns: Self.columns)
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
        let world = try await World(code: Self.counts, output: "OUT", columns: Self.columns)
        var run = try await world.run(start: .trimHorizon)
        for _ in 0..<10 {
            try await world.put([#"{"k":"a","v":1}"#], shard: 0)
            world.store.advance(milliseconds: 1500)
            _ = try await run.cycle()
        }
        try await run.snapshot()
        let hidden = try await world.store.stream(StreamKey("test", in: .application))
        let bounds = try await world.store.bounds(ShardReference(hidden.id, ShardID(0)))
        #expect(bounds.highWatermark - bounds.startOffset == 1)
    }
}

/// SplitMix64.
private struct DeterministicRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
