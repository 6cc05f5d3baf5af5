/// The simulator's own tests: it repeats itself, finds nothing in the log as it is, and finds the faults that are planted.

import Foundation
import Host
import LogSimulation
import StreamLog
import Synchronization
import Testing

/// A size of a test: the variable's value, or the quick one. It is printed, so that a soak run tells what it did.
func size(_ variable: String, _ quick: UInt64) -> UInt64 {
    ProcessInfo.processInfo.environment[variable].flatMap(UInt64.init) ?? quick
}

/// Lets work that takes long wait elsewhere than on the cooperative pool, which the other tests need.
func offThePool<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
    let threads = IOThreads(name: "simulate", count: 1)
    let result = await threads.run(work)
    threads.close()
    return result
}

/// Runs seeds on all cores and adds up what they did.
func simulate(_ simulation: Simulation, _ seeds: ClosedRange<UInt64>) async -> (report: RunReport, failures: [String]) {
    await offThePool { simulateNow(simulation, seeds) }
}

private func simulateNow(_ simulation: Simulation, _ seeds: ClosedRange<UInt64>) -> (report: RunReport, failures: [String]) {
    let sum = Mutex((report: RunReport(), failures: [String]()))
    simulation.run(seeds: seeds, threads: ProcessInfo.processInfo.activeProcessorCount) { result in
        sum.withLock { sum in
            sum.report.add(result)
            if sum.failures.count < 50 { sum.failures += RunReport.lines(for: result) }
        }
        return true
    }
    return sum.withLock { $0 }
}

/// What tells one run of a seed from another.
private struct Trace: Equatable, Sendable {
    var digest: UInt64?
    var tally: Tally
}

private func digests(of kind: FaultKind) -> [Trace] {
    var simulation = Simulation(kind: kind)
    simulation.digests = true
    return (UInt64(1)...20).map { seed in
        let result = simulation.run(seed: seed)
        return Trace(digest: result.digest, tally: result.tally)
    }
}

@Suite(.serialized) struct LogSimulatorTests {
    @Test("a seed run twice asks the disk for the same, bit by bit")
    func determinism() async {
        for kind in FaultKind.allCases {
            let (one, two) = await offThePool { (digests(of: kind), digests(of: kind)) }
            #expect(one == two, "\(kind.rawValue)")
            #expect(one.allSatisfy { $0.digest != nil } && Set(one.map(\.digest)).count == one.count, "\(kind.rawValue)")
        }
    }

    @Test("the log as it is: no violation, whatever goes wrong")
    func seeds() async {
        let count = size("MILLRACE_SIMULATOR_SEEDS", 5_000)
        let (report, failures) = await simulate(Simulation(), 1...count)
        for line in report.table { print(line) }
        print("\(count) seeds, \(report.violations) violations")
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
        let total = report.total
        #expect(
            total.acknowledged > Int(count) * 8 && total.crashes > Int(count) && total.faults > Int(count) / 2
                && total.damaged > Int(count) / 100)
    }

    @Test("a walk of splits, merges, puts and reads, killed now and then, is as its model")
    func walk() async {
        var simulation = Simulation(kind: .walk)
        simulation.walkSteps = Int(size("MILLRACE_WALK_STEPS", 1_000))
        let (report, failures) = await simulate(simulation, 1...4)
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
        let total = report.total
        #expect(
            total.acknowledged > simulation.walkSteps && total.successions > simulation.walkSteps
                && total.crashes > simulation.walkSteps / 25)
    }

    @Test("the store as it is: no violation, whatever goes wrong with its catalog, its log and its clock")
    func storeSeeds() async {
        let count = size("MILLRACE_STORE_SEEDS", 800)
        let (report, failures) = await simulate(Simulation(kind: .store), 1...count)
        for line in report.table { print(line) }
        print("\(count) seeds, \(report.violations) violations")
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
        let total = report.total
        #expect(
            total.acknowledged > Int(count) * 8 && total.crashes > Int(count) && total.faults > Int(count)
                && total.streams > Int(count) && total.fenced > Int(count) / 2 && total.trimmed > Int(count) / 20)
    }

    @Test("appends under conditions are as if decided one after the other in the order of the calls, whatever goes wrong")
    func conditionSeeds() async {
        let count = size("MILLRACE_CONDITION_SEEDS", 1_500)
        let (report, failures) = await simulate(Simulation(kind: .conditions), 1...count)
        for line in report.table { print(line) }
        print("\(count) seeds, \(report.violations) violations")
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
        let total = report.total
        #expect(total.acknowledged > Int(count) * 15 && total.crashes > Int(count) && total.faults > Int(count))
        #expect(total.unacknowledgedFound > Int(count) / 50)
    }

    @Test(
        "a table of latest values says what was acknowledged, under the same revisions, whatever goes wrong while it is compacted")
    func latestSeeds() async {
        let count = size("MILLRACE_LATEST_SEEDS", 600)
        let (report, failures) = await simulate(Simulation(kind: .latest), 1...count)
        for line in report.table { print(line) }
        print("\(count) seeds, \(report.violations) violations")
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
        let total = report.total
        #expect(total.acknowledged > Int(count) * 15 && total.crashes > Int(count) && total.fenced > Int(count))
        #expect(total.unacknowledgedFound > Int(count) / 50)
    }

    @Test(
        "seeds that once found a mistake find none",
        arguments: [
            (FaultKind.diskFull, UInt64(42_850)), (.diskFull, 48_700), (.diskFull, 360_802), (.diskFull, 373_924),
            (.diskFull, 377_902),
            (.truncated, 43_610), (.syncError, 11_384), (.syncError, 31_436), (.syncError, 396_026), (.inputOutput, 10_771),
            (.inputOutput, 310_957),
            (.inputOutput, 506_257), (.together, 355_859), (.together, 361_619), (.tornWrite, 750_422),
            (.diskFull, 879_994), (.store, 741),
            // Since logs end and begin in the simulator's steps, the seeds above stand for other histories than those in which they were found.
            (.truncated, 4_154), (.shortWrite, 4_920), (.syncError, 13_868), (.store, 11_625), (.store, 14_013), (.store, 16_743),
            (.store, 35_556), (.store, 128_582), (.truncated, 138_380), (.store, 222_629), (.missing, 248_559),
            (.together, 328_049), (.latest, 5_028), (.latest, 9_128), (.latest, 34_450), (.shortWrite, 611_214), (.store, 886_448),
            (.store, 180_914),
            (.store, 187_060),
        ])
    func onceFound(_ kind: FaultKind, _ seed: UInt64) async {
        let result = await offThePool { Simulation(kind: kind).run(seed: seed) }
        #expect(result.violations.isEmpty, "\(RunReport.lines(for: result).joined(separator: "\n"))")
    }

    @Test("results come in the order of the seeds, and a run can be ended")
    func order() {
        let seen = Mutex<[UInt64]>([])
        Simulation(kind: FaultKind.none).run(seeds: 5...104, threads: 3) { result in
            seen.withLock { seen in
                seen.append(result.seed)
                return seen.count < 60
            }
        }
        #expect(seen.withLock { $0 } == Array(5...64))
    }
}
