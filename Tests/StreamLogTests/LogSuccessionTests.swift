/// Logs that end and begin in one step: ordered with the appends, durable, repeated in every journal file.

import Host
import HostSimulation
import RecordBatch
import StreamLog
import Testing

@Suite struct LogSuccessionTests {
    private let child = LogID(stream: 1, shard: 2)
    private let other = LogID(stream: 1, shard: 3)

    private func opened(
        _ disk: SimulatedDisk, _ options: LogOptions = .journalOnly, extents: [LogID: LogExtent] = [:]
    ) async throws -> (log: SimulatedLog, report: RecoveryReport) {
        try await SimulatedLog.open(
            disk: disk, time: SimulatedTime(), options: options, knownLogs: [firstLog, secondLog, child, other], removedLogs: [],
            extents: extents)
    }

    private var split: LogSuccession {
        LogSuccession(ending: [firstLog], beginning: [.init(child, continuing: firstLog), .init(other)])
    }

    @Test("in one group, what was handed in before the end commits, and what comes after it is refused")
    func order() async throws {
        let (log, _) = try SimulatedLog.openStepped(
            disk: SimulatedDisk(), time: SimulatedTime(), options: .journalOnly, knownLogs: [firstLog, secondLog], removedLogs: [])
        let results = Results()
        log.submit(LogAppend([(firstLog, try batch(0, records: 2))]), at: nil) { results.add("before", $0) }
        log.submit(split) { results.add("end", $0) }
        log.submit(LogAppend([(secondLog, try batch(1)), (firstLog, try batch(2))]), at: nil) { results.add("after", $0) }
        log.submit(LogAppend([(secondLog, try batch(3))]), at: nil) { results.add("elsewhere", $0) }
        log.submit(LogSuccession(ending: [firstLog])) { results.add("again", $0) }
        while log.stepJournal() {}
        #expect(
            results.all == [
                "before: [0]", "end: [2]", "after: ended(1/0)", "elsewhere: [0]", "again: ended(1/0)",
            ])
        #expect(try log.bounds(child) == (2, 2))
        #expect(try log.bounds(other) == (0, 0))
        #expect(try log.end(firstLog)?.offset == 2)
        #expect(try log.end(child) == nil)
        let late = Results()
        log.submit(LogAppend([(firstLog, try batch(4))]), at: nil) { late.add("late", $0) }
        #expect(late.all == ["late: ended(1/0)"])
    }

    @Test("an end that does not become durable ends nothing: what came after it fails as the group does")
    func refusedEnd() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try SimulatedLog.openStepped(
            disk: disk, time: SimulatedTime(), options: .journalOnly, knownLogs: [firstLog, secondLog], removedLogs: [])
        let results = Results()
        disk.fail(.write, nth: 1, with: .noSpace)
        log.submit(split) { results.add("end", $0) }
        log.submit(LogAppend([(firstLog, try batch(1))]), at: nil) { results.add("after", $0) }
        while log.stepJournal() {}
        let full = LogError.readOnly(reason: "the disk is full")
        #expect(results.all == ["end: \(full)", "after: \(full)"])
        log.submit(LogAppend([(firstLog, try batch(2))]), at: nil) { results.add("then", $0) }
        while log.stepJournal() {}
        #expect(results.all.last == "then: [0]")
        #expect(try log.end(firstLog) == nil)
    }

    @Test(
        "ends and beginnings are there after a crash, however often the journal has rolled since, and with nothing but names to go by"
    )
    func crashes() async throws {
        for options in [LogOptions.journalOnly, .small] {
            var disk = SimulatedDisk()
            var (log, _) = try await opened(disk, options)
            for tag in 0..<5 { _ = try await log.append([(firstLog, try batch(tag))]) }
            let end = try await log.succeed(split)[0]
            #expect(end.offset == 5)
            for round in 0..<4 {
                disk = disk.crash(keeping: .nothing)
                await log.close()
                let report: RecoveryReport
                (log, report) = try await opened(disk, options)
                #expect(report.damages.isEmpty && report.notes.isEmpty && report.quarantined.isEmpty, "\(report)")
                #expect(try log.end(firstLog) == end)
                #expect(try log.bounds(child).startOffset == 5)
                await #expect(throws: LogError.ended(firstLog)) { _ = try await log.append([(firstLog, try batch(9))]) }
                // Enough that journal files are rolled and dropped; the child has records from the second round on.
                for tag in 0..<300 { _ = try await log.append([(secondLog, try batch(tag, bytes: 400))]) }
                if round > 0 { #expect(try await log.append([(child, try batch(round))]).map(\.baseOffset) == [4 + Int64(round)]) }
            }
            await log.close()
            (log, _) = try await opened(disk.copy(), options)
            #expect(try await readAll(log, child).damaged.isEmpty)
            await log.close()
        }
    }

    @Test("what a lost journal had of the end of a log is named, where its end is known")
    func lostEnd() async throws {
        let disk = SimulatedDisk()
        var (log, _) = try await opened(disk)
        _ = try await log.append([(firstLog, try batch(0, records: 3))])
        let end = try await log.succeed(split)[0]
        let next = disk.crash(keeping: .nothing).copy()
        await log.close()
        for name in next.files.keys where name.hasSuffix(".journal") { next.set(name, to: nil) }
        let report: RecoveryReport
        (log, report) = try await opened(
            next,
            extents: [
                firstLog: LogExtent(endOffset: 3, endMilliseconds: end.arrivalMilliseconds), child: LogExtent(startOffset: 3),
            ])
        #expect(report.damages == [.init(log: firstLog, from: 0, through: 2)])
        #expect(try log.end(firstLog)?.offset == 3)
        #expect(try log.bounds(child) == (3, 3))
        await #expect(throws: LogError.ended(firstLog)) { _ = try await log.append([(firstLog, try batch(9))]) }
        await log.close()
    }

    @Test("a hole before a known end counts for the file that takes the place of one that was cut to nothing")
    func holeInReplacedFile() async throws {
        var options = LogOptions.journalOnly
        options.journalFileBytes = 8_192
        options.spareJournalFiles = 0
        func stepped(_ disk: SimulatedDisk, _ extents: [LogID: LogExtent]) throws -> (log: SimulatedLog, report: RecoveryReport) {
            try SimulatedLog.openStepped(
                disk: disk, time: SimulatedTime(), options: options, knownLogs: [firstLog, secondLog], removedLogs: [],
                extents: extents)
        }
        var disk = SimulatedDisk()
        var (log, report) = try stepped(disk, [:])
        _ = try await log.append([(firstLog, try batch(0, records: 3))])
        disk = disk.crash(keeping: .everything)
        _ = try stepped(disk, [:])
        disk = disk.crash(keeping: .everything).copy()
        // What ended the log was in the file that is cut.
        let newest = try #require(disk.files.keys.filter { $0.hasSuffix(".journal") }.max())
        disk.set(newest, to: Array(try #require(disk.files[newest]).prefix(100)))
        let extents = [firstLog: LogExtent(endOffset: 5, endMilliseconds: 1_700_000_000_000)]
        (log, report) = try stepped(disk, extents)
        #expect(report.damages == [.init(log: firstLog, from: 3, through: 4)])
        for tag in 1..<4 { _ = try await log.append([(secondLog, try batch(tag))]) }
        try await log.trim(firstLog, before: 5)
        while log.stepSegments() {}
        disk = disk.crash(keeping: .everything)
        (log, report) = try stepped(disk, extents)
        #expect(report.damages.isEmpty)
        #expect(try await readAll(log, secondLog).batches.count == 3)
    }

    @Test("whoever waits for records is woken by the end, and nobody waits for a log that has ended")
    func waiters() async throws {
        let (log, _) = try await opened(SimulatedDisk())
        async let woken = log.awaitRecords([firstLog: 0, secondLog: 0], timeout: .seconds(60))
        try await log.succeed(split)
        #expect(await woken)
        #expect(await log.awaitRecords([firstLog: 0], timeout: .seconds(60)))
        #expect(await log.awaitRecords([child: 0], timeout: .milliseconds(1)) == false)
        await log.close()
    }

    @Test("a beginning needs a new name, and goes on only with a log that ends in the same step")
    func refusals() async throws {
        let (log, _) = try await opened(SimulatedDisk())
        _ = try await log.append([(secondLog, try batch(0))])
        for wrong in [
            LogSuccession(ending: [firstLog], beginning: [.init(secondLog)]),
            LogSuccession(ending: [firstLog], beginning: [.init(child, continuing: secondLog)]),
        ] {
            await #expect(throws: LogError.self) { try await log.succeed(wrong) }
        }
        await #expect(throws: LogError.logNotFound(thirdLog)) { try await log.succeed(LogSuccession(ending: [thirdLog])) }
        #expect(try log.end(firstLog) == nil)
        await log.close()
    }
}

/// Answers in the order in which they come.
private final class Results: @unchecked Sendable {
    private(set) var all: [String] = []

    func add(_ name: String, _ result: Result<[LogAppended], LogError>) {
        switch result {
        case .success(let places): all.append("\(name): \(places.map(\.baseOffset))")
        case .failure(let error): all.append("\(name): \(error)")
        }
    }
}
