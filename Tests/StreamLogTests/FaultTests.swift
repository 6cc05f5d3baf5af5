/// Crashes and failing disks: what was acknowledged is there, what was not is there whole or not at all.

import Host
import HostSimulation
import RecordBatch
import StreamLog
import Synchronization
import Testing

/// What a workload was told, for comparison with what is found.
final class Ledger: Sendable {
    struct Acknowledged {
        var log: LogID
        var baseOffset: Int64
        var batch: RecordBatch
        var arrival: Int64
    }
    private struct Book {
        var acknowledged: [Acknowledged] = []
        /// The logs that each tag's append was for.
        var attempts: [Int: [LogID]] = [:]
        var nextTag = 0
    }
    private let book = Mutex(Book())

    var acknowledged: [Acknowledged] { book.withLock { $0.acknowledged } }

    /// Appends once, to one log or to all; returns whether it was acknowledged.
    func append(to log: SimulatedLog, _ random: inout SeededGenerator, logs: [LogID]) async throws -> Bool {
        let tag = book.withLock { book in
            book.nextTag += 1
            return book.nextTag
        }
        let targets = Bool.random(using: &random) ? logs : [logs[Int.random(in: 0..<logs.count, using: &random)]]
        let payload = try batch(
            tag, records: Int.random(in: 1...3, using: &random), bytes: Int.random(in: 10...700, using: &random))
        book.withLock { $0.attempts[tag] = targets }
        let entries: [(log: LogID, batch: RecordBatch)] = targets.map { (log: $0, batch: payload) }
        guard let results = try? await log.append(entries) else { return false }
        let acknowledged = zip(targets, results).map { target, result in
            Acknowledged(log: target, baseOffset: result.baseOffset, batch: payload, arrival: result.arrivalMilliseconds)
        }
        book.withLock { $0.acknowledged += acknowledged }
        return true
    }

    /// Checks a reopened log against what was told.
    func verify(_ log: SimulatedLog, _ report: RecoveryReport, logs: [LogID], _ comment: Comment) async throws {
        #expect(report.damages.isEmpty && report.unknownLogs.isEmpty, "\(comment) \(report)")
        var found: [LogID: [Int64: LogBatch]] = [:]
        var tags: [Int: Set<LogID>] = [:]
        for id in logs {
            let (batches, damaged) = try await readAll(log, id)
            #expect(damaged.isEmpty, comment)
            var end = try log.bounds(id).startOffset
            for batch in batches {
                #expect(batch.baseOffset == end, comment)
                end = batch.endOffset
                found[id, default: [:]][batch.baseOffset] = batch
                let text = String(decoding: try batch.batch.records()[0].value ?? [], as: UTF8.self)
                tags[Int(text.prefix { $0 != "." }) ?? -1, default: []].insert(id)
            }
        }
        for entry in acknowledged {
            let batch = found[entry.log]?[entry.baseOffset]
            #expect(batch.map { plain($0.batch) } == entry.batch, comment)
            #expect(batch?.arrivalMilliseconds == entry.arrival, comment)
        }
        let attempts = book.withLock { $0.attempts }
        for (tag, logs) in tags { #expect(attempts[tag].map(Set.init) == logs, comment) }
    }
}

@Suite struct FaultTests {
    private let logs = [firstLog, secondLog]

    /// Runs appenders until the disk dies or all is done.
    private func work(_ log: SimulatedLog, _ ledger: Ledger, seed: UInt64, appenders: Int, appends: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for appender in 0..<appenders {
                group.addTask { [logs] in
                    var random = SeededGenerator(seed: seed &* 1_000 &+ UInt64(appender))
                    for _ in 0..<appends where try await !ledger.append(to: log, &random, logs: logs) { break }
                }
            }
            try await group.waitForAll()
        }
    }

    private func options(_ random: inout SeededGenerator) -> LogOptions {
        var options = LogOptions.small
        options.journalFileBytes = UInt64.random(in: 500...60_000, using: &random)
        options.segmentBytes = UInt64.random(in: 500...20_000, using: &random)
        options.flushThresholdBytes = Int.random(in: 500...20_000, using: &random)
        return options
    }

    @Test(
        "after a power cut that keeps any subset of unsynced pages and names, all that was acknowledged is there, and appends are whole"
    )
    func powerCuts() async throws {
        for seed in seeds(500) {
            let comment: Comment = "MILLRACE_SEED=\(seed)"
            var random = SeededGenerator(seed: seed)
            let ledger = Ledger()
            var disk = SimulatedDisk()
            let options = options(&random)
            for round in 0..<4 {
                let (log, report) = try await open(disk, options)
                try await ledger.verify(log, report, logs: logs, comment)
                // The cut comes at some write or sync; everything after it fails, as it does when there is no power.
                let operation: DiskOperation = Bool.random(using: &random) ? .write : .sync
                disk.fail(operation, nth: Int.random(in: 1...40, using: &random), onwards: true)
                try await work(log, ledger, seed: seed &+ UInt64(round), appenders: 2, appends: 12)
                let survival = random.next()
                let next = disk.crash(keeping: survival % 3 == 0 ? .everything : .some(seed: survival))
                await log.close()
                disk = next
            }
            let (log, report) = try await open(disk, options)
            try await ledger.verify(log, report, logs: logs, comment)
            await log.close()
        }
    }

    @Test("the alarm works: a disk that lies about its syncs is caught")
    func canary() async throws {
        let caught = Mutex(0)
        let ledger = Ledger()
        let disk = SimulatedDisk()
        disk.ignoresSync = true
        let (log, _) = try await open(disk, .journalOnly)
        try await work(log, ledger, seed: 1, appenders: 1, appends: 3)
        let next = disk.crash(keeping: .nothing)
        await log.close()
        let (again, report) = try await open(next, .journalOnly)
        try await withKnownIssue {
            try await ledger.verify(again, report, logs: logs, "the canary")
        } matching: { _ in
            caught.withLock { $0 += 1 }
            return true
        }
        await again.close()
        #expect(caught.withLock { $0 } >= 3)
    }

    @Test("recovery broken off at any point, three times over, changes nothing that the next one finds")
    func crashesInRecovery() async throws {
        for seed in seeds(100) {
            let comment: Comment = "MILLRACE_SEED=\(seed)"
            var random = SeededGenerator(seed: seed)
            let ledger = Ledger()
            var disk = SimulatedDisk()
            let options = options(&random)
            let (log, _) = try await open(disk, options)
            try await work(log, ledger, seed: seed, appenders: 2, appends: 15)
            var next = disk.crash(keeping: .some(seed: random.next()))
            await log.close()
            disk = next
            for _ in 0..<3 {
                let operation = DiskOperation.allCases.randomElement(using: &random) ?? .write
                disk.fail(operation, nth: Int.random(in: 1...12, using: &random), onwards: true)
                let opened = try? await open(disk, options)
                next = disk.crash(keeping: .some(seed: random.next()))
                await opened?.log.close()
                disk = next
            }
            let (last, report) = try await open(disk, options)
            try await ledger.verify(last, report, logs: logs, comment)
            await last.close()
        }
    }

    @Test("an operation that fails once, whichever and whenever, loses nothing acknowledged, and the next start is clean")
    func nthOperationFails() async throws {
        for operation in DiskOperation.allCases {
            var reached = true
            var nth = 1
            while reached, nth <= 300 {
                let comment: Comment = "\(operation) number \(nth)"
                let ledger = Ledger()
                let disk = SimulatedDisk()
                disk.fail(operation, nth: nth)
                let opened = try? await open(disk, .small)
                if let log = opened?.log {
                    var random = SeededGenerator(seed: UInt64(nth))
                    for _ in 0..<30 { _ = try await ledger.append(to: log, &random, logs: logs) }
                    // Reads of what is committed go on.
                    for entry in ledger.acknowledged {
                        // The failing read itself may be this one.
                        guard let read = try? await log.read(entry.log, from: entry.baseOffset, maxBytes: 1) else {
                            #expect(operation == .read || operation == .open, comment)
                            continue
                        }
                        #expect(read.batches.first.map { plain($0.batch) } == entry.batch, comment)
                    }
                    if case .readOnly = log.state { #expect(operation != .read, comment) }
                }
                reached = disk.count(operation) >= nth
                let next = disk.crash(keeping: nth % 2 == 0 ? .nothing : .some(seed: UInt64(nth)))
                await opened?.log.close()
                let (log, report) = try await open(next, .small)
                try await ledger.verify(log, report, logs: logs, comment)
                var random = SeededGenerator(seed: 1)
                #expect(try await ledger.append(to: log, &random, logs: logs), comment)
                await log.close()
                nth += 1
            }
        }
    }

    @Test("after a failed sync nothing is accepted, the reason is told, reads go on, and no sync is asked for again")
    func failedSync() async throws {
        let disk = SimulatedDisk()
        let time = SimulatedTime()
        let (log, _) = try await open(disk, time: time)
        for tag in 0..<10 { _ = try await log.append([(firstLog, try batch(tag))]) }
        let syncs = disk.count(.sync)
        disk.fail(.sync, nth: 1)
        await #expect(throws: LogError.self) { try await log.append([(firstLog, try batch(10))]) }
        disk.heal()
        await #expect(throws: LogError.self) { try await log.append([(firstLog, try batch(11))]) }
        #expect(throws: LogError.self) { try log.createLog(thirdLog) }
        await #expect(throws: LogError.self) { try await log.trim(firstLog, before: 3) }
        guard case .readOnly(let reason) = log.state else {
            Issue.record("the log accepts appends after a failed sync")
            return
        }
        #expect(reason.contains("sync"))
        #expect(try await readAll(log, firstLog).batches.count == 10)
        // What was written may be found after the next start, so time does not settle past it.
        let settled = log.settledTime()
        time.advance(milliseconds: 5_000)
        #expect(log.settledTime() == settled)
        await log.close()
        #expect(disk.count(.sync) == syncs + 1)
    }

    @Test("a full disk refuses appends whole, serves reads, and accepts again by itself when there is space")
    func fullDisk() async throws {
        for seed in seeds(30) {
            let comment: Comment = "MILLRACE_SEED=\(seed)"
            var random = SeededGenerator(seed: seed)
            let ledger = Ledger()
            let disk = SimulatedDisk()
            let options = options(&random)
            let (log, _) = try await open(disk, options)
            for _ in 0..<10 { #expect(try await ledger.append(to: log, &random, logs: logs), comment) }
            disk.quota = disk.usedBytes + Int.random(in: 0...3_000, using: &random)
            var refused = 0
            // A journal file that was written in advance takes some more.
            for _ in 0..<500 where refused < 5 {
                if try await !ledger.append(to: log, &random, logs: logs) { refused += 1 }
            }
            #expect(refused > 0, comment)
            #expect(log.state == .readOnly(reason: "the disk is full"), comment)
            for entry in ledger.acknowledged {
                let read = try await log.read(entry.log, from: entry.baseOffset, maxBytes: 1)
                #expect(read.batches.first.map { plain($0.batch) } == entry.batch, comment)
            }
            if seed % 2 == 0 {
                // A start on the full disk is possible, and serves reads.
                let copy = disk.copy()
                let (other, report) = try await open(copy, options)
                try await ledger.verify(other, report, logs: logs, comment)
                await other.close()
            }
            disk.quota = nil
            // The segment thread may still be in its pause; what it holds up waits, and is not refused for long.
            var accepted = false
            for _ in 0..<100 where !accepted {
                accepted = try await ledger.append(to: log, &random, logs: logs)
                if !accepted { try await Task.sleep(for: .milliseconds(10)) }
            }
            #expect(accepted, comment)
            let next = disk.crash(keeping: .some(seed: seed))
            await log.close()
            let (again, report) = try await open(next, options)
            try await ledger.verify(again, report, logs: logs, comment)
            await again.close()
        }
    }

    @Test("a write that finds the disk full, whichever it is, costs at the most its own append")
    func nthWriteFindsDiskFull() async throws {
        for nth in 1...120 {
            let comment: Comment = "write number \(nth)"
            let ledger = Ledger()
            let disk = SimulatedDisk()
            let (log, _) = try await open(disk, .small)
            disk.fail(.write, nth: nth, with: .noSpace)
            var random = SeededGenerator(seed: UInt64(nth))
            var refused = 0
            for _ in 0..<40 where try await !ledger.append(to: log, &random, logs: logs) { refused += 1 }
            #expect(refused <= 1, comment)
            let next = disk.crash(keeping: .some(seed: UInt64(nth)))
            await log.close()
            let (again, report) = try await open(next, .small)
            try await ledger.verify(again, report, logs: logs, comment)
            await again.close()
        }
    }

    @Test("trim works on a full disk, and so does the removal of a log")
    func makingSpace() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, .small)
        for tag in 0..<60 {
            _ = try await log.append([(firstLog, try batch(tag, bytes: 200)), (secondLog, try batch(tag, bytes: 200))])
        }
        disk.quota = disk.usedBytes
        try await log.trim(firstLog, before: 30)
        let used = disk.usedBytes
        try await log.removeLog(secondLog)
        #expect(disk.usedBytes < used)
        await log.close()
        let (again, report) = try await open(disk, .small, known: [firstLog], removed: [secondLog])
        #expect(report.damages.isEmpty && report.unknownLogs.isEmpty)
        #expect(try again.bounds(firstLog) == (30, 60))
        await again.close()
    }
}
