/// How much of its input a restart computes again.

import StreamEngine
import StreamStore
import StreamStoreTesting
import Testing

/// The clock is the test's: a turn of the run every second, as an idle one has it at least.
@Suite("What a restart computes again")
struct RestartCostTests {
    private static let windows = """
        CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "n" BIGINT);
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", COUNT(*) FROM "SOURCE_SQL_STREAM_001"
        GROUP BY "k", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '10' MINUTE);
        """
    private static let recordsPerSecond = 4

    /// An application that gets records every second.
    private struct Life {
        let world: ApplicationWorld
        let limits: ApplicationRun.Limits
        var run: ApplicationRun
        var second = 0
        /// The most seconds that the state was being written without a pause.
        var longestSnapshot = 0
        private var snapshot = 0

        init(snapshotBytesPerSecond bytes: Int) async throws {
            world = try await ApplicationWorld(code: windows, output: "OUT", columns: ApplicationRunTests.columns)
            var limits = ApplicationRun.Limits()
            limits.snapshotPartBytes = min(limits.snapshotPartBytes, bytes)
            limits.snapshotStepBytes = bytes
            self.limits = limits
            run = try await world.run(start: .trimHorizon, limits: limits)
        }

        mutating func goOn(to end: Int) async throws {
            while second < end {
                let records = (0..<recordsPerSecond).map { #"{"k":"k\#((second * 4 + $0) % 997)","v":\#($0)}"# }
                try await world.put(records, shard: UInt32(second % 3))
                world.store.advance(milliseconds: 1000)
                _ = try await run.cycle()
                snapshot = run.isWritingSnapshot ? snapshot + 1 : 0
                longestSnapshot = max(longestSnapshot, snapshot)
                second += 1
            }
        }

        /// The node dies and another run goes on.
        /// - Returns: how many seconds of input it computes again.
        mutating func restart() async throws -> Double {
            run = try await world.run(start: nil, limits: limits)
            // Everything up to here was computed before.
            _ = try await run.cycle()
            return Double(run.rowsComputed) / Double(recordsPerSecond)
        }
    }

    @Test(
        "at most a minute of input, whenever the node dies, with snapshots that take no time or many seconds",
        arguments: [(1 << 20, 0...1), (450, 4...12), (250, 10...30)])
    func atAnyTime(bytesPerSecond: Int, expected: ClosedRange<Int>) async throws {
        var most = 0.0
        var longest = 0
        for end in stride(from: 58, through: 640, by: 41) {
            var life = try await Life(snapshotBytesPerSecond: bytesPerSecond)
            try await life.goOn(to: end)
            longest = max(longest, life.longestSnapshot)
            most = max(most, try await life.restart())
        }
        print("a restart computed at most \(most) s of input again; snapshots took up to \(longest) s")
        #expect(most <= 60)
        #expect(most >= 30, "nothing was measured")
        #expect(expected.contains(longest))
    }

    @Test("at most a minute of input, also when the node dies again and again before a snapshot is due")
    func againAndAgain() async throws {
        var life = try await Life(snapshotBytesPerSecond: 1 << 20)
        var most = 0.0
        for end in stride(from: 45, through: 1000, by: 45) {
            try await life.goOn(to: end)
            most = max(most, try await life.restart())
        }
        print("a restart computed at most \(most) s of input again")
        #expect(most <= 60)
        #expect(most >= 30, "nothing was measured")
    }
}
