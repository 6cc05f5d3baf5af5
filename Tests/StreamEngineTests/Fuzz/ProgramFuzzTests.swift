/// Programs that are almost right neither end the process nor hold it up: planned, and where they are right, played.
///
/// A long run is a command: `MILLRACE_FUZZ=200000 Tests/run swift --filter ProgramFuzz`, or `MILLRACE_FUZZ=COUNT:SEED` to begin with a seed. It prints its
/// seed, and writes each program to `$TMPDIR/millrace-fuzz.sql` before it is tried, so that one that ends the process is there to be looked at.

import Foundation
import Glibc
import StreamEngine
import Testing

@Suite("ProgramFuzz")
struct ProgramFuzzTests {
    private static let asked = (ProcessInfo.processInfo.environment["MILLRACE_FUZZ"] ?? "").split(separator: ":").map(String.init)
    private static let count = asked.first.flatMap { Int($0) } ?? 1_500
    private static let seed = asked.dropFirst().first.flatMap { UInt64($0) } ?? (asked.isEmpty ? 1 : UInt64.random(in: 0...999_999))
    /// The longest that one program may take.
    private static let limit = Duration.seconds(1)

    /// What this thread has had of the processor: other tests run beside this one.
    private static var processorTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }

    private func text(_ golden: GoldenCase, _ name: String) -> [UInt8] {
        FileManager.default.contents(atPath: golden.folder.appendingPathComponent(name).path).map(Array.init) ?? []
    }

    @Test("a changed program is refused or played, within a second")
    func mutations() throws {
        let goldens = GoldenCase.all
        let programs = goldens.map { String(decoding: text($0, $0.isQuery ? "query.sql" : "program.sql"), as: UTF8.self) }
        let isLong = !Self.asked.isEmpty
        if isLong { print("MILLRACE_FUZZ=\(Self.count):\(Self.seed), \(goldens.count) programs") }
        let current = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-fuzz.sql")
        var mutation = ProgramMutation(seed: Self.seed, programs: programs)
        var (played, slowest) = (0, Duration.zero)
        for number in 0..<Self.count {
            let index = mutation.choose(Array(goldens.indices))
            let program = mutation.mutated(programs[index], beside: mutation.choose(programs))
            if isLong { try Data(program.utf8).write(to: current) }
            let golden = goldens[index]
            var command = ReplayCommand(
                program: ReplayFile(name: "program.sql", contents: Array(program.utf8)),
                schema: ReplayFile(name: "schema.json", contents: text(golden, "schema.json")),
                input: ReplayFile(name: "input.ndjson", contents: text(golden, "input.ndjson")), endsInput: true)
            command.isQuery = golden.isQuery
            let start = Self.processorTime
            let outcome = command.run { _ in }
            let time = Self.processorTime - start
            slowest = max(slowest, time)
            if outcome.status == .success { played += 1 }
            #expect(time < Self.limit, "number \(number) of seed \(Self.seed) takes \(time):\n\(program)")
            if isLong, number % 20_000 == 19_999 { print("\(number + 1) programs, \(played) played, the slowest in \(slowest)") }
        }
        #expect(played > 0 && played < Self.count)
    }
}
