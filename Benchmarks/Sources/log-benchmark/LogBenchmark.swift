/// Measures the log on the real disk: what `Benchmarks/run log` runs.

import ArgumentParser

@main
struct LogBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log-benchmark", abstract: "Measures the log on the real disk, against the disk itself.",
        discussion:
            "Durable means fdatasync before the answer. What a figure means depends on the machine: compare runs of one machine.",
        subcommands: [Measure.self, MakeEmptyStore.self, OpenStore.self, ReadLog.self, LeaveTails.self],
        defaultSubcommand: Measure.self)
}

/// What can be measured.
enum Point: String, CaseIterable, ExpressibleByArgument {
    case appenders, latency, shards, empty, read, tail, opening, submit, once
}

struct Measure: AsyncParsableCommand {
    @Argument(help: "appenders, latency, shards, empty, read, tail, opening, submit, once; all when none is given.")
    var points: [Point] = []
    @Option(help: "A directory on the disk to be measured; a fresh one is made in it and removed afterwards.")
    var directory = "."
    @Option(help: "How long a turn of a sustained load takes.")
    var seconds = 5.0
    @Option(help: "How many turns there are of everything that is compared; medians count.")
    var rounds = 3
    @Option(help: "tasks or threads: how appends are called where both are measured; both when it is not given.")
    var caller: Caller?
    @Flag(help: "One JSON object a line.")
    var json = false

    func validate() throws {
        guard seconds > 0, rounds > 0 else { throw ValidationError("seconds and rounds must be above 0") }
    }

    func run() async throws {
        let working = WorkingDirectory(below: directory)
        let report = Report(isJSON: json)
        let callers = caller.map { [$0] } ?? Caller.allCases
        for point in points.isEmpty ? Point.allCases : points {
            switch point {
            case .appenders:
                await Appenders(directory: working, report: report, callers: callers, seconds: seconds, rounds: rounds).run()
            case .latency:
                await Latency(directory: working, report: report, callers: callers, seconds: seconds, rounds: rounds).run()
            case .shards: await Shards(directory: working, report: report, callers: callers, seconds: seconds, rounds: rounds).run()
            case .empty: EmptyShards(directory: working, report: report).run()
            case .read: await SequentialRead(directory: working, report: report, rounds: rounds).run()
            case .tail: await TailReaders(directory: working, report: report, seconds: seconds, rounds: rounds).run()
            case .submit: await Submits(directory: working, report: report, seconds: seconds, rounds: rounds).run()
            case .once: WriteOnce(directory: working, report: report, seconds: seconds, rounds: rounds).run()
            case .opening: await Opening(directory: working, report: report, rounds: rounds).run()
            }
        }
        working.remove()
    }
}

extension Caller: ExpressibleByArgument {}

/// Work for a process of its own; `Measure` starts them.
struct MakeEmptyStore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(shouldDisplay: false)
    @Argument var path: String
    func run() async { print(await EmptyShards.make(at: path).line) }
}

struct OpenStore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(shouldDisplay: false)
    @Argument var path: String
    func run() async { print(await StoreMeasurement.opening(path).line) }
}

struct ReadLog: AsyncParsableCommand {
    static let configuration = CommandConfiguration(shouldDisplay: false)
    @Argument var path: String
    func run() async { print(await SequentialRead.read(path)) }
}

struct LeaveTails: AsyncParsableCommand {
    static let configuration = CommandConfiguration(shouldDisplay: false)
    @Argument var path: String
    @Argument var megabytes: Int
    @Flag(help: "End as if killed, with the last batches in the journal only.") var killed = false
    func run() async { await Opening.leaveTails(at: path, bytes: megabytes << 20, killed: killed) }
}
