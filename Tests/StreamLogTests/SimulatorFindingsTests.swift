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

    @Test("a start offset whose first writes ended early, or came to the disk in part, is made anew and is no finding")
    func halfWrittenStart() async throws {
        let fresh = SimulatedDisk()
        let (made, _) = try await open(fresh)
        _ = try await made.append([(firstLog, try batch(0))])
        await made.close()
        let path = "logs/\(firstLog)/start"
        let whole = try #require(fresh.files[path])
        let zeros = [UInt8](repeating: 0, count: whole.count)
        for (slot, written) in [0, 4_096].flatMap({ slot in (0..<28).map { (slot, $0) } }) {
            let disk = SimulatedDisk()
            let (log, _) = try await open(disk)
            await log.close()
            var torn = zeros
            torn.replaceSubrange(slot..<slot + written, with: whole[slot..<slot + written])
            disk.set(path, to: torn)
            let (again, report) = try await open(disk)
            #expect(report.quarantined.isEmpty, "\(written) bytes of the slot at \(slot)")
            #expect(try again.bounds(firstLog) == (0, 0))
            await again.close()
        }
        // What was whole once is damage.
        let disk = fresh.copy()
        var damaged = whole
        damaged[20] ^= 1
        damaged[4_116] ^= 1
        disk.set(path, to: damaged)
        let (again, report) = try await open(disk)
        #expect(report.quarantined == [path])
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

    @Test(
        "a segment that was only begun, and trimmed past since, is no finding when the journal tells nothing but where the log ends"
    )
    func begunAndTrimmed() async throws {
        var options = LogOptions.journalOnly
        options.segmentBytes = 1
        let disk = SimulatedDisk()
        for tag in 0..<2 {
            let (log, _) = try await open(disk, options)
            _ = try await log.append([(firstLog, try batch(tag, records: 3))])
            await log.close()
        }
        let path = "logs/\(firstLog)/00000000000000000003.segment"
        let segment = try #require(disk.files[path])
        let (log, _) = try await open(disk, options)
        try await log.trim(firstLog, before: 6)
        await log.close()
        // A header and a part of the first frame, as a full disk leaves a flush that is done again elsewhere.
        disk.set(path, to: Array(segment.prefix(60)))
        let (again, report) = try await open(disk, options)
        #expect(report.quarantined.isEmpty && report.damages.isEmpty)
        #expect(try again.bounds(firstLog) == (6, 6))
        #expect(disk.files[path] == nil)
        await again.close()
    }

    @Test("a segment that was only begun, and that may have held the log's newest records, is kept in quarantine")
    func begunAtTheEnd() async throws {
        var options = LogOptions.journalOnly
        options.segmentBytes = 1
        let disk = SimulatedDisk()
        for tag in 0..<2 {
            let (log, _) = try await open(disk, options)
            _ = try await log.append([(firstLog, try batch(tag, records: 3))])
            await log.close()
        }
        let path = "logs/\(firstLog)/00000000000000000003.segment"
        disk.set(path, to: Array(try #require(disk.files[path]).prefix(60)))
        let (again, report) = try await open(disk, options)
        #expect(report.quarantined == [path])
        #expect(report.damages == [.init(log: firstLog, from: 3, through: 5)])
        await again.close()
    }
}
