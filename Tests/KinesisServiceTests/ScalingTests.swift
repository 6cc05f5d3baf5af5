/// Scalings that go on behind the answer: who else may touch the shards, and what is left of them after a restart.

import AWSWire
import KinesisService
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct ScalingTests {
    private func scale(_ kinesis: Harness, to target: Int, expecting status: Int = 200) async throws -> JSONValue {
        try await kinesis.call(
            "UpdateShardCount",
            ["StreamName": "s", "TargetShardCount": .number("\(target)"), "ScalingType": "UNIFORM_SCALING"], expecting: status)
    }

    private func status(_ kinesis: Harness) async throws -> String? {
        try await kinesis.call("DescribeStreamSummary", ["StreamName": "s"])["StreamDescriptionSummary"]?["StreamStatus"]?.string
    }

    /// Moves the clock over one step's delay after the other, as a client waits: by asking.
    private func waitUntilActive(_ kinesis: Harness) async throws {
        for _ in 0..<2000 {
            if try await status(kinesis) == "ACTIVE" { return }
            kinesis.store.advance(milliseconds: 1000)
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("the stream is still UPDATING")
    }

    private func delayed(shards: Int64) async throws -> Harness {
        let kinesis = Harness(store: MemoryStore(lifecycleDelay: 1000))
        try await kinesis.create(shards: shards)
        kinesis.store.advance(milliseconds: 1000)
        return kinesis
    }

    private func openRanges(_ kinesis: Harness) async throws -> [HashKeyRange] {
        try await kinesis.description().openShards.map(\.hashKeyRange).sorted { $0.start < $1.start }
    }

    @Test("between two steps the stream is UPDATING, and nobody else touches its shards")
    func exclusive() async throws {
        let kinesis = try await delayed(shards: 4)
        #expect(try await scale(kinesis, to: 8)["TargetShardCount"] == 8)
        kinesis.store.advance(milliseconds: 1000)
        let described = try await kinesis.call("DescribeStream", ["StreamName": "s"])
        #expect(described["StreamDescription"]?["StreamStatus"] == "UPDATING")
        #expect(try await status(kinesis) == "UPDATING")
        let listed = try await kinesis.call("ListStreams", [:])
        #expect(listed["StreamSummaries"]?.array?.first?["StreamStatus"] == "UPDATING")
        let name: JSONValue = "s"
        for (operation, request) in [
            ("UpdateShardCount", ["StreamName": name, "TargetShardCount": 3, "ScalingType": "UNIFORM_SCALING"]),
            (
                "SplitShard",
                [
                    "StreamName": name, "ShardToSplit": "shardId-000000000003",
                    "NewStartingHashKey": .string("\(UInt128.max - 1000)"),
                ]
            ),
            (
                "MergeShards",
                ["StreamName": name, "ShardToMerge": "shardId-000000000002", "AdjacentShardToMerge": "shardId-000000000003"]
            ),
        ] as [(String, JSONValue)] {
            let error = try await kinesis.refused(operation, request)
            #expect(error.type == "ResourceInUseException", "\(operation)")
            #expect(error.message == "Stream s under account 000000000000 not ACTIVE, instead in state UPDATING")
        }
        try await waitUntilActive(kinesis)
        #expect(try await openRanges(kinesis) == HashKeyRange.even(8))
        // And after it another may.
        _ = try await scale(kinesis, to: 4)
        try await waitUntilActive(kinesis)
        #expect(try await openRanges(kinesis) == HashKeyRange.even(4))
    }

    @Test("of several at once one is done")
    func race() async throws {
        let kinesis = try await delayed(shards: 6)
        let taken = try await withThrowingTaskGroup(of: (Int, String?).self) { group in
            for target in [12, 10, 4] {
                group.addTask {
                    let body: JSONValue = [
                        "StreamName": "s", "TargetShardCount": .number("\(target)"), "ScalingType": "UNIFORM_SCALING",
                    ]
                    let reply = try await kinesis.reply(
                        "UpdateShardCount", body.serialized, contentType: "application/x-amz-json-1.1")
                    return (target, try JSONValue(parsing: reply.body)["__type"]?.string)
                }
            }
            return try await group.reduce(into: [(Int, String?)]()) { $0.append($1) }
        }
        #expect(taken.filter { $0.1 == nil }.count == 1)
        #expect(taken.allSatisfy { $0.1 == nil || $0.1 == "ResourceInUseException" })
        try await waitUntilActive(kinesis)
        #expect(try await openRanges(kinesis).count == taken.first { $0.1 == nil }?.0)
    }

    @Test("what was promised is gone on with after a restart")
    func restart() async throws {
        let before = try await delayed(shards: 4)
        _ = try await scale(before, to: 8)
        await before.kinesis.close()
        let after = Harness(store: before.store)
        after.store.advance(milliseconds: 1000)
        #expect(try await status(after) == "UPDATING")
        #expect(try await openRanges(after).count == 5)
        after.kinesis.open()
        try await waitUntilActive(after)
        #expect(try await openRanges(after) == HashKeyRange.even(8))
        await after.kinesis.close()
    }

    @Test("a node that stops promises, durably, and leaves the steps to the next")
    func stopping() async throws {
        let before = Harness()
        try await before.create(shards: 100)
        await before.kinesis.close()
        #expect(try await scale(before, to: 200)["TargetShardCount"] == 200)
        #expect(try await status(before) == "UPDATING")
        #expect(try await openRanges(before).count == 100)
        let after = Harness(store: before.store)
        after.kinesis.open()
        try await waitUntilActive(after)
        #expect(try await openRanges(after).count == 200)
    }

    @Test("a stream that is deleted meanwhile is gone, and one of its name begins anew")
    func deleted() async throws {
        let kinesis = try await delayed(shards: 4)
        _ = try await scale(kinesis, to: 8)
        try await kinesis.call("DeleteStream", ["StreamName": "s"])
        kinesis.store.advance(milliseconds: 1000)
        try await kinesis.create(shards: 2)
        kinesis.store.advance(milliseconds: 1000)
        #expect(try await status(kinesis) == "ACTIVE")
        #expect(try await openRanges(kinesis).count == 2)
    }

    @Test("what there is no room for on the way is refused before the first step")
    func noRoom() async throws {
        let kinesis = Harness(store: MemoryStore(shardLimit: 10)) { $0.shardLimit = 10 }
        try await kinesis.create(shards: 6)
        try await kinesis.create("t", shards: 3)
        let error = try await kinesis.refused(
            "UpdateShardCount", ["StreamName": "s", "TargetShardCount": 8, "ScalingType": "UNIFORM_SCALING"])
        #expect(error.type == "LimitExceededException" && error.message.contains("exceed the shard limit"))
        #expect(try await status(kinesis) == "ACTIVE")
        #expect(try await kinesis.description().shards.count == 6)
    }
}
