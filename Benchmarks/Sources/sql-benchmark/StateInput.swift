/// A store on the disk whose stream is fed while an application runs over it, record by record of new groups.

import EmbeddedStore
import Foundation
import Host
import RecordBatch
import StreamEngine
import StreamLog
import StreamStore

/// A source of one shard, a derived stream, and the weather application over days, so that nothing closes.
struct StateInput {
    private let path: String
    private let disk: RealDisk
    private let store: EmbeddedStore<RealDisk>
    private let source: StreamDescription
    private let program: BenchmarkProgram
    private let sensors: Int
    private var number = 0
    /// Records so far.
    var records: Int { number }

    /// - Parameter parent: a directory on the disk to be measured.
    init(sensors: Int, below parent: String) async throws {
        self.sensors = sensors
        path = parent + "/sql-benchmark-" + UUID().uuidString.prefix(8).lowercased()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        disk = try RealDisk(root: path)
        (store, _) = try await EmbeddedStore.open(
            disk: disk, directory: path, time: SystemTime(),
            options: EmbeddedStoreOptions(shardLimit: 10, retentionSweepSeconds: nil, log: LogOptions()))
        source = try await store.createStream(StreamDefinition(key: StreamKey("in"), shardCount: 1))
        _ = try await store.createStream(StreamDefinition(key: StreamKey("out"), shardCount: 1))
        var program = try BenchmarkProgram(.weather)
        program.code = program.code.replacing("SECOND / 60 TO SECOND", with: "SECOND / 8640000 TO SECOND")
        self.program = program
    }

    /// Puts records of sensors that were not there yet, then of the first ones again.
    mutating func put(_ count: Int) async throws {
        let maker = RecordMaker.weather(sensors: sensors, recordsPerMillisecond: 1000)
        for first in stride(from: number, to: number + count, by: 5000) {
            let batch = try maker.batch(from: first, count: min(5000, number + count - first)).batch
            _ = try await store.append([ShardAppend(ShardReference(source.id, ShardID(0)), batch)], fence: nil)
        }
        number += count
    }

    func makeRun(_ limits: ApplicationRun.Limits, start: StartingPosition?) async throws -> ApplicationRun {
        try await ApplicationRun(
            program.definition, start: start, store: store, time: SystemTime(), random: FixedRandom(), resolve: { $0.key },
            limits: limits, reportGap: { _ in })
    }

    func remove() async {
        await store.close()
        disk.close()
        try? FileManager.default.removeItem(atPath: path)
    }
}
