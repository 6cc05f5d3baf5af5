/// Point 2: one record at a time against one fdatasync, and sixteen appenders against one.

import Host
import StreamLog

/// Latencies of single appends and single syncs, taken in turns of some hundred so that the machine's moods fall on all alike.
struct Latency {
    let directory: WorkingDirectory
    let report: Report
    let callers: [Caller]
    /// How long the rates of one and of sixteen appenders are taken, each turn.
    let seconds: Double
    let rounds: Int

    private var shard: LogID { LogID(stream: 1, shard: 0) }

    func run() async {
        report.say("2. One record of 150 bytes at a time")
        await withLog(in: directory, logs: [shard]) { log in
            // A log that has just begun writes into a file that grows; this is about one that is in use.
            _ = await Load(
                callers: 1, batches: Batches(count: 16, recordsEach: 1), logs: [shard], seconds: seconds / 3, leastBytes: 2 << 20
            )
            .run(on: log)
            await latencies(log)
            for caller in callers { await rates(log, caller) }
        }
    }

    private func latencies(_ log: RealLog) async {
        let batches = Batches(count: 16, recordsEach: 1)
        let turn = 200
        var both: [WriteWay: Samples] = [:]
        var sync: [WriteWay: Samples] = [:]
        var appends: [Caller: Samples] = [:]
        let writers = WriteWay.allCases.compactMap { way in
            DurableWriter(way, path: directory.place("yardstick-\(way)"), size: 4096, fileBytes: 64 << 20)
        }
        settleDisk()
        for _ in 0..<max(1, rounds * 5) {
            for writer in writers {
                for _ in 0..<turn {
                    let taken = writer.once()
                    both[writer.way, default: Samples()].add(Double(taken.both) / 1000)
                    sync[writer.way, default: Samples()].add(Double(taken.sync) / 1000)
                }
            }
            for caller in callers {
                for value in await appendOneByOne(log, caller, batches, turn) { appends[caller, default: Samples()].add(value) }
            }
        }
        for way in WriteWay.allCases {
            guard let syncs = sync[way], let pairs = both[way] else { continue }
            report.figure(
                "latency.disk.\(way).fdatasync", syncs.median, "us", "median of fdatasync alone after a write of 4096 bytes")
            report.figure("latency.disk.\(way).both", pairs.median, "us", "median of write + fdatasync; p99 \(Int(pairs.p99)) us")
        }
        for caller in callers {
            guard let samples = appends[caller] else { continue }
            report.figure("latency.\(caller).median", samples.median, "us", "one appender")
            report.figure("latency.\(caller).p99", samples.p99, "us", "one appender")
            for way in [WriteWay.prewritten, .growing] {
                guard let syncs = sync[way] else { continue }
                report.figure(
                    "latency.\(caller).over_fdatasync.\(way)", samples.median / syncs.median, "", target: .atMost(1.3),
                    "median over that of one fdatasync, \(way) file")
            }
        }
        for way in WriteWay.allCases { directory.clear("yardstick-\(way)") }
    }

    /// So many appends, one after the other; the microseconds that each took.
    private func appendOneByOne(_ log: RealLog, _ caller: Caller, _ batches: Batches, _ count: Int) async -> [Double] {
        if caller == .tasks {
            var taken: [Double] = []
            for number in 0..<count {
                let start = nanoseconds()
                do { _ = try await log.append([(shard, batches.batch(number))]) } catch { give(up: "append: \(error)") }
                taken.append(Double(nanoseconds() - start) / 1000)
            }
            return taken
        }
        let all = Monitor<[Double]>([])
        let thread = IOThread(name: "appender") { [shard] in
            var taken: [Double] = []
            for number in 0..<count {
                let start = nanoseconds()
                do { _ = try log.appendAndWait([(shard, batches.batch(number))]) } catch { give(up: "append: \(error)") }
                taken.append(Double(nanoseconds() - start) / 1000)
            }
            let values = taken
            all.withLock { $0 = values }
        }
        thread.join()
        return all.withLock { $0 }
    }

    private func rates(_ log: RealLog, _ caller: Caller) async {
        var rates = (one: Samples(), sixteen: Samples())
        var load = Load(caller: caller, batches: Batches(count: 16, recordsEach: 1), logs: [shard], seconds: max(0.5, seconds / 3))
        for _ in 0..<rounds {
            load.callers = 1
            rates.one.add(await load.run(on: log).recordsPerSecond)
            load.callers = 16
            rates.sixteen.add(await load.run(on: log).recordsPerSecond)
        }
        report.figure("latency.\(caller).rate_1", rates.one.median, "records/s", "1 appender, median of \(rounds)")
        report.figure("latency.\(caller).rate_16", rates.sixteen.median, "records/s", "16 appenders, median of \(rounds)")
        report.figure("latency.\(caller).16_over_1", rates.sixteen.median / rates.one.median, "", target: .atLeast(5))
    }
}
