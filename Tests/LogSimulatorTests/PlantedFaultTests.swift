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
    ]

    @Test(
        "each planted fault is found within the seeds stated, and the log without it has no violation on the same seeds",
        arguments: bites)
    func found(_ bite: Bite) async {
        var simulation = Simulation(kind: bite.kind)
        simulation.planted = bite.planted
        let result = await offThePool { [simulation] in
            let found = Mutex<SeedResult?>(nil)
            simulation.run(seeds: 1...bite.seeds, threads: 2) { result in
                found.withLock { found in
                    if !result.violations.isEmpty { found = result }
                    return found == nil
                }
            }
            return found.withLock { $0 }
        }
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

    @Test("every planted fault has a row")
    func complete() {
        #expect(Set(Self.bites.map(\.planted)) == Set(PlantedFault.allCases))
    }
}
