/// What the tests of this room share: a table over a store, a model of what it must say, and a clock.

import EmbeddedStore
import Foundation
import Host
import HostSimulation
import LatestValues
import RecordBatch
import StreamLog
import StreamStore
import StreamStoreTesting
import Synchronization

/// A clock that stands still.
struct FixedTime: TimeSource {
    func wallMilliseconds() -> Int64 { 1_700_000_000_000 }
    func monotonicNanoseconds() -> UInt64 { 1_000_000_000 }
}

func key(_ number: Int) -> [UInt8] { Array("device/\(number)/state".utf8) }
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Sizes at which compactions come often.
var smallTable: LatestOptions {
    var options = LatestOptions()
    options.batchBytes = 512
    options.garbageBytes = 2_048
    options.compactionBytes = 2_048
    return options
}

extension LatestTable {
    /// All entries, as text.
    func contents() async throws -> [String: String] {
        var contents: [String: String] = [:]
        for entry in try await entries(in: KeyRange(), limit: .max) {
            contents[String(decoding: entry.key, as: UTF8.self)] = String(decoding: entry.value.bytes, as: UTF8.self)
        }
        return contents
    }

    func text(_ number: Int) async throws -> String? {
        try await value(of: key(number)).map { String(decoding: $0.bytes, as: UTF8.self) }
    }
}

/// A node on a simulated disk, which can lose its power.
struct SimulatedNode {
    var disk: SimulatedDisk
    let directory: String

    init() throws {
        disk = SimulatedDisk()
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("latest-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    func open() async throws -> EmbeddedStore<SimulatedDisk> {
        var options = EmbeddedStoreOptions(retentionSweepSeconds: nil)
        options.log.journalFileBytes = 64 << 10
        options.log.segmentBytes = 8 << 10
        options.log.flushThresholdBytes = 4 << 10
        options.log.tailCacheBytes = 4 << 10
        options.log.spareJournalFiles = 0
        return try await EmbeddedStore.open(disk: disk, directory: directory, time: SystemTime(), options: options).store
    }

    /// The power went; the seed decides what survives of what was not synced.
    mutating func crash(seed: UInt64) { disk = disk.crash(keeping: .some(seed: seed)) }

    func remove() { try? FileManager.default.removeItem(atPath: directory) }
}
