/// What the simulator has found in the log, each in its smallest form.

import Host
import HostSimulation
import RecordBatch
import StreamLog
import Testing

@Suite struct SimulatorFindingsTests {
    @Test("a trim into a batch that only the journal holds keeps the batch for the offsets behind it")
    func trimIntoBatch() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk)
        let appended = try batch(1, records: 4)
        _ = try await log.append([(firstLog, appended)])
        try await log.trim(firstLog, before: 2)
        let next = disk.crash(keeping: .nothing)
        await log.close()
        let (again, report) = try await open(next)
        #expect(report.damages.isEmpty)
        let read = try await again.read(firstLog, from: 2, maxBytes: 1_000)
        #expect(read.startOffset == 2 && read.batches.map { plain($0.batch) } == [appended])
        await again.close()
    }

    @Test("a journal file that cannot be begun on a full disk does not spoil the one that goes on")
    func fullDiskAtNewFile() async throws {
        let options = LogOptions.smallJournalFiles
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, options)
        disk.fail(.write, nth: 1, with: .noSpace)
        _ = try await log.append([(firstLog, try batch(1))])
        let next = disk.crash(keeping: .nothing)
        await log.close()
        let (again, _) = try await open(next, options)
        #expect(try await readAll(again, firstLog).batches.count == 1)
        await again.close()
    }

    @Test("journal files that have changed places are read as what they hold")
    func movedJournalFiles() async throws {
        let options = LogOptions.smallJournalFiles
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk, options)
        for tag in 0..<4 { _ = try await log.append([(firstLog, try batch(tag))]) }
        let next = disk.crash(keeping: .everything).copy()
        await log.close()
        let journals = next.files.keys.filter { $0.hasSuffix(".journal") }.sorted()
        try #require(journals.count >= 3)
        next.swap(journals[0], journals[2])
        let (again, report) = try await open(next, options)
        #expect(report.damages.isEmpty && !report.notes.isEmpty)
        #expect(try await readAll(again, firstLog).batches.count == 4)
        await again.close()
    }

    @Test("the start offset of another log is not believed")
    func swappedStarts() async throws {
        let disk = SimulatedDisk()
        let (log, _) = try await open(disk)
        for tag in 0..<6 { _ = try await log.append([(firstLog, try batch(tag)), (secondLog, try batch(tag))]) }
        try await log.trim(firstLog, before: 5)
        try await log.trim(secondLog, before: 1)
        await log.close()
        disk.swap("logs/\(firstLog)/start", "logs/\(secondLog)/start")
        let (again, report) = try await open(disk)
        #expect(report.quarantined.count == 2)
        #expect(try again.bounds(secondLog).startOffset <= 1)
        await again.close()
    }
}
