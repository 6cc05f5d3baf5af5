/// One seed of the kind `store`: a store with its catalog and log, worked on, broken, opened again and checked.

internal import Catalog
internal import EmbeddedStore
internal import Host
internal import HostSimulation
internal import RecordBatch
internal import StableHash
internal import StreamLog
internal import StreamStore

/// The world of one seed. One task uses it; log and catalog call back into it from within the store's calls.
///
/// The log's disk is simulated. The catalog is SQLite in a real file, which nobody changes once the simulated disk has died: what SQLite has
/// committed until then is what the next start finds. How SQLite itself survives a crash is not the matter here.
final class StoreWorld: @unchecked Sendable {
    typealias Store = EmbeddedStore<SimulatedDisk>

    let seed: UInt64
    let tellsStory: Bool
    let planted: PlantedStoreFault?
    var random: SeededGenerator
    let time = SimulatedTime()
    var disk: SimulatedDisk
    var options: EmbeddedStoreOptions
    let place: CatalogPlace?
    var store: Store?
    /// Streams, owners and their epochs.
    var streams = StoreModel()
    /// The records of all streams.
    var model = LogModel()
    var tally = Tally()
    var violations: [String] = []
    var story: [String] = []
    var digest: FNV1a?
    var catalogFaults = CatalogFaults()
    /// The disk that the next start finds, when the power went between two calls of the disk.
    var nextDisk: SimulatedDisk?
    /// When appends were handed in and shards were closed, on the clock that does not jump.
    var handedInAt: [Int: UInt64] = [:]
    var closedAt: [LogID: UInt64] = [:]
    /// What the clock of retention may be wrong by, in milliseconds.
    static let clockTolerance: Int64 = 3_000
    /// Appends of others that come while a call is under way.
    var hasCompany = false
    var isInHook = false
    /// Answers that the model has not taken in.
    var answers: [(append: Int, places: [LogAppended])] = []

    init(seed: UInt64, planted: PlantedStoreFault?, digests: Bool, tellsStory: Bool) {
        self.seed = seed
        self.tellsStory = tellsStory
        self.planted = planted
        random = SeededGenerator(seed: seed &* 0x9E37_79B9_7F4A_7C15 ^ 0x73_746F_7265)
        disk = SimulatedDisk()
        place = CatalogPlace()
        options = EmbeddedStoreOptions(retentionSweepSeconds: nil, log: LogOptions.drawn(&random))
        options.lifecycleDelaySeconds = [0, 0, 0, 2][Int(random.next() % 4)]
        disk.tear(seed: random.next())
        if digests {
            disk.startDigest()
            digest = FNV1a()
        }
    }

    func roll(_ sides: Int) -> Int { Int(random.next() % UInt64(sides)) }
    func chance(_ one: Int, in all: Int) -> Bool { roll(all) < one }

    func blame(_ text: String) {
        if violations.count < 20 { violations.append(text) }
        tell("VIOLATION \(text)")
    }

    func tell(_ text: @autoclosure () -> String) {
        guard tellsStory || digest != nil else { return }
        let line = text()
        if tellsStory { story.append(line) }
        if var value = digest {
            value.add(line.utf8)
            digest = value
        }
    }

    var result: SeedResult {
        SeedResult(
            seed: seed, kind: .store, tally: tally, violations: violations,
            digest: digest.map { $0.value ^ (disk.digest ?? 0) }, story: story)
    }

    // MARK: The run

    func run() async {
        tally.seeds = 1
        guard place != nil else { return blame("there is no directory for the catalog") }
        await live()
        disk.setHook(nil)
        await store?.abandon()
        store = nil
        place?.remove()
        for misuse in disk.misuses { blame(misuse) }
    }

    private func live() async {
        guard await start() else { return }
        for _ in 0..<1 + roll(3) {
            arm()
            await work(actions: 15 + roll(50))
            await stop()
            if chance(1, in: 3) { armStart() }
            guard await start() else { return }
        }
        await resume()
    }

    // MARK: Starts

    /// Opens the store and checks all of it. What stands in the way is mended, and the store is opened again.
    func start() async -> Bool {
        var failures: [String] = []
        for attempt in 0..<5 {
            if attempt == 3 { heal() }
            if disk.isDead { cut() }
            catalogFaults.refusals = 0
            listen()
            switch await open() {
            case .success((let store, let recovery)):
                tally.opens += 1
                self.store = store
                tell(opened(recovery))
                // The power went at the very end of the start.
                if disk.isDead {
                    await abandon()
                    continue
                }
                await err(after: recovery, of: store)
                if !recovery.problems.isEmpty, isWithoutFaults { blame("the start has problems: \(recovery.problems)") }
                await check(store, recovery)
                return true
            case .failure(let error):
                tell("start fails: \(error)")
                failures.append("\(error)")
                if isWithoutFaults, !disk.isDead { return fail(failures) }
            }
        }
        return fail(failures)
    }

    private func opened(_ recovery: StoreRecovery) -> String {
        // A set has no order of its own, and a run is to be told the same way each time.
        var log = recovery.log
        let inJournal = log.removedInJournal.sorted()
        log.removedInJournal = []
        return "opened: \(log), still in the journal \(inJournal), removed \(recovery.finishedRemovals), "
            + "\(recovery.problems.count) problems"
    }

    private func fail(_ failures: [String]) -> Bool {
        blame("the store cannot be opened: \(failures.last ?? "it died each time")")
        return false
    }

    private func open() async -> Result<(Store, StoreRecovery), StoreOpenError> {
        do throws(StoreOpenError) {
            let (store, recovery) = try await Store.openStepped(
                disk: disk, directory: place?.path ?? "", time: time, options: options, probe: probe)
            return .success((store, recovery))
        } catch {
            return .failure(error)
        }
    }

    /// Nothing has gone wrong since the start that could excuse a failure.
    var isWithoutFaults: Bool {
        !disk.isDead && disk.injectedFaults == 0 && disk.quota == nil && catalogFaults.refusals == 0
    }

    /// Neither sealed by a failed sync nor dead: what was found at the start counts.
    func isWritable(_ log: StreamLog<SimulatedDisk>) -> Bool {
        switch log.state {
        case .accepting: true
        case .readOnly(let reason): reason == "the disk is full"
        }
    }

    private func check(_ store: Store, _ recovery: StoreRecovery) async {
        await settleStreams(store)
        settleOwners(store)
        var checker = LogChecker(damage: nil, mayFail: disk.hasReadFaults)
        checker.check(
            store.steppedLog, recovery.log, &model, isSettled: isWritable(store.steppedLog), maxBytes: 1 + roll(6_000))
        for violation in checker.violations { blame(violation) }
        tally += checker.tally
    }

    // MARK: Ends

    /// The next disk, after a crash.
    private func cut() {
        tally.crashes += 1
        tally.faults += disk.injectedFaults
        for misuse in disk.misuses { blame(misuse) }
        let next = nextDisk ?? disk.crash(keeping: survival())
        nextDisk = nil
        next.tear(seed: random.next())
        disk = next
    }

    func survival() -> Survival {
        switch roll(8) {
        case 0: .nothing
        case 1, 2: .sectors(seed: random.next())
        case 3, 4: .everything
        default: .some(seed: random.next())
        }
    }

    private func abandon() async {
        disk.setHook(nil)
        await store?.abandon()
        store = nil
        settleAnswers()
        model.endProcess()
    }

    /// Ends the process: by closing, or in the middle of what it does.
    private func stop() async {
        hasCompany = false
        if !disk.isDead, chance(1, in: 4) {
            await store?.close()
            tell("closed")
        }
        await abandon()
        tell("process ends")
        cut()
        // The node is down for a while, or comes up with a wrong clock, or with the right one again.
        let day: Int64 = 86_400_000
        switch roll(8) {
        case 0: time.jump(toWall: time.wallMilliseconds() + day * Int64(1 + roll(5)))
        case 1: time.jump(toWall: time.wallMilliseconds() + 365 * day * Int64(1 + roll(9)))
        case 2: time.jump(toWall: chance(1, in: 2) ? day * Int64(roll(3)) : 1_700_000_000_000 + day * Int64(roll(9)))
        default: break
        }
    }

    // MARK: The end of all faults

    /// Mends everything; then the store must take everything again, at once or after a start, and hold it.
    private func resume() async {
        heal()
        if let store, !isWritable(store.steppedLog) {
            tell("sealed: opened again")
            await abandon()
            cut()
            guard await start() else { return }
        }
        // A full disk is noticed to have space by whoever tries it.
        for _ in 0..<3 {
            time.advance(milliseconds: 3_000)
            await maintain()
        }
        let streamsBefore = tally.streams
        await createStream(shards: 2)
        if tally.streams == streamsBefore { blame("no stream can be created again") }
        time.advance(milliseconds: 3_000)
        await maintain()
        var accepted = 0
        for _ in 0..<20 where accepted < 3 {
            let before = tally.acknowledged
            await append()
            accepted += tally.acknowledged - before
            time.advance(milliseconds: 100)
        }
        if accepted < 3 { blame("appends are not accepted again: \(store.map { "\($0.writability)" } ?? "")") }
        await claim(owner: "application/last")
        for _ in 0..<2 { await reshard() }
        if chance(1, in: 4) { await outlive() }
        for _ in 0..<3 { await readSomething() }
        await deleteStream()
        await lookAtStreams()
        if chance(1, in: 2) {
            await store?.close()
            tell("closed")
        }
        await abandon()
        let next = disk.crash(keeping: chance(1, in: 2) ? .nothing : survival())
        nextDisk = next
        cut()
        _ = await start()
    }
}
