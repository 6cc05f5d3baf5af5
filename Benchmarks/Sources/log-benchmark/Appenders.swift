/// Point 1: sixteen appenders of 500-record batches against the plain loop with the same bytes per sync.

import StreamLog

/// Sustained appends, and the yardstick between them.
struct Appenders {
    let directory: WorkingDirectory
    let report: Report
    let callers: [Caller]
    /// How long each turn of the log takes; a turn of the yardstick takes a third.
    let seconds: Double
    let rounds: Int

    func run() async {
        let batches = Batches(count: 64, recordsEach: 500)
        report.say(
            "1. 16 appenders, batches of 500 records of \(Int(batches.valueBytesEach / 500)) bytes from a prepared set, one shard")
        for caller in callers { await measure(caller, batches) }
    }

    private func measure(_ caller: Caller, _ batches: Batches) async {
        let shard = LogID(stream: 1, shard: 0)
        var load = Load(caller: caller, batches: batches, logs: [shard], seconds: min(1, seconds))
        // How much goes into one sync is the log's doing, so the yardstick learns it from a first turn.
        var bytesPerSync = await withLog(in: directory, logs: [shard]) { await load.run(on: $0).bytesPerSync }
        load.seconds = seconds
        var records = Samples()
        var bytes = Samples()
        var disk: [WriteWay: Samples] = [:]
        for _ in 0..<rounds {
            for way in WriteWay.allCases {
                guard let rate = yardstick(way, bytesPerSync) else { continue }
                disk[way, default: Samples()].add(rate)
            }
            let result = await withLog(in: directory, logs: [shard]) { await load.run(on: $0) }
            records.add(result.recordsPerSecond)
            bytes.add(result.bytesPerSecond)
            bytesPerSync = result.bytesPerSync
        }
        let name = "appenders.\(caller)"
        report.figure("\(name).bytes_per_sync", Double(bytesPerSync), "bytes")
        for way in WriteWay.allCases {
            guard let rates = disk[way] else { continue }
            report.figure(
                "\(name).disk.\(way)", rates.median / 1e6, "MB/s", "write + fdatasync of so many bytes, \(way), median of \(rounds)"
            )
        }
        report.figure("\(name).bytes", bytes.median / 1e6, "MB/s", "bytes of the batches, median of \(rounds) turns")
        report.figure("\(name).records", records.median, "records/s", target: .atLeast(1_300_000))
        for way in [WriteWay.prewritten, .growing] {
            guard let rates = disk[way] else { continue }
            report.figure(
                "\(name).of_disk.\(way)", bytes.median / rates.median, "", target: .atLeast(0.6),
                "bytes/s over those of the plain loop, \(way) file, buffered")
        }
    }

    private func yardstick(_ way: WriteWay, _ size: Int) -> Double? {
        defer {
            directory.clear("yardstick")
            settleDisk()
        }
        guard let writer = DurableWriter(way, path: directory.place("yardstick"), size: size) else { return nil }
        settleDisk()
        return writer.throughput(seconds: max(0.5, seconds / 3))
    }
}
