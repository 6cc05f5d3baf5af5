/// Callers that append to a log as fast as it answers: tasks that await, or threads that block.

import Host
import RecordBatch
import StreamLog

typealias RealLog = StreamLog<RealDisk>

/// How appends are called.
enum Caller: String, CaseIterable {
    /// `append`, from tasks.
    case tasks
    /// `appendAndWait`, from threads of their own.
    case threads
}

/// What a load came to.
struct LoadResult {
    var seconds = 0.0
    var appends = 0
    var records = 0
    /// Bytes of the batches.
    var bytes = 0.0
    /// Journal syncs meanwhile.
    var syncs = 0

    var recordsPerSecond: Double { Double(records) / seconds }
    var bytesPerSecond: Double { bytes / seconds }
    var bytesPerSync: Int { syncs == 0 ? 0 : Int(bytes / Double(syncs)) }
}

/// So many callers, each with one append of one batch under way.
struct Load: Sendable {
    var callers = 16
    var caller = Caller.tasks
    var batches: Batches
    /// They are written in turn.
    var logs: [LogID]
    var seconds: Double
    /// It goes on past the time until so many bytes were appended.
    var leastBytes = 0

    func run(on log: RealLog) async -> LoadResult {
        let before = log.statistics()
        let start = nanoseconds()
        let end = start + UInt64(seconds * 1e9)
        let least = Int((Double(leastBytes) / batches.bytesEach / Double(callers)).rounded(.up))
        var result = LoadResult()
        switch caller {
        case .tasks:
            await withTaskGroup(of: Int.self) { group in
                for number in 0..<callers {
                    group.addTask {
                        var done = 0
                        while nanoseconds() < end || done < least {
                            do { _ = try await log.append([entry(number, done)]) } catch { give(up: "append: \(error)") }
                            done += 1
                        }
                        return done
                    }
                }
                for await done in group { result.appends += done }
            }
        case .threads:
            let sum = Monitor(0)
            let threads = (0..<callers).map { number in
                IOThread(name: "appender") {
                    var done = 0
                    while nanoseconds() < end || done < least {
                        do { _ = try log.appendAndWait([entry(number, done)]) } catch { give(up: "appendAndWait: \(error)") }
                        done += 1
                    }
                    let count = done
                    sum.withLock { $0 += count }
                }
            }
            for thread in threads { thread.join() }
            result.appends = sum.withLock { $0 }
        }
        result.seconds = secondsSince(start)
        let after = log.statistics()
        result.records = result.appends * batches.recordsEach
        result.bytes = Double(after.appendedBytes - before.appendedBytes)
        result.syncs = after.syncCount - before.syncCount
        return result
    }

    /// The n-th append of a caller. The logs are written in turn, so all get the same.
    private func entry(_ caller: Int, _ n: Int) -> (log: LogID, batch: RecordBatch) {
        (logs[(caller + n * callers) % logs.count], batches.batch(caller * 7 + n))
    }
}

/// Opens a log on the real disk.
func openLog(_ path: String, logs: [LogID], options: LogOptions = LogOptions()) async -> (log: RealLog, disk: RealDisk) {
    do {
        let disk = try RealDisk(root: path)
        let (log, report) = try await StreamLog.open(
            disk: disk, time: SystemTime(), options: options, knownLogs: Set(logs), removedLogs: [])
        guard report.damages.isEmpty, report.quarantined.isEmpty else { give(up: "\(path): \(report)") }
        return (log, disk)
    } catch {
        give(up: "\(path): \(error)")
    }
}

/// Opens a fresh log, lets `body` work on it, closes it and removes its files.
func withLog<Result>(
    in directory: WorkingDirectory, logs: [LogID], options: LogOptions = LogOptions(), _ body: (RealLog) async -> Result
) async -> Result {
    let (log, disk) = await openLog(directory.place("log"), logs: logs, options: options)
    let result = await body(log)
    await log.close()
    disk.close()
    directory.clear("log")
    settleDisk()
    return result
}
