/// Appends that are handed in without waiting: their order, where they are answered, and what they may be held to.

import Host
import HostSimulation
import RecordBatch
import StreamLog
import Synchronization
import Testing

/// A thread that works off what it is given, as an event loop does; several places can be of one thread.
private final class Loop: Sendable {
    private let work = Monitor<[@Sendable () -> Void]>([])
    private let isEnded = Mutex(false)

    init() {
        _ = IOThread(name: "loop") { [self] in
            while !isEnded.withLock({ $0 }) {
                let due = work.wait { work in
                    if work.isEmpty { return nil as [@Sendable () -> Void]? }
                    defer { work = [] }
                    return work
                }
                for one in due { one() }
            }
        }
    }

    func add(_ one: @escaping @Sendable () -> Void) { work.withLockAndWake { $0.append(one) } }
    func end() { add { [self] in isEnded.withLock { $0 = true } } }
}

private final class Place: AnswerPlace {
    let loop: Loop
    let wakes = Mutex(0)
    init(_ loop: Loop) { self.loop = loop }
    func run(_ work: @escaping @Sendable () -> Void) {
        wakes.withLock { $0 += 1 }
        loop.add(work)
    }
}

/// Work is kept until the test runs it.
private final class Desk: AnswerPlace {
    let work = Mutex<[@Sendable () -> Void]>([])
    let mayCommit: Bool
    init(mayCommit: Bool = false) { self.mayCommit = mayCommit }
    func run(_ work: @escaping @Sendable () -> Void) { self.work.withLock { $0.append(work) } }
}

private func produced(_ tag: Int, id: Int64 = 7, epoch: Int16 = 0, sequence: Int32, records: Int = 1) throws -> RecordBatch {
    var builder = RecordBatchBuilder(baseTimestamp: 0)
    builder.producer = ProducerStamp(id: id, epoch: epoch, baseSequence: sequence)
    for _ in 0..<records { try builder.append(key: nil, value: [UInt8(truncatingIfNeeded: tag)], timestamp: 0) }
    return try builder.finish()
}

@Suite struct SubmitTests {
    @Test("appends from several places are in the log in the order of the calls, and each place is told in that order")
    func order() async throws {
        let (log, _) = try await open(SimulatedDisk())
        let loop = Loop()
        let places = [Place(loop), Place(loop)]
        let offsets = Mutex<[Int64]>([])
        let count = 200
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            loop.add {
                for number in 0..<count {
                    let batch = try? batch(number)
                    log.submit(LogAppend([(firstLog, batch!)]), at: places[number % 2]) { result in
                        let all = offsets.withLock { offsets in
                            offsets.append((try? result.get().first?.baseOffset) ?? -1)
                            return offsets.count == count
                        }
                        if all { done.resume() }
                    }
                }
            }
        }
        let told = offsets.withLock { $0 }
        #expect(told.sorted() == (0..<Int64(count)).map { $0 })
        #expect(told.filter { $0 % 2 == 0 } == stride(from: 0, to: Int64(count), by: 2).map { $0 })
        // Some two hundred appends were at most so many commits, of which each wakes a place once.
        #expect(places.allSatisfy { $0.wakes.withLock { $0 } <= log.statistics().syncCount })
        loop.end()
        await log.close()
    }

    @Test("a commit wakes a place once, and answers nobody before it is durable")
    func grouping() throws {
        let disk = SimulatedDisk()
        let (log, _) = try StreamLog.openStepped(
            disk: disk, time: SimulatedTime(), options: .journalOnly, knownLogs: [firstLog, secondLog], removedLogs: [])
        let (one, two) = (Desk(), Desk())
        let answers = Mutex<[Int]>([])
        for number in 0..<6 {
            log.submit(LogAppend([(firstLog, try batch(number))]), at: number % 3 == 0 ? one : two) { _ in
                answers.withLock { $0.append(number) }
            }
        }
        #expect(one.work.withLock { $0.isEmpty } && two.work.withLock { $0.isEmpty })
        #expect(log.stepJournal())
        #expect(one.work.withLock { $0.count } == 1 && two.work.withLock { $0.count } == 1)
        #expect(answers.withLock { $0 } == [])
        for work in two.work.withLock({ $0 }) + one.work.withLock({ $0 }) { work() }
        #expect(answers.withLock { $0 } == [1, 2, 4, 5, 0, 3])
    }

    @Test("a place that lends its thread commits what it hands in, but neither for others nor much")
    func lending() throws {
        let (log, _) = try StreamLog.openStepped(
            disk: SimulatedDisk(), time: SimulatedTime(), options: .journalOnly, knownLogs: [firstLog], removedLogs: [])
        let (lender, other) = (Desk(mayCommit: true), Desk())
        func submit(_ bytes: Int, at place: Desk) throws {
            var builder = RecordBatchBuilder(baseTimestamp: 0)
            try builder.append(key: nil, value: [UInt8](repeating: 1, count: bytes), timestamp: 0)
            log.submit(LogAppend([(firstLog, try builder.finish())]), at: place) { _ in }
        }
        // How long the disk takes is not known before the first sync.
        try submit(10, at: lender)
        #expect(try log.bounds(firstLog).highWatermark == 0)
        #expect(log.stepJournal())
        try submit(10, at: lender)
        #expect(lender.work.withLock { $0.count } == 2)
        #expect(try log.bounds(firstLog).highWatermark == 2)
        #expect(!log.stepJournal())
        try submit(1 << 20, at: lender)
        #expect(try log.bounds(firstLog).highWatermark == 2)
        #expect(log.stepJournal())
        try submit(10, at: other)
        try submit(10, at: lender)
        #expect(try log.bounds(firstLog).highWatermark == 3)
        #expect(log.stepJournal())
        #expect(try log.bounds(firstLog).highWatermark == 5)
        #expect(lender.work.withLock { $0.count } == 4 && other.work.withLock { $0.count } == 1)
    }

    @Test("the next offset is judged after all that was handed in before, within one commit too")
    func nextOffset() throws {
        let (log, _) = try StreamLog.openStepped(
            disk: SimulatedDisk(), time: SimulatedTime(), options: .journalOnly, knownLogs: [firstLog], removedLogs: [])
        let results = Mutex<[Result<[LogAppended], LogError>]>([])
        for offset in [0, 0, 1, 3, 2] as [Int64] {
            log.submit(
                LogAppend([(firstLog, try batch(1))], requirements: [.nextOffset(firstLog, offset)]), at: nil
            ) { result in results.withLock { $0.append(result) } }
        }
        while log.stepJournal() {}
        let told = results.withLock { $0 }
        #expect(told.map { try? $0.get().first?.baseOffset } == [0, nil, 1, nil, 2])
        #expect(told[1] == .failure(.conditionFailed(.nextOffset(firstLog, actual: 1))))
        #expect(told[3] == .failure(.conditionFailed(.nextOffset(firstLog, actual: 2))))
        #expect(try log.bounds(firstLog).highWatermark == 3)
    }

    @Test("an idempotent producer's batches are appended once, before and after a start, whatever files of the journal are gone")
    func producers() async throws {
        let disk = SimulatedDisk()
        var (log, _) = try await open(disk, .small)
        func send(_ sequence: Int32, epoch: Int16 = 0, records: Int = 1) async -> Result<Int64?, LogError> {
            do throws(LogError) {
                let append = LogAppend(
                    [(firstLog, try! produced(Int(sequence), epoch: epoch, sequence: sequence, records: records))],
                    requirements: [.producer(partition: secondLog)])
                return .success(try await log.append(append).first?.baseOffset)
            } catch {
                return .failure(error)
            }
        }
        for sequence in 0..<7 as Range<Int32> { #expect(await send(sequence) == .success(Int64(sequence))) }
        for round in 0..<2 {
            #expect(await send(6) == .success(6))
            #expect(await send(2) == .success(2))
            #expect(await send(1) == .failure(.conditionFailed(.duplicate)))
            #expect(await send(8) == .failure(.conditionFailed(.sequence(expected: 7))))
            #expect(await send(5, records: 3) == .failure(.conditionFailed(.duplicate)))
            guard round == 0 else { break }
            // Enough to roll the journal several times, so that only a file's first frame still tells.
            for tag in 0..<300 { _ = try await log.append([(secondLog, try batch(tag, bytes: 200))]) }
            await log.close()
            log = try await open(disk, .small).log
        }
        #expect(await send(1, epoch: 1) == .failure(.conditionFailed(.sequence(expected: 0))))
        #expect(await send(0, epoch: 1) == .success(7))
        #expect(await send(7) == .failure(.conditionFailed(.producerFenced(current: 1))))
        await #expect(throws: LogError.conditionFailed(.misuse("the batch names no idempotent producer"))) {
            _ = try await log.append(LogAppend([(firstLog, try batch(1))], requirements: [.producer(partition: firstLog)]))
        }
        #expect(try log.bounds(firstLog).highWatermark == 8)
        await log.close()
    }

    @Test("sequences go on at 0 after 2147483647")
    func wrap() async throws {
        let (log, _) = try await open(SimulatedDisk())
        for (sequence, offset) in [(Int32.max - 1, 0), (0, 2), (1, 3)] as [(Int32, Int64)] {
            let batch = try produced(0, sequence: sequence, records: sequence > 5 ? 2 : 1)
            let appended = try await log.append(LogAppend([(firstLog, batch)], requirements: [.producer(partition: firstLog)]))
            #expect(appended.first?.baseOffset == offset)
        }
        await log.close()
    }

    @Test("marks change with their batches or not at all, by version, and are there after a start and in a backup")
    func marks() async throws {
        let disk = SimulatedDisk()
        var (log, _) = try await open(disk, .small)
        let name = Array("lease".utf8)
        func change(_ expected: UInt64, _ value: String?) -> MarkChange {
            MarkChange(name: name, expected: expected, mark: value.map { Mark(version: expected + 1, value: Array($0.utf8)) })
        }
        #expect(log.mark(name) == nil)
        _ = try await log.append(LogAppend([(firstLog, try batch(1))], marks: [change(0, "a")]))
        await #expect(throws: LogError.conditionFailed(.version(name: name, actual: 1))) {
            _ = try await log.append(LogAppend([(firstLog, try batch(2))], marks: [change(0, "b")]))
        }
        let unflushed = log.statistics().unflushedBytes
        _ = try await log.append(LogAppend([], marks: [change(1, "c")]))
        // Marks are in no segment, so nothing of them waits to be written there.
        #expect(log.statistics().unflushedBytes == unflushed)
        for tag in 0..<300 { _ = try await log.append([(secondLog, try batch(tag, bytes: 200))]) }
        await log.close()
        log = try await open(disk, .small).log
        #expect(log.mark(name) == Mark(version: 2, value: Array("c".utf8)))
        #expect(try log.bounds(firstLog).highWatermark == 1)

        let copy = SimulatedDisk()
        var files = SnapshotFiles(log.snapshot())
        var path = ""
        var content: [UInt8] = []
        while let piece = try files.next() {
            switch piece {
            case .file(let next, _): (path, content) = (next, [])
            case .data(let bytes): content += bytes
            }
            copy.set(path, to: content)
        }
        let restored = try await open(copy, .small).log
        #expect(restored.mark(name)?.version == 2)
        await restored.close()

        _ = try await log.append(LogAppend([], marks: [change(2, nil)]))
        #expect(log.mark(name) == nil)
        await log.close()
        log = try await open(disk, .small).log
        #expect(log.mark(name) == nil)
        await log.close()
    }

    @Test("what a full disk refuses changes no mark, and an answer that rests on it fails with it")
    func refused() throws {
        let disk = SimulatedDisk()
        let (log, _) = try StreamLog.openStepped(
            disk: disk, time: SimulatedTime(), options: .journalOnly, knownLogs: [firstLog], removedLogs: [])
        let results = Mutex<[Result<[LogAppended], LogError>]>([])
        func submit(_ expected: UInt64) {
            let change = MarkChange(name: [1], expected: expected, mark: Mark(version: expected + 1, value: []))
            log.submit(LogAppend([], marks: [change]), at: nil) { result in results.withLock { $0.append(result) } }
        }
        disk.fail(.write, nth: 1, with: .noSpace)
        submit(0)
        submit(0)
        _ = log.stepJournal()
        #expect(results.withLock { $0.count } == 2)
        for result in results.withLock({ $0 }) {
            #expect(throws: LogError.readOnly(reason: "the disk is full")) { try result.get() }
        }
        submit(0)
        _ = log.stepJournal()
        #expect(results.withLock { $0.last } == .success([]) && log.mark([1])?.version == 1)
    }
}
