/// An application goes on over splits and merges of its source, over crashes, and when retention has left nothing of the shards that ended.

import StreamEngine
import StreamStore
import StreamStoreTesting
import Synchronization
import Testing

@Suite("An application on a source that is split and merged")
struct ReshardedSourceTests {
    private static let code = """
        CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "v" INTEGER);
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", "v" FROM "SOURCE_SQL_STREAM_001";
        """

    /// Puts records one after the other, reshards between them, retires what has ended; the run is made anew before the steps in `crashes`.
    private func play(crashes: Set<Int>) async throws -> (rows: [String], gaps: [InputMerge.Gap]) {
        var world = try await ApplicationWorld(code: Self.code, output: "OUT", columns: ApplicationRunTests.columns)
        world.definition.inputs[0].startingPosition = .trimHorizon
        let gaps = Mutex<[InputMerge.Gap]>([])
        let collect: @Sendable (InputMerge.Gap) -> Void = { gap in gaps.withLock { $0.append(gap) } }
        var limits = ApplicationRun.Limits()
        limits.snapshotNanoseconds = 25_000_000
        var run = try await world.run(start: nil, limits: limits, reportGap: collect)
        let key = StreamKey("in")
        for step in 0..<12 {
            let stream = try await world.store.stream(key)
            for shard in stream.openShards {
                try await world.put([#"{"k":"\#(shard.id.index)","v":\#(step)}"#], shard: shard.id.index)
            }
            switch step {
            case 1:
                let range = stream.openShards[0].hashKeyRange
                _ = try await world.store.splitShard(key, stream.openShards[0].id, at: range.start + (range.end - range.start) / 2)
            case 3: _ = try await world.store.mergeShards(key, ShardID(1), ShardID(2))
            case 6: for shard in [0, 1, 2] as [UInt32] { world.store.retire(ShardReference(stream.id, ShardID(shard))) }
            default: break
            }
            world.store.advance(milliseconds: 10)
            if crashes.contains(step) { run = try await world.run(start: nil, limits: limits, reportGap: collect) }
            while try await run.cycle() {}
        }
        return (try world.rows().sorted(), gaps.withLock { $0 })
    }

    @Test("every record gives one row and no gap is told of, whenever the run is made anew", arguments: 0..<12)
    func crashes(_ step: Int) async throws {
        let undisturbed = try await play(crashes: [])
        #expect(undisturbed.gaps.isEmpty)
        // Three shards for the steps 0 and 1, four for 2 and 3, three from then on.
        #expect(undisturbed.rows.count == 38)
        let disturbed = try await play(crashes: [step])
        #expect(disturbed.rows == undisturbed.rows)
        #expect(disturbed.gaps.isEmpty)
    }

    @Test("what goes with a shard before it was read to its end is told, with where it ended")
    func retiredUnread() async throws {
        var world = try await ApplicationWorld(code: Self.code, output: "OUT", columns: ApplicationRunTests.columns)
        world.definition.inputs[0].startingPosition = .trimHorizon
        let gaps = Mutex<[InputMerge.Gap]>([])
        let collect: @Sendable (InputMerge.Gap) -> Void = { gap in gaps.withLock { $0.append(gap) } }
        try await world.put([#"{"k":"0","v":1}"#], shard: 0)
        world.store.advance(milliseconds: 10)
        var run = try await world.run(start: nil, limits: ApplicationRun.Limits(), reportGap: collect)
        while try await run.cycle() {}
        try await run.snapshot()
        // Nobody reads while these come and go.
        for value in 2...4 { try await world.put([#"{"k":"0","v":\#(value)}"#], shard: 0) }
        let (key, stream) = (StreamKey("in"), try await world.store.stream(StreamKey("in")))
        let range = stream.openShards[0].hashKeyRange
        _ = try await world.store.splitShard(key, ShardID(0), at: range.start + (range.end - range.start) / 2)
        world.store.retire(ShardReference(stream.id, ShardID(0)))
        run = try await world.run(start: nil, limits: ApplicationRun.Limits(), reportGap: collect)
        for _ in 0..<3 {
            world.store.advance(milliseconds: 10)
            while try await run.cycle() {}
        }
        let found = gaps.withLock { $0 }
        #expect(found.count == 1)
        #expect(found.first?.shard.shard == ShardID(0) && found.first?.from == 1 && found.first?.to == 4)
        #expect(found.first?.reason == .retired)
    }
}
