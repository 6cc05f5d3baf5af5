/// Coming back after a crash: with a build that computes rows in another order, and after input is gone.

import StreamEngine
import StreamStore
import StreamStoreTesting
import Testing

@Suite("Recovery of a run")
struct RecoveryTests {
    private static let stream = #"CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "what" VARCHAR(8), "n" BIGINT);"#
    private static func pump(_ name: String, _ what: String, _ aggregate: String) -> String {
        """
        CREATE OR REPLACE PUMP "\(name)" AS INSERT INTO "OUT" SELECT STREAM "k", '\(what)', \(aggregate) FROM "SOURCE_SQL_STREAM_001"
        GROUP BY "k", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '1' SECOND);
        """
    }
    private static let counts = pump("P", "count", "COUNT(*)")
    private static let sums = pump("Q", "sum", #"SUM("v")"#)

    /// Small, so that the rows of a window need several appends.
    private static var limits: ApplicationRun.Limits {
        var limits = ApplicationRun.Limits()
        limits.pieceBytes = 300
        limits.appendBytes = 400
        limits.snapshotPartBytes = 90
        limits.snapshotStepBytes = 200
        limits.snapshotNanoseconds = 3_000_000_000
        return limits
    }

    /// Two lives of an application: the first ends when an append fails, the second has other code.
    private func play(
        failing: Int, _ failure: FailingStore.Failure, code: String, then other: String
    ) async throws -> (rows: [String], appends: Int) {
        var world = try await ApplicationWorld(code: code, output: "OUT", columns: ApplicationRunTests.columns)
        world.definition.inputs[0].startingPosition = .trimHorizon
        let store = FailingStore(world.store, failing: failing, failure, countsAppendsOnly: true)
        var input = SeededRandom(state: 5)
        var run: ApplicationRun?
        var isSecondLife = false
        for number in 0..<12 {
            let records = (0..<8).map {
                #"{"k":"\#("abcdef".randomElement(using: &input) ?? "a")","v":\#(number * 10 + $0)}"#
            }
            try await world.put(records, shard: UInt32(number % 3))
            world.store.advance(milliseconds: 350)
            do {
                if run == nil {
                    run = try await world.run(start: nil, over: isSecondLife ? world.store : store, limits: Self.limits)
                }
                while try await run?.cycle() == true {}
            } catch {
                run = nil
                isSecondLife = true
                world.definition.code = other
            }
        }
        world.store.advance(milliseconds: 5000)
        for _ in 0..<2 {
            do {
                if run == nil { run = try await world.run(start: nil, limits: Self.limits) }
                while try await run?.cycle() == true {}
            } catch {
                run = nil
            }
        }
        return (try world.rows(), store.calls)
    }

    @Test(
        "a build that gives the rows of a window in another order loses none and gives none twice",
        arguments: FailingStore.Failure.allCases)
    func otherOrder(failure: FailingStore.Failure) async throws {
        let (first, second) = (Self.stream + Self.counts + Self.sums, Self.stream + Self.sums + Self.counts)
        let undisturbed = try await play(failing: .max, failure, code: first, then: second)
        let reordered = try await play(failing: .max, failure, code: second, then: second)
        #expect(undisturbed.rows != reordered.rows)
        #expect(undisturbed.rows.sorted() == reordered.rows.sorted())
        #expect(undisturbed.rows.count > 30)
        for append in 1...undisturbed.appends {
            let disturbed = try await play(failing: append, failure, code: first, then: second)
            #expect(disturbed.rows.sorted() == undisturbed.rows.sorted(), "append \(append), \(failure)")
        }
    }

    @Test("rows that were computed leave once, also when retention takes their input before the restart")
    func retention() async throws {
        let code = Self.stream + Self.counts
        let whole = try await retained(failing: .max, code)
        #expect(whole.rows.count == 40)
        for append in 1...whole.appends {
            let cut = try await retained(failing: append, code)
            // Before the rows are durable only the input has them.
            #expect(cut.rows.sorted() == whole.rows.sorted() || cut.rows.isEmpty, "append \(append)")
            if append > 6 { #expect(!cut.rows.isEmpty, "append \(append)") }
        }
    }

    private func retained(failing: Int, _ code: String) async throws -> (rows: [String], appends: Int) {
        var world = try await ApplicationWorld(code: code, output: "OUT", columns: ApplicationRunTests.columns)
        world.definition.inputs[0].startingPosition = .trimHorizon
        let store = FailingStore(world.store, failing: failing, .answerLost, countsAppendsOnly: true)
        let source = ShardReference(world.source.id, ShardID(0))
        try await world.put((0..<40).map { #"{"k":"\#($0)","v":1}"# }, shard: 0)
        world.store.advance(milliseconds: 3000)
        do {
            var run = try await world.run(start: nil, over: store, limits: Self.limits)
            _ = try await run.cycle()
        } catch is StoreError {
            try await world.store.trim(source, before: 40)
        }
        for _ in 0..<2 {
            var run = try await world.run(start: nil, limits: Self.limits)
            while try await run.cycle() {}
        }
        return (try world.rows(), store.calls)
    }
}
