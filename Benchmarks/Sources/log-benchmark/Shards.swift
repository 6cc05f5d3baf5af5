/// Point 3, first half: a thousand shards written evenly against one.

import StreamLog

/// The same appenders with the same batches, to one shard and to a thousand in turn.
struct Shards {
    let directory: WorkingDirectory
    let report: Report
    let callers: [Caller]
    let seconds: Double
    let rounds: Int

    func run() async {
        report.say("3. 1,000 shards written evenly, 16 appenders of 500-record batches")
        let many = (0..<1_000).map { LogID(stream: 1, shard: UInt32($0)) }
        let batches = Batches(count: 64, recordsEach: 500)
        for caller in callers {
            var rates = (one: Samples(), many: Samples())
            for _ in 0..<rounds {
                for logs in [[many[0]], many] {
                    let load = Load(caller: caller, batches: batches, logs: logs, seconds: seconds)
                    let rate = await withLog(in: directory, logs: logs) { await load.run(on: $0).recordsPerSecond }
                    if logs.count == 1 { rates.one.add(rate) } else { rates.many.add(rate) }
                }
            }
            report.figure("shards.\(caller).records_1", rates.one.median, "records/s", "1 shard, median of \(rounds)")
            report.figure("shards.\(caller).records_1000", rates.many.median, "records/s", "1,000 shards, median of \(rounds)")
            report.figure("shards.\(caller).1000_over_1", rates.many.median / rates.one.median, "", target: .atLeast(0.7))
        }
    }
}
