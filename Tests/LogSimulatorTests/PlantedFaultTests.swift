/// Shows that the simulator bites: every fault that is planted in the log is found.

import LogSimulation
import StreamLog
import Synchronization
import Testing

/// A planted fault, the kind of run that finds it, and how many seeds that may take.
struct Bite: CustomTestStringConvertible {
    var planted: PlantedFault
    var kind: FaultKind
    var seeds: UInt64

    init(_ planted: PlantedFault, _ kind: FaultKind, _ seeds: UInt64) {
        self.planted = planted
        self.kind = kind
        self.seeds = seeds
    }

    var testDescription: String { "\(planted.rawValue) within \(seeds) seeds of \(kind.rawValue)" }
}

/// The first seed with a violation; nil when there is none.
private func firstFailure(_ simulation: Simulation, within seeds: UInt64) async -> SeedResult? {
    await offThePool {
        let found = Mutex<SeedResult?>(nil)
        simulation.run(seeds: 1...seeds, threads: 2) { result in
            found.withLock { found in
                if !result.violations.isEmpty { found = result }
                return found == nil
            }
        }
        return found.withLock { $0 }
    }
}

@Suite(.serialized) struct PlantedFaultTests {
    static let bites: [Bite] = [
        Bite(.journalSyncLeftOut, .lostPages, 10),
        Bite(.acknowledgedBeforeSync, .powerCut, 200),
        Bite(.syncFailureIgnored, .syncError, 50),
        Bite(.syncRetried, .syncError, 200),
        Bite(.journalDirectorySyncLeftOut, .lostPages, 20),
        Bite(.remainsLeft, .diskFull, 2_000),
        Bite(.segmentSyncLeftOut, .lostPages, 50),
        Bite(.segmentDirectorySyncLeftOut, .lostPages, 50),
        Bite(.journalDroppedEarly, .lostPages, 50),
        Bite(.startSlotNotAlternated, .tornWrite, 1_000),
        Bite(.startSyncLeftOut, .lostPages, 100),
        Bite(.frameChecksumIgnored, .bitFlip, 300),
        Bite(.tailCutShort, .none, 20),
        Bite(.staleFramesAccepted, .none, 100),
        Bite(.lastFrameNotSecured, .kill, 3_000),
        Bite(.arrivalsForgotten, .clock, 20),
        Bite(.positionsIgnored, .missing, 500),
        Bite(.trailerTrusted, .powerCut, 5_000),
        Bite(.appendSplitAtSalvage, .bitFlip, 3_000),
        Bite(.readChecksumIgnored, .bitFlip, 300),
        Bite(.endOutOfOrder, .none, 10),
    ]

    @Test(
        "each planted fault is found within the seeds stated, and the log without it has no violation on the same seeds",
        arguments: bites)
    func found(_ bite: Bite) async {
        var simulation = Simulation(kind: bite.kind)
        simulation.planted = bite.planted
        let result = await firstFailure(simulation, within: bite.seeds)
        print(
            "\(bite.planted.rawValue): \(result.map { "seed \($0.seed) of \(bite.kind.rawValue): \($0.violations[0])" } ?? "not found")"
        )
        guard let result else {
            Issue.record("\(bite.testDescription): not found")
            return
        }
        simulation.planted = nil
        let (report, failures) = await simulate(simulation, 1...result.seed)
        #expect(report.violations == 0, "\(failures.joined(separator: "\n"))")
    }

    /// How many seeds of the kind `store` may find it.
    static let storeBites: [(planted: PlantedStoreFault, seeds: UInt64)] = [
        (.tombstonesLeftOut, 200), (.tombstonesForgottenEarly, 1_000), (.logsRemovedFirst, 500), (.fenceNotPersisted, 50),
        (.fenceNotChecked, 20), (.wallClockTrusted, 200), (.tagsNotPersisted, 50),
    ]

    @Test(
        "each fault planted in the store is found within the seeds stated, and the store without it has no violation on the same seeds",
        arguments: storeBites)
    func found(_ planted: PlantedStoreFault, within seeds: UInt64) async {
        var simulation = Simulation(kind: .store)
        simulation.plantedInStore = planted
        let result = await firstFailure(simulation, within: seeds)
        print("\(planted.rawValue): \(result.map { "seed \($0.seed) of store: \($0.violations[0])" } ?? "not found")")
        guard let result else {
            Issue.record("\(planted.rawValue) is not found within \(seeds) seeds")
            return
        }
        simulation.plantedInStore = nil
        let (report, failures) = await simulate(simulation, 1...result.seed)
        #expect(report.violations == 0, "\(failures.joined(separator: "\n"))")
    }

    /// How many seeds of the kind `conditions` may find it.
    static let submitBites: [(planted: PlantedConditionFault, seeds: UInt64)] = [
        (.submitsReordered, 10), (.conditionDecidedOutside, 30),
    ]

    @Test(
        "each mistake of those who hand appends in is found within the seeds stated, and without it there is no violation on the same seeds",
        arguments: submitBites)
    func found(_ planted: PlantedConditionFault, within seeds: UInt64) async {
        var simulation = Simulation(kind: .conditions)
        simulation.plantedInSubmits = planted
        let result = await firstFailure(simulation, within: seeds)
        print("\(planted.rawValue): \(result.map { "seed \($0.seed) of conditions: \($0.violations[0])" } ?? "not found")")
        guard let result else {
            Issue.record("\(planted.rawValue) is not found within \(seeds) seeds")
            return
        }
        simulation.plantedInSubmits = nil
        let (report, failures) = await simulate(simulation, 1...result.seed)
        #expect(report.violations == 0, "\(failures.joined(separator: "\n"))")
    }

    /// How many seeds of the kind `latest` may find it.
    static let latestBites: [(planted: PlantedLatestFault, seeds: UInt64)] = [
        (.compactionDropsNewest, 20), (.compactionTrimsNewest, 50),
    ]

    @Test(
        "each mistake of a table's compaction is found within the seeds stated, and without it there is no violation on the same seeds",
        arguments: latestBites)
    func found(_ planted: PlantedLatestFault, within seeds: UInt64) async {
        var simulation = Simulation(kind: .latest)
        simulation.plantedInLatest = planted
        let result = await firstFailure(simulation, within: seeds)
        print("\(planted.rawValue): \(result.map { "seed \($0.seed) of latest: \($0.violations[0])" } ?? "not found")")
        guard let result else {
            Issue.record("\(planted.rawValue) is not found within \(seeds) seeds")
            return
        }
        simulation.plantedInLatest = nil
        let (report, failures) = await simulate(simulation, 1...result.seed)
        #expect(report.violations == 0, "\(failures.joined(separator: "\n"))")
    }

    @Test("the walk finds each mistake that is made around the store", arguments: PlantedWalkFault.allCases)
    func found(_ planted: PlantedWalkFault) async {
        var simulation = Simulation(kind: .walk)
        simulation.plantedInWalk = planted
        let result = await firstFailure(simulation, within: 3)
        #expect(result != nil, "\(planted.rawValue) is not found")
    }

    @Test("every planted fault has a row")
    func complete() {
        #expect(Set(Self.bites.map(\.planted)) == Set(PlantedFault.allCases))
        #expect(Set(Self.submitBites.map(\.planted)) == Set(PlantedConditionFault.allCases))
        #expect(Set(Self.latestBites.map(\.planted)) == Set(PlantedLatestFault.allCases))
        #expect(Set(Self.storeBites.map(\.planted)) == Set(PlantedStoreFault.allCases))
    }
}
