/// Point 5: opening a store of 20 GB, closed in order and after a kill.

import EmbeddedStore
import Host
import RecordBatch
import StreamLog
import StreamStore

/// A store whose segments are as the log writes them, but for their data: holes stand for that, since start-up does not read it. Each log ends in
/// a segment that is real and not sealed; after a kill, its end is in the journal only.
struct Opening {
    let directory: WorkingDirectory
    let report: Report
    let rounds: Int
    static let key = StreamKey("opening")
    static let shards = 16
    static let segmentsEach = 20
    static let segmentBytes = 64 << 20
    /// What each start finds unsealed or in the journal, over all shards.
    static let tailMegabytes = 32

    func run() async {
        let place = directory.place("store")
        await makeStore(at: place)
        let size = fileSizes(below: place)
        report.say(
            "5. Opening a store of \(Opening.shards) shards in \(Opening.shards * Opening.segmentsEach) sealed segments and as many tails as shards"
        )
        report.figure("opening.store", Double(size) / 1e9, "GB", "holes stand for the sealed segments' data")
        for killed in [false, true] {
            var taken = Samples()
            var grown = Samples()
            for _ in 0..<rounds {
                _ = runAgain(["leave-tails", place, "\(Opening.tailMegabytes)"] + (killed ? ["--killed"] : []))
                settleDisk()
                forgetCache(below: place)
                let measured = StoreMeasurement(runAgain(["open-store", place]))
                taken.add(measured.seconds)
                grown.add(Double(measured.grown))
            }
            let name = killed ? "opening.after_kill" : "opening.after_close"
            report.figure(
                name, taken.median, "s", target: .atMost(1),
                "\(Opening.tailMegabytes) MiB appended before, nothing in the page cache; \(Int(grown.median) >> 20) MiB of memory; median of \(rounds)"
            )
        }
        directory.clear("store")
    }

    /// One real segment in each log, sealed at once, and the sparse ones after it.
    private func makeStore(at path: String) async {
        var log = LogOptions()
        log.segmentBytes = 1
        let (store, disk) = await openStore(path, log: log)
        do {
            let stream = try await store.createStream(StreamDefinition(key: Opening.key, shardCount: Opening.shards))
            let batch = Batches(count: 1, recordsEach: 500).batch(0)
            for shard in stream.shards {
                _ = try await store.append([ShardAppend(ShardReference(stream.id, shard.id), batch)], fence: nil)
            }
            await store.close()
            for shard in stream.shards {
                let sparse = SparseSegments(disk: disk, log: LogID(stream: stream.id.rawValue, shard: shard.id.index), batch: batch)
                try sparse.write(Opening.segmentsEach, bytesEach: Opening.segmentBytes, from: Int64(batch.recordCount))
            }
        } catch {
            give(up: "\(path): \(error)")
        }
        disk.close()
        settleDisk()
    }

    /// Opens the store, appends to all shards, and closes it or ends as a killed process does.
    static func leaveTails(at path: String, bytes: Int, killed: Bool) async {
        let (store, disk) = await openStore(path)
        let batches = Batches(count: 16, recordsEach: 500)
        do {
            let stream = try await store.stream(key)
            for number in 0..<bytes / Int(batches.bytesEach) {
                let shard = ShardReference(stream.id, stream.shards[number % stream.shards.count].id)
                _ = try await store.append([ShardAppend(shard, batches.batch(number))], fence: nil)
            }
        } catch {
            give(up: "\(path): \(error)")
        }
        if killed { endAsKilled() }
        await store.close()
        disk.close()
    }
}
