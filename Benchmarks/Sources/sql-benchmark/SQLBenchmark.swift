/// The SQL engine's benchmark: stored batches in, derived rows out, counted per CPU second of the whole process.

import ArgumentParser
import Glibc
import Host

@main
struct SQLBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql-benchmark",
        abstract: "Feeds stored record batches to an application as the server runs it; rows per CPU second of the whole process.",
        subcommands: [Measure.self, Snapshots.self, WriteRecords.self, Regex.self], defaultSubcommand: Measure.self)
}

extension BenchmarkProgram.Name: ExpressibleByArgument {}

/// Measures programs.
struct Measure: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "measure")

    @Argument(help: "The programs; all when none is given.") var programs: [BenchmarkProgram.Name] = []
    @Option(help: "Input records; for the forest a fiftieth of it.") var records = 1_000_000
    @Option(help: "Runs of each program; the median counts.") var rounds = 3
    @Option(help: "Shards of the source, which take turns batch by batch.") var shards = 1
    @Option(help: "Records in each stored batch: 1 is what single puts leave.") var batch = RecordMaker.recordsPerBatch
    @Option(help: "In-application streams into which the shards are dealt out; the program reads all of them together.")
    var parallelism = 1
    @Flag(help: "One line a program: name, records per CPU second.") var plain = false
    @Flag(help: "Also each step by itself.") var steps = false
    @Flag(help: "Records per second of the clock instead: what more cores bring.") var wall = false

    func validate() throws {
        guard shards > 0, batch > 0, (1...64).contains(parallelism) else { throw ValidationError("at least one of everything") }
        guard !steps || (shards == 1 && parallelism == 1) else { throw ValidationError("--steps knows one shard only") }
    }

    func run() async throws {
        // As the server.
        FreedMemory.keepSome()
        for name in programs.isEmpty ? BenchmarkProgram.Name.allCases : programs {
            let program = try BenchmarkProgram(name, parallelism: parallelism)
            let count = name == .anomaly ? max(5000, records / 50) : records
            let input = try await StoredInput(program, records: count, .init(shards: shards, recordsPerBatch: batch))
            let alone = name == .anomaly && !plain ? ForestAlone(records: count) : nil
            var rates: [Double] = []
            var (ratios, forestRates) = ([Double](), [Double]())
            var rows: Int64 = 0
            for round in 0..<rounds {
                // Each goes first in turn: whoever comes second finds other memory and another clock speed.
                let before = round % 2 == 0 ? nil : try await alone?.run()
                try await input.prepare()
                let (begun, begunWall) = (ProcessTime.seconds, ContinuousClock.now)
                rows = try await input.run()
                let elapsed = (ContinuousClock.now - begunWall) / .seconds(1)
                let rate = Double(count) / (wall ? elapsed : ProcessTime.seconds - begun)
                rates.append(rate)
                if rows == 0 { throw BenchmarkError("\(name) gave no rows") }
                let after = before == nil ? try await alone?.run() : nil
                guard let forest = before ?? after else { continue }
                guard forest.high == Int(rows) else {
                    throw BenchmarkError("the forest alone has \(forest.high) scores above 4, the application \(rows) rows")
                }
                ratios.append(rate / forest.rate)
                forestRates.append(forest.rate)
            }
            if plain {
                print("\(name.rawValue) \(Int(rates.median))")
            } else {
                print(
                    "\(name.rawValue): \(Self.millions(rates.median)) million records per \(wall ? "second of the clock" : "CPU second") (\(rates.map(Self.millions).joined(separator: ", "))); \(count) records of \(input.bytes / count) bytes, \(rows) rows out"
                )
            }
            if alone != nil {
                print(
                    "  of the forest alone (\(Self.millions(forestRates.median)): \(forestRates.map(Self.millions).joined(separator: ", "))), in turns: \(Self.short(ratios.median)) (\(ratios.map(Self.short).joined(separator: ", ")))"
                )
            }
            if name == .groups, !plain { print("  most memory so far: \(ProcessTime.peakBytes >> 20) MiB, the input included") }
            if steps, !plain { try Steps(input).report() }
            flushOutput()
        }
    }

    static func millions(_ rate: Double) -> String { short(rate / 1e6) }

    static func short(_ value: Double) -> String {
        let thousandths = (value * 1000).rounded() / 1000
        return "\(thousandths)"
    }
}

/// Writes a program's records as NDJSON for the peers.
struct WriteRecords: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "write")

    @Argument var program: BenchmarkProgram.Name
    @Argument var records: Int
    @Argument var file: String

    func run() throws {
        let maker = try BenchmarkProgram(program).records
        guard let output = fopen(file, "w") else { throw BenchmarkError("\(file) cannot be written") }
        defer { fclose(output) }
        var text: [UInt8] = []
        for number in 0..<records {
            text.removeAll(keepingCapacity: true)
            maker.append(number, to: &text)
            text.append(10)
            fwrite(text, 1, text.count, output)
        }
    }
}

func flushOutput() { fflush(nil) }
