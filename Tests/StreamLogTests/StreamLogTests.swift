/// The log as those above use it: append, read, bounds, time, retention.

import Foundation
import Host
import HostSimulation
import RecordBatch
import StreamLog
import Testing

@Suite struct StreamLogTests {
    @Test("appended batches are read in order with consecutive offsets")
    func appendAndRead() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk)
        var expected: [RecordBatch] = []
        for tag in 0..<50 {
            let batch = try batch(tag, records: 1 + tag % 3)
            let appended = try await log.append([(firstLog, batch)])
            #expect(appended.map(\.baseOffset) == [Int64(expected.reduce(0) { $0 + $1.recordCount })])
            expected.append(batch)
        }
        let (batches, damaged) = try await readAll(log, firstLog)
        #expect(damaged.isEmpty)
        #expect(batches.map { plain($0.batch) } == expected)
        #expect(try log.bounds(secondLog) == (0, 0))
        let empty = try await log.read(secondLog, from: 0, maxBytes: 100)
        #expect(empty.batches.isEmpty)
        await log.close()
    }

    @Test("a read in the middle of a batch gives the whole batch, and at least one whatever its size")
    func readInside() async throws {
        for options in [LogOptions.journalOnly, .small] {
            let disk = SimulatedDisk()
            var (log, _) = try await open(disk, options)
            for tag in 0..<40 { _ = try await log.append([(firstLog, try batch(tag, records: 5, bytes: 100))]) }
            await log.close()
            log = try await open(disk, options).log
            let read = try await log.read(firstLog, from: 7, maxBytes: 1)
            #expect(read.batches.map(\.baseOffset) == [5])
            #expect(read.highWatermark == 200)
            await #expect(throws: LogError.offsetOutOfRange(firstLog, offset: 201, startOffset: 0, highWatermark: 200)) {
                try await log.read(firstLog, from: 201, maxBytes: 1)
            }
            await #expect(throws: LogError.offsetOutOfRange(firstLog, offset: -1, startOffset: 0, highWatermark: 200)) {
                try await log.read(firstLog, from: -1, maxBytes: 1)
            }
            await #expect(throws: LogError.logNotFound(thirdLog)) { try await log.read(thirdLog, from: 0, maxBytes: 1) }
            await log.close()
        }
    }

    @Test("a closed log opens with everything in segments and nothing to replay, however often")
    func reopen() async throws {
        let disk = SimulatedDisk()
        var expected: [RecordBatch] = []
        for round in 0..<4 {
            let (log, report) = try await open(disk, .small)
            #expect(report.damages.isEmpty && report.notes.isEmpty && report.quarantined.isEmpty, "\(report)")
            #expect(report.replayedFrames <= 1)
            let (before, _) = try await readAll(log, firstLog)
            #expect(before.map { plain($0.batch) } == expected)
            for tag in 0..<60 {
                let batch = try batch(round * 100 + tag, bytes: 150)
                _ = try await log.append([(firstLog, batch), (secondLog, batch)])
                expected.append(batch)
            }
            let (after, _) = try await readAll(log, firstLog)
            #expect(after.map { plain($0.batch) } == expected)
            await log.close()
            #expect(disk.files.keys.filter { $0.hasSuffix(".journal") }.count == 1)
        }
        #expect(disk.files.keys.filter { $0.hasSuffix(".segment") }.count > 10)
    }

    @Test("many concurrent appenders share few syncs, and each sees its own records in order")
    func groupCommit() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, .journalOnly)
        let before = log.statistics().syncCount
        let payload = try batch(7)
        let results = try await withThrowingTaskGroup(of: [LogAppended].self) { group in
            for appender in 0..<400 {
                group.addTask { try await log.append([(appender % 2 == 0 ? firstLog : secondLog, payload)]) }
            }
            var all: [LogAppended] = []
            for try await result in group { all += result }
            return all
        }
        #expect(results.count == 400)
        #expect(try log.bounds(firstLog).highWatermark == 200)
        #expect(try log.bounds(secondLog).highWatermark == 200)
        let statistics = log.statistics()
        #expect(statistics.appendCount == 400)
        #expect(statistics.syncCount - before <= 400)
        #expect(statistics.syncDurationCounts.reduce(0, +) == statistics.syncCount)
        await log.close()
    }

    @Test("arrival times never decrease over the node, lie above settled times, and go on after a restart with the clock set back")
    func arrivals() async throws {
        let disk = SimulatedDisk()
        let time = SimulatedTime()
        var last = Int64.min
        for round in 0..<3 {
            let (log, _) = try await open(disk, .small, time: time)
            for tag in 0..<30 {
                let settled = log.settledTime()
                #expect(settled >= last || tag == 0)
                let appended = try await log.append([(tag % 2 == 0 ? firstLog : secondLog, try batch(tag))])
                #expect(appended[0].arrivalMilliseconds > settled)
                #expect(appended[0].arrivalMilliseconds >= last)
                last = appended[0].arrivalMilliseconds
                time.advance(milliseconds: tag % 4 == 0 ? 3 : 0)
                if tag == 20 { time.jump(toWall: time.wallMilliseconds() - 3_600_000) }
                if tag == 25, round == 1 { time.jump(toWall: time.wallMilliseconds() + 7_200_000) }
                let now = log.settledTime()
                #expect(now >= settled)
                time.advance(milliseconds: 2)
                #expect(log.settledTime() >= appended[0].arrivalMilliseconds)
                last = max(last, now)
            }
            await log.close()
        }
    }

    @Test("awaiting records returns when they come, when they are there, at the timeout, and at the end")
    func awaitRecords() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk)
        async let woken = log.awaitRecords([firstLog: 0, secondLog: 0], timeout: .seconds(60))
        _ = try await log.append([(secondLog, try batch(1))])
        #expect(await woken)
        #expect(await log.awaitRecords([secondLog: 0], timeout: .seconds(60)))
        #expect(await log.awaitRecords([firstLog: 0], timeout: .milliseconds(1)) == false)
        let cancelled = Task { await log.awaitRecords([firstLog: 0], timeout: .seconds(60)) }
        cancelled.cancel()
        #expect(await cancelled.value == false)
        async let ended = log.awaitRecords([firstLog: 0], timeout: .seconds(60))
        await log.close()
        #expect(await ended == false)
        await #expect(throws: LogError.closed) { try await log.append([(firstLog, try batch(1))]) }
    }

    @Test("waits with many timeouts end each at its own time, not before, beside one that lasts")
    func awaitRecordsTimeouts() async throws {
        let (log, _) = try await open(SimulatedDisk())
        async let lasting = log.awaitRecords([firstLog: 0], timeout: .seconds(60))
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Longer ones first, and shorter ones again and again while they wait.
            for timeout in [90, 60, 30, 1, 2, 45, 15, 0, -5] {
                group.addTask {
                    for _ in 0..<(timeout < 10 ? 20 : 1) {
                        let start = ContinuousClock.now
                        #expect(await log.awaitRecords([firstLog: 0, secondLog: 0], timeout: .milliseconds(timeout)) == false)
                        #expect(ContinuousClock.now - start >= .milliseconds(timeout))
                    }
                }
            }
            try await group.waitForAll()
        }
        _ = try await log.append([(firstLog, try batch(1))])
        #expect(await lasting)
        await log.close()
    }

    @Test("trim moves the start durably, drops whole segments, and bounds the reads")
    func trim() async throws {
        let disk = SimulatedDisk()
        var (log, _) = try await open(disk, .small)
        for tag in 0..<200 { _ = try await log.append([(firstLog, try batch(tag, bytes: 100))]) }
        await log.close()
        log = try await open(disk, .small).log
        let segments = disk.files.keys.filter { $0.hasSuffix(".segment") }.count
        try await log.trim(firstLog, before: 120)
        #expect(disk.files.keys.filter { $0.hasSuffix(".segment") }.count < segments)
        #expect(try log.bounds(firstLog) == (120, 200))
        await #expect(throws: LogError.self) { try await log.read(firstLog, from: 119, maxBytes: 1) }
        await #expect(throws: LogError.self) { try await log.trim(firstLog, before: 201) }
        let restarted = disk.crash(keeping: .nothing)
        await log.close()
        var (again, report) = try await open(restarted, .small)
        #expect(report.damages.isEmpty, "\(report)")
        #expect(try again.bounds(firstLog) == (120, 200))
        #expect(try await readAll(again, firstLog).batches.map(\.baseOffset) == Array(120..<200))
        try await again.trim(firstLog, before: 200)
        #expect(disk.files.keys.filter { $0.hasPrefix("logs/1/0") && $0.hasSuffix(".segment") }.count > 0)
        let last = try await again.append([(firstLog, try batch(1))])
        #expect(last[0].baseOffset == 200)
        await again.close()
        (again, report) = try await open(restarted, .small)
        #expect(try again.bounds(firstLog) == (200, 201))
        #expect(report.damages.isEmpty)
        await again.close()
    }

    @Test("retention and look-up by time find the first record that arrived late enough, in memory and in segments")
    func times() async throws {
        for closeBetween in [false, true] {
            let disk = SimulatedDisk()
            let time = SimulatedTime()
            let start = time.wallMilliseconds()
            var (log, _) = try await open(disk, .small, time: time)
            for tag in 0..<100 {
                _ = try await log.append([(firstLog, try batch(tag, bytes: 100))])
                time.advance(milliseconds: 1_000)
            }
            if closeBetween {
                await log.close()
                log = try await open(disk, .small, time: time).log
            }
            for (milliseconds, offset) in [
                (-5, 0), (0, 0), (1, 1), (1_000, 1), (49_500, 50), (50_000, 50), (99_000, 99), (99_001, 100),
            ] {
                #expect(try await log.firstOffset(firstLog, arrivedAtOrAfter: start + Int64(milliseconds)) == offset)
            }
            try await log.applyRetention(firstLog, arrivedBefore: start + 42_000)
            #expect(try log.bounds(firstLog) == (42, 100))
            #expect(try await log.firstOffset(firstLog, arrivedAtOrAfter: start) == 42)
            await log.close()
        }
    }

    @Test("a log is created and removed durably, and its name is not given twice")
    func createAndRemove() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, .small, known: [firstLog])
        try log.createLog(thirdLog)
        for tag in 0..<50 { _ = try await log.append([(firstLog, try batch(tag)), (thirdLog, try batch(tag, bytes: 200))]) }
        let afterCrash = disk.crash(keeping: .nothing)
        await log.close()
        let (second, report) = try await open(afterCrash, .small, known: [firstLog, thirdLog])
        #expect(report.damages.isEmpty)
        #expect(try second.bounds(thirdLog) == (0, 50))
        try await second.removeLog(thirdLog)
        await #expect(throws: LogError.logNotFound(thirdLog)) { try await second.append([(thirdLog, try batch(1))]) }
        await #expect(throws: LogError.logNotFound(thirdLog)) { try await second.removeLog(thirdLog) }
        #expect(throws: LogError.self) { try second.createLog(thirdLog) }
        let again = afterCrash.crash(keeping: .nothing)
        await second.close()
        // Even if the caller still believes in it: the journal knows better.
        let (third, _) = try await open(again, .small, known: [firstLog, thirdLog])
        #expect(throws: LogError.logNotFound(thirdLog)) { try third.bounds(thirdLog) }
        #expect(try third.bounds(firstLog) == (0, 50))
        #expect(again.files.keys.filter { $0.hasPrefix("logs/2/") }.isEmpty)
        await third.close()
    }

    @Test("appends wait for the segment thread when memory is used up, and are refused when too many wait")
    func bounds() async throws {
        var options = LogOptions.small
        options.maxUnflushedBytes = 5_000
        options.maxPendingBytes = 4_000
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, options)
        let payload = try batch(3, bytes: 500)
        let overloaded = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<300 {
                group.addTask {
                    do {
                        _ = try await log.append([(firstLog, payload)])
                        return false
                    } catch LogError.overloaded {
                        return true
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(try log.bounds(firstLog).highWatermark == Int64(300 - overloaded))
        #expect(log.statistics().pendingBytes == 0)
        await log.close()
        #expect(log.statistics().unflushedBytes == 0)
    }

    @Test("on the real disk what was appended is read again after a restart")
    func realDisk() async throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-log-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: root) }
        for round in 0..<3 {
            let disk = try RealDisk(root: root)
            let (log, report) = try await StreamLog.open(
                disk: disk, time: SystemTime(), options: .small, knownLogs: [firstLog, secondLog],
                removedLogs: [])
            #expect(report.damages.isEmpty && report.notes.isEmpty && report.quarantined.isEmpty, "\(report)")
            let payload = try batch(round, records: 2, bytes: 100)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<50 { group.addTask { _ = try await log.append([(firstLog, payload), (secondLog, payload)]) } }
                try await group.waitForAll()
            }
            var offset: Int64 = 0
            while offset < Int64(round + 1) * 100 {
                let read = try await log.read(firstLog, from: offset, maxBytes: 2_000)
                for batch in read.batches {
                    #expect(batch.baseOffset == offset)
                    #expect(plain(batch.batch) == (try StreamLogTests.payload(offset)))
                    offset = batch.endOffset
                }
            }
            if round != 1 { try await log.trim(secondLog, before: Int64(round + 1) * 70) }
            await log.close()
            disk.close()
        }
    }

    /// What `realDisk` appended at an offset of the first log.
    private static func payload(_ offset: Int64) throws -> RecordBatch { try batch(Int(offset / 100), records: 2, bytes: 100) }
}
