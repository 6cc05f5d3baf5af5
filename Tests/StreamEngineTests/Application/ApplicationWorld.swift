/// A world of one application in memory: streams, clock, randomness.

import Host
import RecordBatch
import StreamEngine
import StreamSQL
import StreamStore
import StreamStoreTesting
import Synchronization

/// The store's clock as the run's.
struct MemoryStoreTime: TimeSource {
    let store: MemoryStore
    func wallMilliseconds() -> Int64 { store.now }
    func monotonicNanoseconds() -> UInt64 { UInt64(store.now) * 1_000_000 }
}

final class CountingRandom: RandomSource {
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
struct ApplicationWorld {
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

    func run(
        start: StartingPosition?, over wrapper: (any StreamStore)? = nil, references: (any ReferenceFiles)? = nil,
        limits: ApplicationRun.Limits = .init(),
        reportGap: @escaping @Sendable (InputMerge.Gap) -> Void = { _ in }
    ) async throws -> ApplicationRun {
        try await ApplicationRun(
            definition, start: start, store: wrapper ?? store, time: MemoryStoreTime(store: store), random: CountingRandom(1),
            resolve: { $0.key }, references: references,
            limits: limits, reportGap: reportGap)
    }

    func put(_ records: [String], shard: UInt32, key: String? = nil) async throws {
        var builder = RecordBatchBuilder(baseTimestamp: store.now)
        for record in records {
            try builder.append(key: key.map { Array($0.utf8) }, value: Array(record.utf8), timestamp: store.now)
        }
        _ = try await store.append([ShardAppend(ShardReference(source.id, ShardID(shard)), try builder.finish())], fence: nil)
    }

    /// Takes a failure that was armed but met no append.
    func disarm() async {
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        guard (try? builder.append(key: nil, value: [], timestamp: 0)) != nil, let batch = try? builder.finish() else { return }
        _ = try? await store.append([ShardAppend(ShardReference(spare.id, ShardID(0)), batch)], fence: nil)
    }

    func rows(of stream: StreamDescription? = nil) throws -> [String] {
        try store.batches(of: ShardReference((stream ?? derived).id, ShardID(0))).flatMap { batch in
            try batch.batch.records().map { String(decoding: $0.value ?? [], as: UTF8.self) }
        }
    }
}

/// SplitMix64.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
