/// Measures tables of latest values on the real disk: what `Benchmarks/run latest` runs.

import ArgumentParser
import EmbeddedStore
import Foundation
import Host
import LatestValues
import StreamLog

@main
struct LatestBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latest-benchmark", abstract: "Measures a table of latest values: updates, reads, ranges, opening, memory.",
        subcommands: [Measure.self, OpenTable.self], defaultSubcommand: Measure.self)
}

/// How large the table is.
struct TableShape: ParsableArguments {
    @Option(help: "How many keys the table has.") var keys = 1_000_000
    @Option(help: "Bytes of a value.") var valueBytes = 150

    func key(_ number: Int) -> [UInt8] {
        let digits = String(number)
        return Array("device/\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits)".utf8)
    }

    func value(_ seed: Int) -> [UInt8] {
        let text = Array("{\"n\":\(seed),".utf8)
        return text + (0..<max(0, valueBytes - text.count)).map { UInt8(truncatingIfNeeded: 97 + ($0 &* 7 &+ seed) % 26) }
    }

    /// Reads keys and ranges, one after the other, and says how long each took.
    func reads(_ table: LatestTable) async throws {
        var random = SplitMix(state: 5)
        for (what, limit) in [("one key", 1), ("a range of 10 keys", 10), ("a range of 100 keys", 100)] {
            var taken: [Double] = []
            let cpu = Figures.cpuSeconds()
            for _ in 0..<(limit == 100 ? 500 : 2_000) {
                let key = key(Int(random.next() % UInt64(keys)))
                let start = ContinuousClock.now
                if limit == 1 {
                    _ = try await table.value(of: key)
                } else {
                    _ = try await table.entries(in: KeyRange(from: key), limit: limit)
                }
                taken.append(Figures.seconds(ContinuousClock.now - start) * 1_000_000)
            }
            let cost = (Figures.cpuSeconds() - cpu) / Double(taken.count) * 1_000_000
            taken.sort()
            print(
                "Reading \(what): median \(Figures.decimal(taken[taken.count / 2])) µs, 99 of 100 within \(Figures.decimal(taken[taken.count * 99 / 100])) µs; "
                    + "\(Figures.decimal(cost)) µs of processor."
            )
        }
    }
}

/// A table in a directory, with the log's buffers as small as a node that serves little else would have them.
struct OpenedTable {
    let disk: RealDisk
    let store: EmbeddedStore<RealDisk>
    let table: LatestTable

    static var options: EmbeddedStoreOptions {
        var options = EmbeddedStoreOptions(retentionSweepSeconds: nil)
        options.log.flushThresholdBytes = 8 << 20
        options.log.maxUnflushedBytes = 24 << 20
        options.log.tailCacheBytes = 4 << 20
        return options
    }

    static var settings: String {
        let log = options.log
        return "flushed from \(log.flushThresholdBytes >> 20) MiB on, at most \(log.maxUnflushedBytes >> 20) MiB unflushed, "
            + "\(log.tailCacheBytes >> 20) MiB for readers at the tail (a node's own: 64, 256, 32); "
            + "malloc's arenas: \(ProcessInfo.processInfo.environment["MALLOC_ARENA_MAX"].map { "at most \($0) (MALLOC_ARENA_MAX)" } ?? "as it likes")"
    }

    init(_ path: String) async throws {
        let options = Self.options
        disk = try RealDisk(root: path)
        store = try await EmbeddedStore.open(disk: disk, directory: path, time: SystemTime(), options: options).store
        table = try await LatestTable.open("bench", store: store, time: SystemTime())
    }

    func close() async {
        await table.close()
        await store.close()
        disk.close()
    }
}

struct Measure: AsyncParsableCommand {
    @OptionGroup var shape: TableShape
    @Option(help: "A directory on the disk to be measured; a fresh one is made in it and removed afterwards.") var directory = "."
    @Option(help: "How long a load takes.") var seconds = 5.0
    @Flag(help: "Leave the directory, for `open-table`.") var keep = false

    func run() async throws {
        // As a node does at its start.
        FreedMemory.keepSome()
        let path = "\(directory)/latest-benchmark-\(getpid())"
        defer { if !keep { try? FileManager.default.removeItem(atPath: path) } }
        print(
            "A table of \(shape.keys) keys of \(shape.key(0).count) bytes with values of \(shape.valueBytes) bytes; durable means fdatasync before the answer."
        )
        print("The log's memory: \(OpenedTable.settings).")
        print("Yardstick: \(Figures.number(try syncsPerSecond())) syncs/s of 4 KiB, written in place, one after the other.")
        let opened = try await OpenedTable(path)
        try await fill(opened.table)
        print("The process: \(Figures.residentBytes() >> 20) MiB resident.")
        for load in [
            Load(writers: 16, changes: 100, rate: 100_000), Load(writers: 16, changes: 100), Load(writers: 1_000, changes: 1),
            Load(writers: 16, changes: 100, isConditional: true),
        ] {
            try await updates(opened.table, load)
        }
        try await shape.reads(opened.table)
        let statistics = opened.table.statistics
        print(
            "Log: \(statistics.logBytes >> 20) MiB for \(statistics.liveBytes >> 20) MiB live; \(statistics.moved) records moved by compactions."
        )
        print(
            "Index: \(statistics.indexBytes >> 20) MiB. The process: \(Figures.residentBytes() >> 20) MiB resident."
        )
        await opened.close()
        try open(path)
    }

    private func fill(_ table: LatestTable) async throws {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            let share = (shape.keys + 15) / 16
            for writer in 0..<16 {
                group.addTask { [shape] in
                    let all = writer * share..<min((writer + 1) * share, shape.keys)
                    for first in stride(from: all.lowerBound, to: all.upperBound, by: 200) {
                        try await table.update(
                            (first..<min(first + 200, all.upperBound)).map { LatestChange(shape.key($0), to: shape.value($0)) })
                    }
                }
            }
            try await group.waitForAll()
        }
        let taken = Figures.seconds(ContinuousClock.now - start)
        print("Filled in \(Figures.decimal(taken)) s: \(Figures.number(Double(shape.keys) / taken)) new keys/s.")
    }

    private struct Load {
        var writers: Int
        var changes: Int
        var isConditional = false
        /// Updates per second of all together; nil for as many as there can be.
        var rate: Int?

        /// How long a writer's calls are apart when none takes longer.
        var pace: Duration? { rate.map { .nanoseconds(Int64(writers * changes) * 1_000_000_000 / Int64(max(1, $0))) } }
    }

    private func updates(_ table: LatestTable, _ load: Load) async throws {
        let (start, cpu, before) = (ContinuousClock.now, Figures.cpuSeconds(), table.statistics)
        let end = start + .seconds(seconds)
        let done = try await withThrowingTaskGroup(of: Int.self) { group in
            for writer in 0..<load.writers {
                group.addTask { [shape] in
                    var random = SplitMix(state: UInt64(writer) &+ 77)
                    var (done, next) = (0, start)
                    while ContinuousClock.now < end {
                        if let pace = load.pace {
                            next += pace
                            try await Task.sleep(until: next)
                        }
                        // Each has keys of its own, so that every condition holds.
                        let changes = (0..<load.changes).map { place in
                            let number = Int(random.next() % UInt64(max(1, shape.keys / load.writers / load.changes)))
                            let key = shape.key(min((number * load.changes + place) * load.writers + writer, shape.keys - 1))
                            let condition = load.isConditional ? table.revision(of: key).map(LatestChange.Condition.revision) : nil
                            return LatestChange(key, to: shape.value(done + place), if: condition ?? .none)
                        }
                        try await table.update(changes)
                        done += changes.count
                    }
                    return done
                }
            }
            return try await group.reduce(0, +)
        }
        let taken = Figures.seconds(ContinuousClock.now - start)
        let appends = table.statistics.appends - before.appends
        print(
            "\(load.writers) writers, \(load.changes)\(load.isConditional ? " compare-and-set" : "") a call\(load.rate.map { ", asked for \($0) updates/s" } ?? ""): "
                + "\(Figures.number(Double(done) / taken)) durable updates/s in \(Figures.number(Double(appends) / taken)) appends/s, "
                + "\(Figures.decimal((Figures.cpuSeconds() - cpu) / Double(done) * 1_000_000)) µs of processor each; "
                + "\(Figures.residentBytes() >> 20) MiB resident.")
    }

    /// In a process of its own, so that its memory is its own.
    private func open(_ path: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["open-table", path, "--keys", "\(shape.keys)"]
        try process.run()
        process.waitUntilExit()
    }

    private func syncsPerSecond() throws -> Double {
        let path = "\(directory)/latest-benchmark-\(getpid()).yardstick"
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer {
            close(descriptor)
            unlink(path)
        }
        let block = [UInt8](repeating: 7, count: 4_096)
        guard descriptor >= 0, pwrite(descriptor, block, block.count, 0) == block.count, fsync(descriptor) == 0 else {
            throw ValidationError("\(path): errno \(errno)")
        }
        let start = ContinuousClock.now
        var count = 0
        while ContinuousClock.now - start < .seconds(1) {
            _ = pwrite(descriptor, block, block.count, 0)
            _ = fdatasync(descriptor)
            count += 1
        }
        return Double(count)
    }
}

/// Opens a table and says what that took.
struct OpenTable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "open-table", shouldDisplay: false)
    @Argument var path: String
    @OptionGroup var shape: TableShape
    @Flag(help: "Read keys and ranges too.") var reads = false

    func run() async throws {
        FreedMemory.keepSome()
        let (start, cpu) = (ContinuousClock.now, Figures.cpuSeconds())
        let opened = try await OpenedTable(path)
        let value = try await opened.table.value(of: shape.key(shape.keys / 2))
        print(
            "Opened, store and table, with one read: \(Figures.decimal(Figures.seconds(ContinuousClock.now - start))) s, "
                + "\(Figures.decimal(Figures.cpuSeconds() - cpu)) s of processor; \(opened.table.count) keys, "
                + "\(Figures.residentBytes() >> 20) MiB resident, at most \(Figures.peakBytes() >> 20)\(value == nil ? "; THE VALUE IS MISSING" : "")."
        )
        if reads { try await shape.reads(opened.table) }
        await opened.close()
    }
}

/// A small generator with a seed.
struct SplitMix {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Numbers for people, and what the system says of this process.
enum Figures {
    static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }

    static func decimal(_ value: Double) -> String { String(format: value < 10 ? "%.2f" : "%.0f", value) }
    static func number(_ value: Double) -> String { String(format: "%.0f", value) }

    static func cpuSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    static func residentBytes() -> Int { status("VmRSS:") }
    static func peakBytes() -> Int { status("VmHWM:") }

    private static func status(_ field: String) -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(field) }
        return (line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }
}
