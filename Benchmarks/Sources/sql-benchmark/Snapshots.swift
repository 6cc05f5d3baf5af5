/// Snapshots of a large state: how long the pump stands still for them, how much they write, how long a restart takes.

import ArgumentParser
import StreamEngine
import StreamStore

/// Fills an application with groups, all in one open window, then lets it write its state while records go on.
struct Snapshots: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "snapshot")

    @Option(help: "State to fill, in MiB.") var mebibytes = 1024
    @Option(help: "Snapshots after the first, whole one.") var changes = 4
    @Option(help: "Records in each turn of the pump.") var records = 500
    @Option(help: "A directory on the disk to be measured.") var directory = "."

    func run() async throws {
        var limits = ApplicationRun.Limits()
        limits.stateBytes = 16 << 30
        // Each is begun by hand.
        limits.snapshotBytes = .max
        limits.snapshotNanoseconds = .max
        var input = try await StateInput(sensors: (mebibytes << 20) / 100, below: directory)
        do {
            try await measure(&input, limits)
        } catch {
            await input.remove()
            throw error
        }
        await input.remove()
    }

    private func measure(_ input: inout StateInput, _ limits: ApplicationRun.Limits) async throws {
        var run = try await input.makeRun(limits, start: .trimHorizon)
        while run.stateBytes < mebibytes << 20 {
            try await input.put(50_000)
            while try await run.cycle() {}
        }
        var alone: [Double] = []
        for _ in 0..<100 { alone.append(try await turn(&run, &input)) }
        print(
            "state: \(run.stateBytes >> 20) MiB; a turn of \(records) records without a snapshot: median \(Measure.short(alone.median)) ms, longest \(Measure.short(alone.max() ?? 0)) ms"
        )
        for number in 0...changes {
            try await snapshot(number == 0, &run, &input)
            flushOutput()
        }
        let begun = ContinuousClock.now
        let other = try await input.makeRun(limits, start: nil)
        print(
            "a restart: \(Measure.short(Self.milliseconds(since: begun) / 1000)) s to \(other.stateBytes >> 20) MiB; most memory \(ProcessTime.peakBytes >> 20) MiB, of both runs together"
        )
        guard other.stateBytes > run.stateBytes / 2 else { throw BenchmarkError("the restart has less state") }
    }

    private func snapshot(_ whole: Bool, _ run: inout ApplicationRun, _ input: inout StateInput) async throws {
        let before = run.stateLogBytes
        let begun = ContinuousClock.now
        try await run.beginSnapshot(whole: whole)
        let freeze = Self.milliseconds(since: begun)
        var turns = [freeze]
        while run.isWritingSnapshot { turns.append(try await turn(&run, &input)) }
        print(
            "\(whole ? "whole" : "what changed"): \(Measure.short(Double(run.stateLogBytes - before) / 1_048_576)) MiB in \(Int(Self.milliseconds(since: begun))) ms and \(turns.count - 1) turns; median \(Measure.short(turns.median)) ms, longest \(Measure.short(turns.max() ?? 0)) ms, to freeze \(Measure.short(freeze)) ms"
        )
        for _ in 0..<20 { _ = try await turn(&run, &input) }
    }

    /// Milliseconds from records that are there to the end of the run's turn.
    private func turn(_ run: inout ApplicationRun, _ input: inout StateInput) async throws -> Double {
        try await input.put(records)
        let begun = ContinuousClock.now
        _ = try await run.cycle()
        return Self.milliseconds(since: begun)
    }

    private static func milliseconds(since begun: ContinuousClock.Instant) -> Double {
        let time = (ContinuousClock.now - begun).components
        return Double(time.seconds) * 1000 + Double(time.attoseconds) / 1e15
    }
}
