/// Point 4, first half: reading a log from its beginning, all of it in the page cache, on one core.

import Host
import RecordBatch
import StreamLog

/// One reader that asks for a megabyte at a time.
struct SequentialRead {
    let directory: WorkingDirectory
    let report: Report
    let rounds: Int
    /// Bytes of the log that is read.
    static let bytes = 1 << 30
    static let shard = LogID(stream: 1, shard: 0)

    func run() async {
        report.say("4. One reader from the start of a log of \(SequentialRead.bytes >> 20) MiB in segments, in the page cache")
        let batches = Batches(count: 64, recordsEach: 500)
        let place = directory.place("log")
        let (log, disk) = await openLog(place, logs: [SequentialRead.shard])
        _ = await Load(batches: batches, logs: [SequentialRead.shard], seconds: 0, leastBytes: SequentialRead.bytes).run(on: log)
        await log.close()
        disk.close()
        var all = Samples()
        var one = Samples()
        var cpu = Samples()
        // The first pass fills the cache.
        _ = rates(runAgain(["read-log", place]))
        for _ in 0..<rounds {
            let free = rates(runAgain(["read-log", place]))
            all.add(free.wall)
            cpu.add(free.cpu)
            one.add(rates(runAgain(["read-log", place], onCore: 0)).wall)
        }
        report.figure("read.all_cores", all.median / 1e9, "GB/s", "by the clock, threads may run anywhere, median of \(rounds)")
        report.figure("read.per_cpu_second", cpu.median / 1e9, "GB/s", "bytes over the process's CPU time, median of \(rounds)")
        report.figure(
            "read.one_core", one.median / 1e9, "GB/s", target: .atLeast(2),
            "by the clock, all threads bound to one core, median of \(rounds)")
        directory.clear("log")
        settleDisk()
    }

    private func rates(_ line: String) -> (wall: Double, cpu: Double) {
        let words = line.split(whereSeparator: { $0 == " " || $0 == "\n" }).compactMap { Double($0) }
        guard words.count == 2 else { give(up: "not a measurement: \(line)") }
        return (words[0], words[1])
    }

    /// Opens the log and reads it three times: opened anew, nothing is in the log's own memory. Returns the median pass's bytes per second,
    /// by the clock and of CPU time.
    static func read(_ path: String) async -> String {
        let (log, disk) = await openLog(path, logs: [shard])
        var wall = Samples()
        var cpu = Samples()
        for _ in 0..<3 {
            let rate = await pass(log)
            wall.add(rate.wall)
            cpu.add(rate.cpu)
        }
        await log.close()
        disk.close()
        return "\(wall.median) \(cpu.median)"
    }

    /// Reads all there is; checks that nothing is missing. Returns bytes per second, by the clock and of CPU time.
    private static func pass(_ log: RealLog) async -> (wall: Double, cpu: Double) {
        let (start, cpu) = (nanoseconds(), processorNanoseconds())
        var offset: Int64 = 0
        var bytes = 0
        do {
            while true {
                let read = try await log.read(shard, from: offset, maxBytes: 1 << 20)
                guard let last = read.batches.last else { break }
                for batch in read.batches {
                    guard batch.baseOffset == offset else { give(up: "offset \(batch.baseOffset) instead of \(offset)") }
                    offset = batch.endOffset
                    bytes += batch.batch.bytes.count
                }
                if last.endOffset == read.highWatermark { break }
            }
        } catch {
            give(up: "read: \(error)")
        }
        guard bytes >= SequentialRead.bytes else { give(up: "\(bytes) bytes were read") }
        return (Double(bytes) / secondsSince(start), Double(bytes) / (Double(processorNanoseconds() - cpu) / 1e9))
    }
}
