/// One seed of the kind `latest`: the real table of latest values on a store on a simulated disk, changed, compacted, broken, opened again and compared
/// with its model.

internal import EmbeddedStore
internal import Host
internal import HostSimulation
internal import LatestValues
internal import StreamLog
internal import StreamStore

/// The world of one such seed. One thread runs all of its tasks, the table's included; the disk calls back into it from within their calls.
final class LatestWorld: @unchecked Sendable {
    typealias Store = EmbeddedStore<SimulatedDisk>
    static let tableName = "t"

    let seed: UInt64
    let tellsStory: Bool
    let planted: PlantedLatestFault?
    let thread = OneThread()
    var random: SeededGenerator
    let time = SimulatedTime()
    var disk = SimulatedDisk()
    var options: EmbeddedStoreOptions
    var tableOptions = LatestOptions()
    let place = CatalogPlace()
    var store: Store?
    var table: LatestTable?
    var model = LatestModel()
    /// Calls in their order; those that were answered with certainty are taken out.
    var calls: [Call] = []
    /// A call may have been refused for a full disk without anybody being told, and one after it been taken.
    var mayHaveBeenFull = false
    /// Changes are made from within the disk's calls.
    var interleaves = false
    var isInHook = false
    var number = 0
    var movedBefore = 0
    var tally = Tally()
    var violations: [String] = []
    var story: [String] = []

    /// What was handed in.
    final class Call: @unchecked Sendable {
        let changes: [LatestChange]
        var answer: Result<[Int64], LatestError>?
        /// It was refused, with certainty, for a full disk.
        var isRefused: Bool {
            if case .failure(.store(.readOnly("the disk is full"))) = answer { true } else { false }
        }
        init(_ changes: [LatestChange]) { self.changes = changes }
    }

    init(seed: UInt64, planted: PlantedLatestFault?, digests: Bool, tellsStory: Bool) {
        self.seed = seed
        self.tellsStory = tellsStory
        self.planted = planted
        random = SeededGenerator(seed: seed &* 0x8CB9_2BA7_2F3D_8DD7 ^ 0x6C61_7465)
        options = EmbeddedStoreOptions(retentionSweepSeconds: nil, log: LogOptions.drawn(&random))
        disk.tear(seed: random.next())
        if digests { disk.startDigest() }
        tableOptions.batchBytes = 100 + roll(600)
        tableOptions.groupBytes = 300 + roll(2_000)
        tableOptions.garbageBytes = 500 + roll(3_000)
        tableOptions.compactionBytes = 300 + roll(3_000)
        tableOptions.executor = thread
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
        SeedResult(seed: seed, kind: .latest, tally: tally, violations: violations, digest: disk.digest, story: story)
    }

    // MARK: The run

    func run() { thread.run { await self.live() } }

    private func live() async {
        tally.seeds = 1
        defer { place?.remove() }
        guard place != nil else { return blame("there is no directory for the catalog") }
        var isOpen = await start()
        for _ in 0..<1 + roll(3) where isOpen {
            arm()
            await work(actions: 10 + roll(50))
            await stop()
            isOpen = await start()
        }
        if isOpen { await resume() }
        await end()
        for misuse in disk.misuses { blame(misuse) }
    }

    /// All faults are gone: every change must be taken, at once or after a start, and be there after the next.
    private func resume() async {
        disk.heal()
        disk.quota = nil
        if let store, store.writability != .writable {
            await stop()
            guard await start() else { return }
        }
        let before = tally.acknowledged
        if let table {
            submit([LatestChange("last", to: [1])], to: table)
            await change(calls: 1)
        }
        if tally.acknowledged == before { blame("changes are not taken again") }
        await stop()
        _ = await start()
    }

    private func arm() {
        switch roll(9) {
        case 0, 1, 2: disk.cutPower(in: 1 + roll(150))
        case 3: disk.cutPower(in: 1 + roll(60), of: .write)
        case 4: disk.fail(chance(2, in: 3) ? .sync : .syncDirectory, nth: 1 + roll(40))
        case 5:
            disk.fail(.write, nth: 1 + roll(50), with: .noSpace, times: 1 + roll(6))
            mayHaveBeenFull = true
        case 6:
            disk.quota = disk.usedBytes + roll(20_000)
            mayHaveBeenFull = true
        case 7: disk.fail(.read, nth: 1 + roll(40))
        default: break
        }
    }

    // MARK: Starts and ends

    private func start() async -> Bool {
        var failure = ""
        for attempt in 0..<5 {
            if attempt == 2 {
                disk.heal()
                disk.quota = nil
            }
            if disk.isDead { cut() }
            do {
                let (store, _) = try await Store.openStepped(
                    disk: disk, directory: place?.path ?? "", time: time, options: options, probe: nil)
                self.store = store
                table = try await LatestTable.open(Self.tableName, store: store, time: time, options: tableOptions)
                tally.opens += 1
                movedBefore = 0
                if let found = try await look() { return await settle(found) }
            } catch {
                failure = "\(error)"
                tell("start fails: \(error)")
                if case LatestError.damaged = error, !disk.isDead, !disk.hasReadFaults { blame("\(error)") }
            }
            await end()
        }
        blame("the table cannot be opened: \(failure)")
        return false
    }

    /// All entries; nil when the power went.
    private func look() async throws -> [LatestEntry]? {
        guard let table, let found = try? await table.entries(in: KeyRange(), limit: .max) else {
            if disk.isDead || disk.hasReadFaults || disk.injectedFaults > 0 { return nil }
            blame("the table cannot be read")
            return []
        }
        tally.reads += found.count
        return disk.isDead ? nil : found
    }

    /// The state that explains what is found, and how many calls that nobody was told of took place: all up to some call, and none from there on,
    /// save those that a full disk refused.
    private func explain(_ found: [LatestEntry], from state: LatestModel, _ rest: ArraySlice<Call>) -> (
        state: LatestModel, taken: Int
    )? {
        if state.looksLike(found) { return (state, 0) }
        guard let next = rest.first else { return nil }
        if !next.isRefused, state.refusal(of: next.changes) == nil {
            var changed = state
            for change in next.changes { changed.apply(change, revision: nil) }
            if let (end, taken) = explain(found, from: changed, rest.dropFirst()) { return (end, taken + 1) }
            guard mayHaveBeenFull else { return nil }
        }
        return explain(found, from: state, rest.dropFirst())
    }

    /// Finds out what became of the calls that nobody was told of.
    private func settle(_ found: [LatestEntry]) async -> Bool {
        guard let explained = explain(found, from: model, calls[...]) else {
            blame("after the start \(difference(found)); no way of cutting off \(calls.count) open calls explains that")
            return false
        }
        tally.unacknowledgedFound += explained.taken
        // A sealed log may not keep what it shows.
        if let store, case .readOnly(let reason) = store.writability, reason != "the disk is full" {
            disk.heal()
            await end()
            cut()
            return await start()
        }
        (model, calls) = (explained.state, [])
        model.learn(found)
        mayHaveBeenFull = disk.quota != nil
        return true
    }

    private func difference(_ found: [LatestEntry]) -> String {
        let shown = Dictionary(uniqueKeysWithValues: found.map { ($0.key, $0.value) })
        let keys = Set(shown.keys).union(model.values.keys).sorted { $0.lexicographicallyPrecedes($1) }
        for key in keys {
            let (now, before) = (shown[key], model.values[key])
            guard now?.bytes == before?.text, now?.revision == before?.revision else {
                return "key \(String(decoding: key, as: UTF8.self)) is \(Self.words(now?.bytes, now?.revision)), not "
                    + Self.words(before?.text, before?.revision)
            }
        }
        return "all is as it was acknowledged"
    }

    private static func words(_ text: [UInt8]?, _ revision: Int64?) -> String {
        text.map { "\(String(decoding: $0.prefix(20), as: UTF8.self)) of revision \(revision.map { "\($0)" } ?? "?")" } ?? "gone"
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

    /// Ends the process: by closing, or in the middle of what it does.
    private func stop() async {
        interleaves = false
        var next: SimulatedDisk?
        if !disk.isDead, chance(1, in: 2) {
            await table?.close()
            takeAnswers()
            if let store { await errAfterClose(store) }
            if chance(1, in: 2) { await store?.close() }
            tell("closed")
        } else if !disk.isDead {
            next = disk.crash(keeping: chance(1, in: 2) ? .everything : .some(seed: random.next()))
            tell("the process is killed")
        }
        await end()
        if let next {
            tally.crashes += 1
            for misuse in disk.misuses { blame(misuse) }
            next.tear(seed: random.next())
            disk = next
        } else {
            cut()
        }
    }

    /// Nothing of the process goes on.
    private func end() async {
        disk.setHook(nil)
        await table?.close()
        takeAnswers()
        table = nil
        await store?.abandon()
        store = nil
    }
}
