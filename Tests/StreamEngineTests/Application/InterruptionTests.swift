/// Exactly once when any one call of the store fails, before or after it took effect.

import StreamEngine
import StreamStore
import StreamStoreTesting
import Testing

@Suite("A run whose store fails at any one call")
struct InterruptionTests {
    /// Everything is small, so that one window's rows need several appends and a snapshot several parts and appends.
    private static var limits: ApplicationRun.Limits {
        var limits = ApplicationRun.Limits()
        limits.pieceBytes = 300
        limits.cycleBytes = 900
        limits.appendBytes = 120
        limits.snapshotPartBytes = 100
        limits.snapshotStepBytes = 1000
        // Some snapshots are whole, most are not.
        limits.stateLogBytes = 2000
        limits.snapshotNanoseconds = 2_500_000_000
        return limits
    }

    private func step(_ number: Int, _ world: ApplicationWorld, _ input: inout SeededRandom) async throws {
        if number == 4 {
            let whole = world.source.shards[0]
            let half = whole.hashKeyRange.end / 2
            try world.store.close(
                ShardReference(world.source.id, whole.id),
                children: [
                    ShardDescription(
                        id: ShardID(3), hashKeyRange: HashKeyRange(start: 0, end: half), createdSecond: world.store.now / 1000,
                        parent: whole.id),
                    ShardDescription(
                        id: ShardID(4), hashKeyRange: HashKeyRange(start: half + 1, end: whole.hashKeyRange.end),
                        createdSecond: world.store.now / 1000, parent: whole.id),
                ])
        }
        let open: [UInt32] = number < 4 ? [0, 1, 2] : [1, 2, 3, 4]
        // Two shards at the same arrival time, then one a little later.
        for _ in 0..<3 {
            let shard = open[Int(input.next() % UInt64(open.count))]
            let records = (0..<Int(input.next() % 4)).map {
                #"{"k":"\#("abcdef".randomElement(using: &input) ?? "a")","v":\#(number * 10 + $0)}"#
            }
            if !records.isEmpty { try await world.put(records, shard: shard) }
            if input.next() % 2 == 0 { world.store.advance(milliseconds: Int64(input.next() % 300)) }
        }
        world.store.advance(milliseconds: 300)
    }

    private func play(_ code: String, seed: UInt64, failing: Int, _ failure: FailingStore.Failure) async throws -> (
        rows: [String], calls: Int
    ) {
        var world = try await ApplicationWorld(code: code, output: "OUT", columns: ApplicationRunTests.columns)
        world.definition.inputs[0].startingPosition = .trimHorizon
        let store = FailingStore(world.store, failing: failing, failure)
        var input = SeededRandom(state: seed)
        var run: ApplicationRun?
        for number in 0..<11 {
            try await step(number, world, &input)
            do {
                if run == nil { run = try await world.run(start: nil, over: store, limits: Self.limits) }
                while try await run?.cycle() == true {}
            } catch RunFailure.destination {
                // The same run goes on.
            } catch {
                run = nil
            }
        }
        world.store.advance(milliseconds: 5000)
        for _ in 0..<2 {
            do {
                if run == nil { run = try await world.run(start: nil, over: store, limits: Self.limits) }
                while try await run?.cycle() == true {}
                try await run?.snapshot()
            } catch {
                run = nil
            }
        }
        // What the hidden stream holds is what another run goes on with.
        try await step(11, world, &input)
        world.store.advance(milliseconds: 5000)
        run = nil
        for _ in 0..<2 {
            do {
                if run == nil { run = try await world.run(start: nil, over: store, limits: Self.limits) }
                while try await run?.cycle() == true {}
            } catch {
                run = nil
            }
        }
        return (try world.rows(), store.calls)
    }

    @Test(
        "rows come out exactly once and in the same order", arguments: [ApplicationRunTests.counts, ApplicationRunTests.scores],
        FailingStore.Failure.allCases)
    func everyCall(code: String, failure: FailingStore.Failure) async throws {
        let seed: UInt64 = 7
        print("interruptions: seed \(seed)")
        let undisturbed = try await play(code, seed: seed, failing: .max, failure)
        #expect(undisturbed.rows.count > 20)
        for call in 1...undisturbed.calls {
            let disturbed = try await play(code, seed: seed, failing: call, failure)
            #expect(disturbed.rows == undisturbed.rows, "seed \(seed), call \(call), \(failure)")
        }
    }
}
