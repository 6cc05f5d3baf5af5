/// The command line of the log's simulator: runs seeds, prints what was tried, and how to repeat what failed.

public import ArgumentParser
import Foundation
public import LogSimulation
import Synchronization

@main
struct LogSimulator: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log-simulator",
        abstract: "Runs the log's code on a simulated disk, clock and random source, breaks it, and checks what is left.",
        discussion: """
            Every seed is one run: logs are written, trimmed, read and removed, faults come in, the process ends and starts again, and after each
            start everything that was acknowledged is compared. The same seed gives the same run.

            Kinds:
            \(FaultKind.allCases.map { "  \($0.rawValue.padding(toLength: 15, withPad: " ", startingAt: 0)) \($0.summary)" }.joined(separator: "\n"))

            Exit code: 0 without a violation, 1 with one.
            """)

    @Option(help: "The seeds to run, as FROM..TO (both included).") var seeds: SeedRange
    @Option(help: "Run only this kind; without it the kinds take turns.") var fault: FaultKind?
    @Option(help: "How many seeds run at the same time.") var threads = ProcessInfo.processInfo.activeProcessorCount
    @Option(help: "Plant this mistake in the log, to see it found.") var planted: PlantedFault?
    @Option(help: "Plant this mistake in the store, for --fault store.") var plantedInStore: PlantedStoreFault?
    @Option(help: "Plant this mistake in the clients, for --fault conditions.") var plantedInSubmits: PlantedConditionFault?
    @Option(help: "Plant this mistake in a table's compaction, for --fault latest.") var plantedInLatest: PlantedLatestFault?
    @Option(help: "How many steps a seed of --fault walk takes.") var steps = 400
    @Flag(help: "Tell what happens in each seed.") var verbose = false

    func run() throws {
        var simulation = Simulation(kind: fault)
        simulation.tellsStory = verbose
        simulation.planted = planted
        simulation.walkSteps = steps
        simulation.plantedInStore = plantedInStore
        simulation.plantedInSubmits = plantedInSubmits
        simulation.plantedInLatest = plantedInLatest
        let report = Mutex(RunReport())
        let started = ContinuousClock.now
        simulation.run(seeds: seeds.first...seeds.last, threads: threads) { result in
            if verbose {
                print("seed \(result.seed), \(result.kind.rawValue)")
                for line in result.story { print("  \(line)") }
            }
            let more = result.kind == .walk && !result.violations.isEmpty ? " --steps \(steps)" : ""
            for (index, line) in RunReport.lines(for: result).enumerated() { print(index == 0 ? line + more : line) }
            report.withLock { $0.add(result) }
            return true
        }
        let elapsed = started.duration(to: .now)
        let violations = report.withLock { report in
            for line in report.table { print(line) }
            return report.violations
        }
        FileHandle.standardError.write(Data("\(elapsed)\n".utf8))
        print("\(seeds.last - seeds.first + 1) seeds, \(violations) violations")
        if violations > 0 { throw ExitCode(1) }
    }
}

/// `FROM..TO`.
struct SeedRange: ExpressibleByArgument {
    var first: UInt64
    var last: UInt64

    init?(argument: String) {
        let parts = argument.components(separatedBy: "..")
        guard parts.count == 2, let first = UInt64(parts[0]), let last = UInt64(parts[1]), first <= last, last < .max else {
            return nil
        }
        self.first = first
        self.last = last
    }
}

extension FaultKind: ExpressibleByArgument {}
extension PlantedFault: ExpressibleByArgument {}
extension PlantedStoreFault: ExpressibleByArgument {}
extension PlantedConditionFault: ExpressibleByArgument {}
extension PlantedLatestFault: ExpressibleByArgument {}
