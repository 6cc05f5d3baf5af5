/// Point 8: one thread that submits for sixteen connections, a record each, as an event loop does for its sockets.

import Host
import RecordBatch
import StreamLog
import Synchronization

/// A loop that works off what it is given, on a thread of its own.
private final class Loop: Sendable {
    private struct Inbox {
        var work: [@Sendable () -> Void] = []
        var isEnded = false
    }
    private let inbox = Monitor(Inbox())

    /// Runs until `end`. Blocks.
    func run() {
        while true {
            let due = inbox.wait { inbox -> [@Sendable () -> Void]? in
                if inbox.work.isEmpty { return inbox.isEnded ? [] : nil }
                defer { inbox.work = [] }
                return inbox.work
            }
            if due.isEmpty { return }
            for work in due { work() }
        }
    }

    func add(_ work: @escaping @Sendable () -> Void) { inbox.withLockAndWake { $0.work.append(work) } }
    func end() { inbox.withLockAndWake { $0.isEnded = true } }
}

/// A connection: it has one append under way at a time.
private final class Connection: AnswerPlace {
    private let loop: Loop
    private let log: RealLog
    private let shard: LogID
    private let batches: Batches
    private let end: UInt64
    private let latencies = Mutex<[Double]>([])
    private let ended: @Sendable () -> Void

    init(_ loop: Loop, _ log: RealLog, _ shard: LogID, _ batches: Batches, until end: UInt64, ended: @escaping @Sendable () -> Void)
    {
        self.loop = loop
        self.log = log
        self.shard = shard
        self.batches = batches
        self.end = end
        self.ended = ended
    }

    func run(_ work: @escaping @Sendable () -> Void) { loop.add(work) }

    /// Submits one append, and the next when it is answered.
    func submit(_ n: Int) {
        let start = nanoseconds()
        log.submit(LogAppend([(shard, batches.batch(n))]), at: self) { [self] result in
            if case .failure(let error) = result { give(up: "submit: \(error)") }
            let now = nanoseconds()
            latencies.withLock { $0.append(Double(now - start) / 1000) }
            if now < end { submit(n + 1) } else { ended() }
        }
    }

    var taken: [Double] { latencies.withLock { $0 } }
}

/// The rate and the median of submits from sixteen places of one thread, and of one.
struct Submits {
    let directory: WorkingDirectory
    let report: Report
    let seconds: Double
    let rounds: Int

    private var shard: LogID { LogID(stream: 1, shard: 0) }

    func run() async {
        report.say("8. Submits of one thread: records of 150 bytes, one under way for each place")
        let batches = Batches(count: 16, recordsEach: 1)
        await withLog(in: directory, logs: [shard]) { log in
            // A log that has just begun writes into a file that grows; this is about one that is in use.
            _ = await Load(callers: 1, batches: batches, logs: [shard], seconds: seconds / 3, leastBytes: 2 << 20).run(on: log)
            for places in [1, 16, 64] {
                var rates = Samples()
                var latencies = Samples()
                var perSync = Samples()
                for _ in 0..<rounds {
                    let syncs = log.statistics().syncCount
                    let taken = turn(log, batches, places)
                    rates.add(Double(taken.count) / seconds)
                    for value in taken { latencies.add(value) }
                    perSync.add(Double(taken.count) / Double(max(1, log.statistics().syncCount - syncs)))
                }
                report.figure(
                    "submit.rate_\(places)", rates.median, "records/s", "\(places) places of one thread, median of \(rounds)")
                report.figure("submit.median_\(places)", latencies.median, "us", "p99 \(Int(latencies.p99)) us")
                report.figure("submit.per_sync_\(places)", perSync.median, "records", "in one sync")
            }
        }
    }

    private func turn(_ log: RealLog, _ batches: Batches, _ places: Int) -> [Double] {
        let loop = Loop()
        let end = nanoseconds() + UInt64(seconds * 1e9)
        let left = Mutex(places)
        let connections = (0..<places).map { _ in
            Connection(loop, log, shard, batches, until: end) {
                if left.withLock({
                    $0 -= 1; return $0 == 0
                }) {
                    loop.end()
                }
            }
        }
        loop.add { for (number, connection) in connections.enumerated() { connection.submit(number * 7) } }
        IOThread(name: "loop") { loop.run() }.join()
        return connections.flatMap(\.taken)
    }
}
