/// One seed of the kind `conditions`: appends are handed in at several places and under conditions, the process ends, and everything must be as if
/// they had been decided one after the other.

internal import Host
internal import HostSimulation
internal import RecordBatch
internal import StreamLog

/// The world of one such seed. One thread uses it; the log calls back into it from within its steps.
final class ConditionWorld: @unchecked Sendable {
    let seed: UInt64
    let tellsStory: Bool
    let planted: PlantedConditionFault?
    var random: SeededGenerator
    let time = SimulatedTime()
    var disk = SimulatedDisk()
    var options: LogOptions
    var log: StreamLog<SimulatedDisk>?
    let logs = [LogID(stream: 1, shard: 0), LogID(stream: 1, shard: 1)]
    let places = [QueuedPlace(), QueuedPlace(), QueuedPlace()]
    var table = KeyTable([:])
    var model = ConditionModel()
    var batches: [MarkedBatch] = []
    var submitted: [SubmittedAppend] = []
    /// Handed in and not answered, or answered with "unknown", by number.
    var open: [Int] = []
    /// Answers that the model has not taken in.
    var answers: [(number: Int, result: Result<[LogAppended], LogError>)] = []
    /// The append that is being handed in.
    var submitting: Int?
    /// Held back by a planted fault.
    var heldBack: (() -> Void)?
    var interleaves = false
    var depth = 0
    var faultsSoFar = 0
    var tally = Tally()
    var violations: [String] = []
    var story: [String] = []

    init(seed: UInt64, planted: PlantedConditionFault?, digests: Bool, tellsStory: Bool) {
        self.seed = seed
        self.tellsStory = tellsStory
        self.planted = planted
        random = SeededGenerator(seed: seed &* 0xD6E8_FEB8_6659_FD93 ^ 0x636F_6E64)
        options = LogOptions.drawn(&random)
        disk.tear(seed: random.next())
        if digests { disk.startDigest() }
    }

    func roll(_ sides: Int) -> Int { Int(random.next() % UInt64(sides)) }
    func chance(_ one: Int, in all: Int) -> Bool { roll(all) < one }

    func blame(_ text: String) {
        if violations.count < 20 { violations.append(text) }
        tell("VIOLATION \(text)")
    }

    func tell(_ text: @autoclosure () -> String) {
        if tellsStory { story.append(text()) }
    }

    var result: SeedResult {
        SeedResult(seed: seed, kind: .conditions, tally: tally, violations: violations, digest: disk.digest, story: story)
    }

    // MARK: The run

    func run() {
        tally.seeds = 1
        guard start() else { return end() }
        for _ in 0..<1 + roll(3) {
            arm()
            work(actions: 20 + roll(60))
            stop()
            guard start() else { return end() }
        }
        disk.heal()
        disk.quota = nil
        work(actions: 10)
        stop()
        _ = start()
        end()
    }

    private func end() {
        disk.setHook(nil)
        log = nil
        for misuse in disk.misuses { blame(misuse) }
    }

    private func arm() {
        switch roll(8) {
        case 0, 1, 2: disk.cutPower(in: 1 + roll(120))
        case 3: disk.fail(chance(2, in: 3) ? .sync : .syncDirectory, nth: 1 + roll(30))
        case 4: disk.fail(.write, nth: 1 + roll(40), with: .noSpace, times: 1 + roll(6))
        case 5: disk.quota = disk.usedBytes + roll(20_000)
        case 6: disk.fail(.write, nth: 1 + roll(40))
        default: break
        }
    }

    private func start() -> Bool {
        var failure = ""
        for attempt in 0..<4 {
            if attempt == 2 {
                disk.heal()
                disk.quota = nil
            }
            if disk.isDead { cut() }
            do throws(LogError) {
                let (log, _) = try StreamLog<SimulatedDisk>.openStepped(
                    disk: disk, time: time, options: options, knownLogs: Set(logs), removedLogs: [])
                tally.opens += 1
                self.log = log
                // The power went at the very end of the start: what was found may not be what stays.
                if disk.isDead {
                    self.log = nil
                    continue
                }
                return settle(log)
            } catch {
                failure = "\(error)"
            }
        }
        blame("the log cannot be opened: \(failure)")
        return false
    }

    private func cut() {
        tally.crashes += 1
        tally.faults += disk.injectedFaults
        for misuse in disk.misuses { blame(misuse) }
        let survivals: [Survival] = [.everything, .nothing, .some(seed: random.next()), .sectors(seed: random.next())]
        let next = disk.crash(keeping: survivals[roll(4)])
        next.tear(seed: random.next())
        disk = next
    }

    /// Ends the process in the middle of what it does.
    private func stop() {
        interleaves = false
        disk.setHook(nil)
        heldBack = nil
        takeAnswers()
        log = nil
        answers = []
        cut()
        faultsSoFar = 0
    }

    // MARK: Settling

    /// What nobody was told about took place up to some append, and not from there on. Finds out where that is.
    private func settle(_ log: StreamLog<SimulatedDisk>) -> Bool {
        guard let found = look(log) else { return false }
        var candidate = model
        var rest = open.sorted()[...]
        while !candidate.looksLike(found), let next = rest.popFirst() {
            _ = candidate.decide(submitted[next])
        }
        guard candidate.looksLike(found) else {
            blame("after the start there is \(difference(found)); no way of cutting off what was open explains that")
            return false
        }
        tally.unacknowledgedFound += open.count - rest.count
        // A sealed log may not keep what it shows.
        if case .readOnly(let reason) = log.state, reason != "the disk is full" {
            disk.heal()
            self.log = nil
            cut()
            return start()
        }
        model = candidate
        open = []
        table = KeyTable(model.keys)
        return true
    }

    private func difference(_ found: ConditionModel) -> String {
        for log in logs where found.logs[log] ?? [] != model.logs[log] ?? [] {
            return
                "log \(log) ends at \(found.end(of: log)), \(model.end(of: log)) was acknowledged, and \(open.count) appends are open"
        }
        return "marks \(found.marks.mapValues(\.version)), \(model.marks.mapValues(\.version)) were acknowledged"
    }

    /// What the log shows from outside.
    private func look(_ log: StreamLog<SimulatedDisk>) -> ConditionModel? {
        var found = ConditionModel()
        for id in logs {
            do throws(LogError) {
                var offset: Int64 = 0
                let end = try log.bounds(id).highWatermark
                while offset < end {
                    for batch in try log.readNow(id, from: offset, maxBytes: 1 + roll(3_000)).batches {
                        tally.reads += 1
                        guard let number = MarkedBatch.number(of: batch.batch), number < batches.count,
                            batches[number].isSame(as: batch.batch), batch.batch.baseOffset == batch.baseOffset
                        else {
                            blame("log \(id) serves a batch at \(batch.baseOffset) that nobody appended")
                            return nil
                        }
                        found.logs[id, default: []].append(
                            ConditionModel.Placed(batch: number, base: batch.baseOffset, end: batch.endOffset))
                        offset = batch.endOffset
                    }
                }
            } catch {
                blame("log \(id) cannot be read: \(error)")
                return nil
            }
        }
        for name in names { if let mark = log.mark(name) { found.marks[name] = mark } }
        return found
    }

    var names: [[UInt8]] { (0..<3).map { [UInt8(ascii: "m"), UInt8($0)] } }
}
