/// Point 4, second half: what five readers of the tail cost the appender.

import Host
import RecordBatch
import StreamLog

/// The same appends with and without readers, in turn.
struct TailReaders {
    let directory: WorkingDirectory
    let report: Report
    let seconds: Double
    let rounds: Int
    static let readers = 5

    func run() async {
        report.say("4. \(TailReaders.readers) readers of the tail, each of all records, beside the appenders")
        let batches = Batches(count: 64, recordsEach: 500)
        for (name, callers) in [("1_appender", 1), ("16_appenders", 16)] {
            let shard = LogID(stream: 1, shard: 0)
            let load = Load(callers: callers, batches: batches, logs: [shard], seconds: seconds)
            var rates = (alone: Samples(), read: Samples())
            for _ in 0..<rounds {
                rates.alone.add(await withLog(in: directory, logs: [shard]) { await load.run(on: $0).recordsPerSecond })
                rates.read.add(await withLog(in: directory, logs: [shard]) { await withReaders(load, $0, shard) })
            }
            report.figure("tail.\(name).alone", rates.alone.median, "records/s", "batches of 500 from tasks, median of \(rounds)")
            report.figure("tail.\(name).with_readers", rates.read.median, "records/s", "the readers got every record")
            report.figure("tail.\(name).cost", 1 - rates.read.median / rates.alone.median, "", target: .atMost(0.1))
        }
    }

    private func withReaders(_ load: Load, _ log: RealLog, _ shard: LogID) async -> Double {
        let ended = Monitor<Int64?>(nil)
        return await withTaskGroup(of: LoadResult?.self) { group in
            for _ in 0..<TailReaders.readers {
                group.addTask {
                    await TailReaders.follow(log, shard, until: ended)
                    return nil
                }
            }
            group.addTask {
                let result = await load.run(on: log)
                ended.withLock { $0 = Int64(result.records) }
                return result
            }
            var rate = 0.0
            for await result in group { if let result { rate = result.recordsPerSecond } }
            return rate
        }
    }

    /// Reads the tail as it grows, until the appender has ended and everything was read.
    private static func follow(_ log: RealLog, _ shard: LogID, until ended: Monitor<Int64?>) async {
        var offset: Int64 = 0
        var records: Int64 = 0
        do {
            while true {
                if let end = ended.withLock({ $0 }), offset >= end { break }
                guard await log.awaitRecords([shard: offset], timeout: .milliseconds(100)) else { continue }
                let read = try await log.read(shard, from: offset, maxBytes: 1 << 20)
                for batch in read.batches {
                    guard batch.baseOffset == offset else { give(up: "a reader missed offset \(offset)") }
                    offset = batch.endOffset
                    records += Int64(batch.batch.recordCount)
                }
            }
        } catch {
            give(up: "a reader failed: \(error)")
        }
        guard records == ended.withLock({ $0 }) else { give(up: "a reader got \(records) records") }
    }
}
