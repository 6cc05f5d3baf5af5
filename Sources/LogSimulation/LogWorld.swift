/// One seed: a log on a simulated disk, worked on, broken, opened again and checked.

internal import Host
internal import HostSimulation
internal import RecordBatch
internal import StreamLog

/// How one seed went.
public struct SeedResult: Sendable {
    public var seed: UInt64
    public var kind: FaultKind
    public var tally: Tally
    public var violations: [String]
    /// Of all that the disk was asked to do, if it was wanted.
    public var digest: UInt64?
    /// What happened, one line each, if it was wanted.
    public var story: [String]
    /// Whether the call that was ordered to fail came.
    package var orderWasCarriedOut = false
}

/// The world of one seed. One thread uses it; the log calls back into it from within its steps.
final class LogWorld: @unchecked Sendable {
    let seed: UInt64
    let kind: FaultKind
    let tellsStory: Bool
    var random: SeededGenerator
    let time: SimulatedTime
    var disk: SimulatedDisk
    var options: LogOptions
    var log: StreamLog<SimulatedDisk>?
    var model = LogModel()
    var tally = Tally()
    var violations: [String] = []
    var story: [String] = []
    /// Damage that was done since the last start; nil for none.
    var damage: Damage?
    /// Batches that must still be on the disk somewhere, served or not.
    var evidence: Set<Int> = []
    /// The append that is being handed in.
    var submitting: Int?
    /// A failing call can have sealed the log; then appends may be refused.
    var faultsSoFar = 0
    /// Appends and successions are counted in the order in which they are handed in.
    var handedIn = 0
    /// Whether a start is told where logs begin and end.
    var givesExtents = false
    /// Steps may be taken within steps.
    var interleaves = false
    var depth = 0
    var segmentsAreBusy = false
    /// What is to fail, instead of what the kind draws.
    var order: FaultOrder?
    /// The same, from the first start on and until it is carried out.
    var standing: StandingOrder?
    var orderWasCarriedOut = false
    /// Of a planted fault, for every disk of the run.
    private var mistakes: (@Sendable (DiskCall) -> DiskMistake?)?

    init(seed: UInt64, kind: FaultKind, planted: PlantedFault?, digests: Bool, tellsStory: Bool) {
        self.seed = seed
        self.kind = kind
        self.tellsStory = tellsStory
        // Kinds must not see the same runs.
        var mixed: UInt64 = seed
        for byte in kind.rawValue.utf8 { mixed = (mixed ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        random = SeededGenerator(seed: mixed)
        time = SimulatedTime()
        disk = SimulatedDisk()
        options = LogOptions.drawn(&random)
        if let planted {
            if let judge = planted.judge { options.judge = judge }
            mistakes = { planted.mistake($0) }
        }
        disk.setMistakes(mistakes)
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
        SeedResult(
            seed: seed, kind: kind, tally: tally, violations: violations, digest: disk.digest, story: story,
            orderWasCarriedOut: orderIsCarriedOut)
    }

    // MARK: The run

    func run() {
        tally.seeds = 1
        for index in 0..<1 + roll(3) {
            model.books.append(LogModel.Book(id: LogID(stream: UInt64(1 + index / 2), shard: UInt32(index % 2))))
        }
        if let order {
            run(until: order)
            return end()
        }
        givesExtents = kind.isDamage || chance(1, in: 2)
        guard start() else { return end() }
        for round in 0..<1 + roll(2) {
            arm()
            work(actions: 12 + roll(50))
            stop()
            inflictDamage(round)
            if round > 0 || kind != .recoveryCrash { armRecovery() }
            if kind == .recoveryCrash || (kind == .together && chance(1, in: 2)) { breakRecovery() }
            guard start() else { return end() }
        }
        resume()
        end()
    }

    private func end() {
        disk.setHook(nil)
        log = nil
        for misuse in disk.misuses { blame(misuse) }
    }

    // MARK: Starts

    /// Opens the log and checks all of it. Where the disk stands in the way it is mended and the log is opened again.
    func start() -> Bool {
        var faults: [String] = []
        for attempt in 0..<4 {
            if attempt == 3 {
                disk.heal()
                disk.quota = nil
            }
            if disk.isDead { cut(disk.crash(keeping: survival())) }
            faultsSoFar = disk.injectedFaults
            if kind == .readFlip { damage = Damage.ofReads(disk, model) }
            listen()
            // What a caller was told of is in the catalog; of what it was not, nothing.
            do throws(LogError) {
                let (log, report) = try StreamLog<SimulatedDisk>.openStepped(
                    disk: disk, time: time, options: options, knownLogs: model.knownLogs, removedLogs: model.removedLogs,
                    extents: givesExtents ? model.extents : [:])
                tally.opens += 1
                self.log = log
                tell("opened: \(report)")
                check(log, report)
                damage = nil
                return true
            } catch {
                tell("start fails: \(error)")
                faults.append("\(error)")
            }
        }
        blame("the log cannot be opened: \(faults.last ?? "")")
        return false
    }

    private func check(_ log: StreamLog<SimulatedDisk>, _ report: RecoveryReport) {
        let isSettled = isWritable(log)
        var checker = LogChecker(damage: damage, mayFail: disk.hasReadFaults)
        checker.check(log, report, &model, isSettled: isSettled, maxBytes: 1 + roll(6_000))
        for violation in checker.violations { blame(violation) }
        tally += checker.tally
    }

    /// Neither sealed by a failed sync nor dead: what was found at the start counts.
    private func isWritable(_ log: StreamLog<SimulatedDisk>) -> Bool {
        switch log.state {
        case .accepting: true
        case .readOnly(let reason): reason == "the disk is full"
        }
    }

    /// The next disk, after a crash.
    func cut(_ next: SimulatedDisk) {
        tally.crashes += 1
        tally.faults += disk.injectedFaults
        for misuse in disk.misuses { blame(misuse) }
        next.tear(seed: random.next())
        next.setMistakes(mistakes)
        if standing != nil {
            orderWasCarriedOut = orderIsCarriedOut
            if orderWasCarriedOut { standing = nil } else { standing?.move(from: disk, to: next) }
        }
        disk = next
    }

    func survival() -> Survival {
        switch kind {
        case .kill where chance(2, in: 3): .everything
        default:
            switch roll(8) {
            case 0: .nothing
            case 1, 2, 3: .sectors(seed: random.next())
            case 4: kind == .lostPages || kind == .tornWrite || kind == .powerCut ? .some(seed: random.next()) : .everything
            default: .some(seed: random.next())
            }
        }
    }

    // MARK: Ends

    /// Ends the process: by closing, or in the middle of what it does.
    func stop() {
        let closes = !disk.isDead && chance(1, in: kind == .none ? 2 : 8)
        if closes { close() }
        interleaves = false
        disk.setHook(nil)
        log = nil
        model.endProcess()
        tell("process ends")
        cut(disk.crash(keeping: survival()))
    }

    /// Closes as a program does that has time.
    func close() {
        guard let log else { return }
        let isDone = Flag()
        log.submitClose { isDone.value = true }
        for _ in 0..<10_000 where !isDone.value {
            if !log.stepJournal(), !stepSegments() { break }
        }
        if !isDone.value, !disk.isDead { blame("closing does not come to an end") }
        tell("closed")
    }

    private func inflictDamage(_ round: Int) {
        guard kind.isDamage, kind != .readFlip, round == 0 else { return }
        damage = Damage.inflict(kind, on: disk, model, &random)
        guard let damage else { return }
        tally.faults += 1
        evidence.formUnion(damage.evidence)
        tell(damage.description)
    }

    // MARK: The end of all faults

    /// Mends everything; then appends must be accepted again, at once or after a start, and everything must be served.
    func resume() {
        disk.heal()
        disk.quota = nil
        if let log, case .readOnly(let reason) = log.state, reason != "the disk is full" {
            tell("sealed: opened again")
            self.log = nil
            model.endProcess()
            cut(disk.crash(keeping: survival()))
            guard start() else { return }
        }
        guard let log else { return }
        interleaves = true
        listen()
        var accepted = 0
        for _ in 0..<20 {
            settleDown()
            let before = tally.acknowledged
            append()
            settleDown()
            accepted += tally.acknowledged - before
            if accepted >= 3 { break }
            time.advance(milliseconds: 100)
        }
        if accepted < 3 { blame("appends are not accepted again: \(log.state)") }
        for _ in 0..<10 { readSomething() }
        interleaves = false
        if chance(1, in: 2) { close() }
        disk.setHook(nil)
        self.log = nil
        model.endProcess()
        cut(disk.crash(keeping: chance(1, in: 2) ? .nothing : survival()))
        guard start() else { return }
        checkEvidence()
    }

    /// Takes all steps there are.
    func settleDown() {
        guard let log else { return }
        var steps = 0
        let bound = diskCanBeFull ? 60 : 2_000
        while steps < bound, log.stepJournal() || stepSegments() { steps += 1 }
        if steps == 2_000, !diskCanBeFull { blame("the log does not come to rest") }
    }

    /// A full disk is tried again at each step.
    private var diskCanBeFull: Bool { disk.quota != nil || disk.injectedFaults > 0 }

    /// What was damaged and could not be served is still on the disk.
    private func checkEvidence() {
        guard !evidence.isEmpty else { return }
        let survey = FileSurvey(disk, model)
        let there = survey.batches { $0.isIntact }
        for book in model.books {
            for placed in book.placed where placed.isDamaged && placed.end > book.askedStart && evidence.contains(placed.batch) {
                if !there.contains(placed.batch), book.existence == .known {
                    blame(
                        "batch \(placed.batch) of log \(book.id) is reported as damaged, and its bytes, which were whole, were deleted"
                    )
                }
            }
        }
    }
}

/// A value that a closure sets.
final class Flag: @unchecked Sendable {
    var value = false
}
