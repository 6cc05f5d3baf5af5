/// Snapshots: what was acknowledged up to one moment, read while the log goes on, opens as a store that holds exactly that.

import Host
import HostSimulation
import RecordBatch
import StreamLog
import Synchronization
import Testing

@Suite struct SnapshotTests {
    /// What was acknowledged, by log, from offset 0 on.
    private final class Ledger: Sendable {
        struct State {
            var batches: [LogID: [RecordBatch]] = [:]
            var starts: [LogID: Int64] = [:]
        }
        let state = Mutex(State())

        func end(_ log: LogID) -> Int64 {
            state.withLock { $0.batches[log, default: []].reduce(0) { $0 + Int64($1.recordCount) } }
        }
    }

    /// A server without threads: appends to one or both logs, whole or not at all, flushes, trims.
    private final class Server: @unchecked Sendable {
        let log: StreamLog<HookedDisk>
        let ledger = Ledger()
        private var random: SeededGenerator
        private var tag = 0
        private var isActing = false

        init(_ log: StreamLog<HookedDisk>, seed: UInt64) {
            self.log = log
            random = SeededGenerator(seed: seed)
        }

        func act() {
            if isActing { return }
            isActing = true
            defer { isActing = false }
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<5: append()
            case 5..<9: _ = log.stepJournal()
            case 9, 10: _ = log.stepSegments()
            default:
                guard let bounds = try? log.bounds(firstLog), Int.random(in: 0..<3, using: &random) == 0 else { return }
                let start = Int64.random(in: bounds.startOffset...bounds.highWatermark, using: &random)
                log.submitTrim(firstLog, before: start) { [ledger] result in
                    if case .success = result { ledger.state.withLock { $0.starts[firstLog] = start } }
                }
            }
        }

        private func append() {
            tag += 1
            let logs =
                [[firstLog], [secondLog], [firstLog, secondLog], [secondLog, firstLog, secondLog]].randomElement(using: &random)
                ?? []
            guard let batch = try? batch(tag, records: 1 + tag % 3, bytes: Int.random(in: 20...300, using: &random)) else { return }
            log.submit(LogAppend(logs.map { ($0, batch) }), at: nil) { [ledger] result in
                guard case .success = result else { return }
                ledger.state.withLock { state in for log in logs { state.batches[log, default: []].append(batch) } }
            }
        }
    }

    private func stepped(_ disk: SimulatedDisk, _ options: LogOptions, hook: @escaping @Sendable () -> Void) throws -> StreamLog<
        HookedDisk
    > {
        try StreamLog<HookedDisk>.openStepped(
            disk: HookedDisk(disk, hook), time: SimulatedTime(), options: options, knownLogs: [firstLog, secondLog], removedLogs: []
        ).log
    }

    /// Reads a snapshot to its end onto a new disk.
    private func restore<D: Disk>(_ snapshot: LogSnapshot<D>, between: () -> Void = {}) throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        var files = SnapshotFiles(snapshot)
        var current: (path: String, bytes: UInt64, content: [UInt8])?
        func put() {
            guard let current else { return }
            #expect(UInt64(current.content.count) == current.bytes, "\(current.path)")
            disk.set(current.path, to: current.content)
        }
        while let piece = try files.next() {
            switch piece {
            case .file(let path, let bytes):
                put()
                #expect(disk.files[path] == nil)
                current = (path, bytes, [])
            case .data(let data): current?.content += data
            }
            between()
        }
        put()
        files.close()
        return disk
    }

    @Test("a snapshot read while the log goes on holds exactly what was acknowledged before it, appends over several logs whole")
    func whileWriting() async throws {
        for seed in seeds(80) {
            let disk = SimulatedDisk()
            let hook = Mutex<(@Sendable () -> Void)?>(nil)
            let log = try stepped(disk, .small) { hook.withLock { $0 }?() }
            let server = Server(log, seed: seed)
            hook.withLock { $0 = { server.act() } }
            for _ in 0..<Int(50 + seed * 5) { server.act() }

            let snapshot = log.snapshot()
            let expected = server.ledger.state.withLock { $0 }
            let bounds = try [firstLog, secondLog].map { try log.bounds($0) }
            let copy = try restore(snapshot) { for _ in 0..<20 { server.act() } }
            snapshot.release()

            let (findings, _) = try verify(copy)
            #expect(findings.isEmpty, "seed \(seed): \(findings)")
            let (again, report) = try await open(copy, .small)
            #expect(
                report.damages.isEmpty && report.notes.isEmpty && report.quarantined.isEmpty && report.unknownLogs.isEmpty,
                "seed \(seed): \(report)")
            for (index, id) in [firstLog, secondLog].enumerated() {
                #expect(try again.bounds(id) == bounds[index], "seed \(seed)")
                let (found, damaged) = try await readAll(again, id)
                #expect(damaged.isEmpty)
                let all = expected.batches[id] ?? []
                #expect(found.map { plain($0.batch) } == Array(all.suffix(found.count)), "seed \(seed)")
                #expect(all.reduce(0) { $0 + Int64($1.recordCount) } == bounds[index].highWatermark, "seed \(seed)")
            }
            // And it goes on from there.
            let next = try await again.append([(firstLog, try batch(1)), (secondLog, try batch(1))])
            #expect(next.map(\.baseOffset) == bounds.map(\.highWatermark))
            await again.close()
            #expect(try verify(copy).findings.isEmpty, "seed \(seed)")
            hook.withLock { $0 = nil }
        }
    }

    @Test("arrival times go on above those of the snapshot")
    func arrivals() async throws {
        let disk = SimulatedDisk()
        let time = SimulatedTime()
        let (log, _) = try await open(disk, time: time)
        time.advance(milliseconds: 5_000_000)
        let last = try #require(try await log.append([(firstLog, try batch(1))]).first)
        let snapshot = log.snapshot()
        let copy = try restore(snapshot)
        snapshot.release()
        await log.close()
        let (again, _) = try await open(copy)
        let next = try #require(try await again.append([(firstLog, try batch(2))]).first)
        #expect(next.arrivalMilliseconds > last.arrivalMilliseconds)
        await again.close()
    }

    @Test("a log without records gives a snapshot that opens, and so does one that was trimmed to its end")
    func empty() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk)
        let first = log.snapshot()
        #expect(first.records == 0)
        let copy = try restore(first)
        first.release()
        #expect(copy.files.keys.allSatisfy { $0.hasPrefix("journal/") })
        for tag in 0..<5 { _ = try await log.append([(firstLog, try batch(tag))]) }
        try await log.trim(firstLog, before: 5)
        let second = log.snapshot()
        let trimmed = try restore(second)
        second.release()
        await log.close()
        for (copy, end) in [(copy, Int64(0)), (trimmed, 5)] {
            let (again, report) = try await open(copy)
            #expect(report.damages.isEmpty && report.notes.isEmpty && report.quarantined.isEmpty)
            #expect(try again.bounds(firstLog) == (end, end))
            await again.close()
        }
    }

    @Test("files that are trimmed or removed stay until the last snapshot is released, and go then")
    func keptFiles() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try SimulatedLog.openStepped(
            disk: disk, time: SimulatedTime(), options: .small, knownLogs: [firstLog, secondLog], removedLogs: [])
        for tag in 0..<60 {
            _ = try await log.append([(firstLog, try batch(tag, bytes: 150)), (secondLog, try batch(tag, bytes: 150))])
            while log.stepJournal() || log.stepSegments() {}
        }
        func segments(_ shard: Int) -> Int {
            disk.files.keys.count { $0.hasPrefix("logs/1/\(shard)/") && $0.hasSuffix(".segment") }
        }
        let before = (segments(0), segments(1))
        #expect(before.0 > 2 && before.1 > 2)
        let snapshots = [log.snapshot(), log.snapshot()]
        try await log.trim(firstLog, before: 60)
        #expect(try await log.removeLog(secondLog) == false)
        #expect(try log.bounds(firstLog) == (60, 60))
        #expect((segments(0), segments(1)) == before)
        let crashed = disk.copy()
        snapshots[0].release()
        snapshots[0].release()
        while log.stepSegments() {}
        #expect((segments(0), segments(1)) == before)
        let copy = try restore(snapshots[1])
        snapshots[1].release()
        while log.stepSegments() {}
        #expect((segments(0), segments(1)) == (0, 0))
        #expect(!disk.files.keys.contains { $0.hasPrefix("logs/1/1/") })
        await log.close()

        let (again, report) = try await open(copy, .small)
        #expect(report.damages.isEmpty)
        #expect(try again.bounds(firstLog) == (0, 60) && again.bounds(secondLog) == (0, 60))
        await again.close()
        // A process that ends meanwhile leaves them to the next start, which is told of the removal.
        let (next, nextReport) = try await open(crashed, .small, known: [firstLog], removed: [secondLog])
        #expect(nextReport.damages.isEmpty && nextReport.unknownLogs.isEmpty && nextReport.quarantined.isEmpty)
        #expect(!crashed.files.keys.contains { $0.hasPrefix("logs/1/1/") })
        await next.close()
    }

    @Test("a segment that cannot be read, or has become shorter, ends the copy with an error")
    func unreadable() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, .small)
        for tag in 0..<60 { _ = try await log.append([(firstLog, try batch(tag, bytes: 150))]) }
        await log.close()
        let (again, _) = try await open(disk, .small)
        let path = try #require(disk.files.keys.filter { $0.hasSuffix(".segment") }.sorted().first)
        let bytes = try #require(disk.files[path])
        for content in [nil, Array(bytes.dropLast(10))] {
            disk.set(path, to: content)
            let snapshot = again.snapshot()
            #expect(throws: DiskError.self) { try restore(snapshot) }
            snapshot.release()
        }
        await again.close()
    }
}
