/// What opening a store takes: time and memory, measured in a process of its own and told to the one that started it.

import EmbeddedStore
import Host
import StreamLog
import StreamStore

/// Time and memory.
struct StoreMeasurement {
    var seconds: Double
    /// Resident bytes, more than before.
    var grown: Int
    /// The most resident bytes at any time, more than before.
    var peak: Int

    init(seconds: Double, grown: Int, peak: Int) {
        self.seconds = seconds
        self.grown = grown
        self.peak = peak
    }

    /// From what `line` gave.
    init(_ line: String) {
        let words = line.split(whereSeparator: { $0 == " " || $0 == "\n" })
        guard words.count == 3, let seconds = Double(words[0]), let grown = Int(words[1]), let peak = Int(words[2]) else {
            give(up: "not a measurement: \(line)")
        }
        self.init(seconds: seconds, grown: grown, peak: peak)
    }

    var line: String { "\(seconds) \(grown) \(peak)" }

    /// Opens a store, does some work, and closes it; the closing is not measured.
    static func opening(_ path: String, _ work: (EmbeddedStore<RealDisk>) async -> Void = { _ in }) async -> StoreMeasurement {
        let before = residentBytes().now
        let start = nanoseconds()
        let (store, disk) = await openStore(path)
        await work(store)
        let taken = secondsSince(start)
        let after = residentBytes()
        await store.close()
        disk.close()
        return StoreMeasurement(seconds: taken, grown: after.now - before, peak: after.peak - before)
    }
}

/// Opens a store that may have any number of shards.
func openStore(_ path: String, log: LogOptions = LogOptions()) async -> (store: EmbeddedStore<RealDisk>, disk: RealDisk) {
    do {
        let disk = try RealDisk(root: path)
        let options = EmbeddedStoreOptions(shardLimit: 1_000_000, retentionSweepSeconds: nil, log: log)
        let (store, recovery) = try await EmbeddedStore.open(disk: disk, directory: path, time: SystemTime(), options: options)
        guard recovery.problems.isEmpty, recovery.log.damages.isEmpty, recovery.log.quarantined.isEmpty else {
            give(up: "\(path): \(recovery)")
        }
        return (store, disk)
    } catch {
        give(up: "\(path): \(error)")
    }
}
