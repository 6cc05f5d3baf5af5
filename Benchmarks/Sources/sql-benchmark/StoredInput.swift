/// A store in memory that holds a program's input, and the run of the application over it.

import Host
import RecordBatch
import StreamEngine
import StreamStore
import StreamStoreTesting

/// The store's clock as the run's.
struct StoreTime: TimeSource {
    let store: MemoryStore
    func wallMilliseconds() -> Int64 { store.now }
    func monotonicNanoseconds() -> UInt64 { UInt64(max(0, store.now)) * 1_000_000 }
}

/// The one object of a bucket in memory.
struct Stations: ReferenceFiles {
    func version(of object: ReferenceObject) async throws(ReferenceFailure) -> String { "1" }
    func contents(of object: ReferenceObject) async throws(ReferenceFailure) -> (bytes: [UInt8], version: String) {
        (Array(RecordMaker.stations.utf8), "1")
    }
}

struct FixedRandom: RandomSource {
    func next() -> UInt64 { 1 }
}

/// A source with records in it, batch by batch in the next shard, and for each run a derived stream of one shard.
struct StoredInput {
    /// How the records lie in the source.
    struct Shape {
        var shards = 1
        var recordsPerBatch = RecordMaker.recordsPerBatch
    }

    let program: BenchmarkProgram
    let store: MemoryStore
    let source: StreamDescription
    let records: Int
    static let derived = StreamKey("out")
    /// The records' texts.
    let bytes: Int

    init(_ program: BenchmarkProgram, records: Int, _ shape: Shape = Shape()) async throws {
        self.program = program
        self.records = records
        store = MemoryStore(now: RecordMaker.start - 1)
        source = try await store.createStream(StreamDefinition(key: StreamKey("in"), shardCount: shape.shards))
        // A server's rows are on disk when they are durable: what it would not hold in memory is not held here either.
        store.keepNewest(4, of: Self.derived)
        store.keepNewest(4, of: StreamKey(program.definition.name, in: .application))
        var bytes = 0
        for (number, first) in stride(from: 0, to: records, by: shape.recordsPerBatch).enumerated() {
            store.now = program.records.time(first)
            let made = try program.records.batch(from: first, count: min(shape.recordsPerBatch, records - first))
            bytes += made.bytes
            let shard = ShardReference(source.id, ShardID(UInt32(number % shape.shards)))
            _ = try await store.append([ShardAppend(shard, made.batch)], fence: nil)
        }
        self.bytes = bytes
        // Every window ends.
        store.now += 120_000
    }

    /// Makes ready for a run that finds nothing of an earlier one.
    func prepare() async throws {
        try? await store.deleteStream(Self.derived)
        try? await store.deleteStream(StreamKey(program.definition.name, in: .application))
        _ = try await store.createStream(StreamDefinition(key: Self.derived, shardCount: 1))
    }

    /// Runs the application over all records, as the server does.
    /// - Returns: rows that entered the derived stream.
    func run() async throws -> Int64 {
        var limits = ApplicationRun.Limits()
        // The snapshot's pace is measured elsewhere.
        limits.snapshotBytes = .max
        limits.snapshotNanoseconds = .max
        var run = try await ApplicationRun(
            program.definition, start: .trimHorizon, store: store, time: StoreTime(store: store), random: FixedRandom(),
            resolve: { $0.key }, references: Stations(), limits: limits, reportGap: { _ in })
        while try await run.cycle() {}
        let stream = try await store.stream(Self.derived)
        return try await store.bounds(ShardReference(stream.id, ShardID(0))).highWatermark
    }
}
