/// What every test of the embedded store needs: a disk, a clock, a directory for the catalog, and records.

import EmbeddedStore
import Foundation
import Host
import RecordBatch
import StreamStore
import Synchronization

/// A clock that moves when the test says so.
final class TestClock: TimeSource {
    private let now = Mutex<(wall: Int64, monotonic: UInt64)>((1_700_000_000_000, 1_000_000_000))

    func wallMilliseconds() -> Int64 { now.withLock { $0.wall } }
    func monotonicNanoseconds() -> UInt64 { now.withLock { $0.monotonic } }

    func advance(seconds: Int64) {
        now.withLock { now in
            now.wall += seconds * 1000
            now.monotonic += UInt64(seconds) * 1_000_000_000
        }
    }

    /// The wall clock is set to another time; no time passes.
    func jumpWall(seconds: Int64) {
        now.withLock { $0.wall += seconds * 1000 }
    }
}

/// One node: its disk, its clock and its data directory.
struct StoreWorld {
    let disk: MemoryDisk
    let clock: TestClock
    let directory: String
    var options: EmbeddedStoreOptions

    func open() async throws -> EmbeddedStore<MemoryDisk> {
        try await EmbeddedStore.open(disk: disk, directory: directory, time: clock, options: options).store
    }

    func openWithReport() async throws -> (store: EmbeddedStore<MemoryDisk>, recovery: StoreRecovery) {
        try await EmbeddedStore.open(disk: disk, directory: directory, time: clock, options: options)
    }

    /// What is left after a crash: nothing that was not synced, and the catalog's files as they are.
    func crashed() throws -> StoreWorld {
        let copy = directory + "/crash-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: directory + "/catalog.sqlite" + suffix) {
            try FileManager.default.copyItem(
                atPath: directory + "/catalog.sqlite" + suffix, toPath: copy + "/catalog.sqlite" + suffix)
        }
        return StoreWorld(disk: disk.crashed(), clock: clock, directory: copy, options: options)
    }

    /// Runs a test in a new world. Background work is off: the test calls `maintain`.
    static func run(delaySeconds: Int = 0, shardLimit: Int = 500, _ test: (StoreWorld) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let options = EmbeddedStoreOptions(
            lifecycleDelaySeconds: delaySeconds, shardLimit: shardLimit, retentionSweepSeconds: nil)
        try await test(StoreWorld(disk: MemoryDisk(), clock: TestClock(), directory: directory, options: options))
    }
}

/// A batch with one record per value.
func batch(_ values: String...) throws -> RecordBatch {
    var builder = RecordBatchBuilder(baseTimestamp: 1_700_000_000_000)
    for value in values {
        try builder.append(key: Array("key".utf8), value: Array(value.utf8), timestamp: 1_700_000_000_000)
    }
    return try builder.finish()
}

extension StreamStore {
    /// The values of all records of a shard, from its trim horizon on.
    func values(_ shard: ShardReference) async throws -> [String] {
        var values: [String] = []
        var offset = try await bounds(shard).startOffset
        while true {
            let read = try await read(shard, from: offset, maxBytes: 1 << 20)
            guard let last = read.batches.last else { return values }
            for stored in read.batches {
                for record in try stored.batch.records() where record.offset >= offset {
                    values.append(String(decoding: record.value ?? [], as: UTF8.self))
                }
            }
            offset = last.endOffset
        }
    }

    /// Appends one batch without a fence.
    @discardableResult
    func put(_ values: String, to shard: ShardReference) async throws -> Appended? {
        try await append([ShardAppend(shard, try batch(values))], fence: nil).first
    }
}

extension StreamDescription {
    /// One of its shards.
    func reference(_ index: UInt32 = 0) -> ShardReference { ShardReference(id, ShardID(index)) }
}
