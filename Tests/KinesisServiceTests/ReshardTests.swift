/// Splitting and merging shards through the API, and what readers see of it.

import AWSWire
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct ReshardTests {
    private let kinesis = Harness()
    private let half = "170141183460469231731687303715884105728"

    private func split(_ shard: String = "shardId-000000000000", at key: String? = nil) async throws {
        let request: JSONValue = [
            "StreamName": "s", "ShardToSplit": .string(shard), "NewStartingHashKey": .string(key ?? half),
        ]
        #expect(try await kinesis.call("SplitShard", request) == .null)
    }

    private func shards() async throws -> [JSONValue] {
        try #require(try await kinesis.call("ListShards", ["StreamName": "s"])["Shards"]?.array)
    }

    @Test("a split shard is closed, its children share its hash keys and name it")
    func splits() async throws {
        try await kinesis.create()
        let last = try await kinesis.put("before")
        try await split()
        let shards = try await shards()
        #expect(shards.map { $0["ShardId"]?.string } == (0...2).map { "shardId-00000000000\($0)" })
        let end = try #require(shards[0]["SequenceNumberRange"]?["EndingSequenceNumber"]?.string)
        #expect(end.count == last.count && end >= last)
        for (child, range) in zip(
            shards[1...], [("0", "170141183460469231731687303715884105727"), (half, "340282366920938463463374607431768211455")])
        {
            #expect(child["ParentShardId"] == "shardId-000000000000" && child["AdjacentParentShardId"] == nil)
            #expect(child["HashKeyRange"]?["StartingHashKey"]?.string == range.0)
            #expect(child["HashKeyRange"]?["EndingHashKey"]?.string == range.1)
            #expect(child["SequenceNumberRange"]?["EndingSequenceNumber"] == nil)
            #expect(try #require(child["SequenceNumberRange"]?["StartingSequenceNumber"]?.string) > end)
        }
        #expect(try await kinesis.put("after") > end)
    }

    @Test("a reader at a closed shard's end is told of the children and gets no iterator")
    func drained() async throws {
        try await kinesis.create()
        try await kinesis.put("one")
        let before = try await kinesis.iterator()
        try await split()
        let page = try await kinesis.get(before)
        #expect(page.texts == ["one"])
        let last = page.next == nil ? page : try await kinesis.get(try #require(page.next))
        #expect(last.next == nil)
        let children = try #require(last.answer["ChildShards"]?.array)
        #expect(children.map { $0["ShardId"]?.string } == ["shardId-000000000001", "shardId-000000000002"])
        #expect(children.allSatisfy { $0["ParentShards"] == ["shardId-000000000000"] })
    }

    @Test("merged shards are closed, their child has both as parents")
    func merges() async throws {
        try await kinesis.create(shards: 3)
        let request: JSONValue = [
            "StreamName": "s", "ShardToMerge": "shardId-000000000001", "AdjacentShardToMerge": "shardId-000000000002",
        ]
        #expect(try await kinesis.call("MergeShards", request) == .null)
        let shards = try await shards()
        #expect(shards.count == 4)
        #expect(
            shards[3]["ParentShardId"] == "shardId-000000000001" && shards[3]["AdjacentParentShardId"] == "shardId-000000000002")
        #expect(shards[3]["HashKeyRange"]?["EndingHashKey"] == "340282366920938463463374607431768211455")
        #expect(
            try await kinesis.description().openShards.map(\.id.description) == ["shardId-000000000000", "shardId-000000000003"])
        let again = try await kinesis.refused("MergeShards", request)
        #expect(again.type == "InvalidArgumentException")
        #expect(
            again.message
                == "Shard shardId-000000000001 in stream s under account 000000000000 has already been merged or split, and thus is not "
                + "eligible for merging or splitting.")
    }

    @Test("shards of an on-demand stream are the service's to choose")
    func onDemand() async throws {
        _ = try await kinesis.call("CreateStream", ["StreamName": "s", "StreamModeDetails": ["StreamMode": "ON_DEMAND"]])
        for (operation, request) in [
            ("SplitShard", ["StreamName": "s", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": "5"]),
            (
                "MergeShards",
                ["StreamName": "s", "ShardToMerge": "shardId-000000000000", "AdjacentShardToMerge": "shardId-000000000001"]
            ),
        ] as [(String, JSONValue)] {
            let error = try await kinesis.refused(operation, request)
            #expect(error.type == "ValidationException" && error.message.contains("provisioned capacity mode"))
        }
    }

    @Test("after many splits within a second the listings tell which shards are open, not which were numbered for later")
    func manyInASecond() async throws {
        try await kinesis.create()
        var shard = 0
        for _ in 0..<20 {
            try await split(ShardID(UInt32(shard)).description, at: String(UInt128(1) << (100 - shard)))
            shard = shard == 0 ? 1 : shard + 2
        }
        let open = try await kinesis.description().openShards.map(\.id.description)
        #expect(open.count == 21)
        let now = JSONValue.number(String(kinesis.store.now / 1000))
        for filter: JSONValue in [["Type": "AT_LATEST"], ["Type": "AT_TIMESTAMP", "Timestamp": now]] {
            let listed = try await kinesis.call("ListShards", ["StreamName": "s", "ShardFilter": filter])["Shards"]?.array
            #expect(listed?.compactMap { $0["ShardId"]?.string } == open, "\(filter)")
        }
    }

    @Test("what cannot be split or merged is refused in the service's words")
    func refusals() async throws {
        try await kinesis.create(shards: 3)
        let third = "113427455640312821154458202477256070485"
        for key in ["0", "1", String(third.dropLast() + "4"), third, "340282366920938463463374607431768211455"] {
            let error = try await kinesis.refused(
                "SplitShard", ["StreamName": "s", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": .string(key)])
            #expect(error.type == "InvalidArgumentException")
            #expect(
                error.message
                    == "NewStartingHashKey \(key) used in SplitShard() on shard shardId-000000000000 in stream s under account 000000000000 "
                    + "is not both greater than one plus the shard's StartingHashKey 0 and less than the shard's EndingHashKey "
                    + "113427455640312821154458202477256070484.")
        }
        let large = try await kinesis.refused(
            "SplitShard",
            [
                "StreamName": "s", "ShardToSplit": "shardId-000000000000",
                "NewStartingHashKey": "340282366920938463463374607431768211456",
            ])
        #expect(large.type == "InvalidArgumentException" && large.message.contains("[0, 2^128-1]"))
        let absent = try await kinesis.refused(
            "SplitShard", ["StreamName": "s", "ShardToSplit": "shardId-000000000009", "NewStartingHashKey": "5"])
        #expect(absent.type == "ResourceNotFoundException")
        #expect(absent.message == "Could not find shard shardId-000000000009 in stream s under account 000000000000.")
        for (shard, adjacent) in [(0, 2), (1, 0), (1, 1)] {
            let error = try await kinesis.refused(
                "MergeShards",
                [
                    "StreamName": "s", "ShardToMerge": .string("shardId-00000000000\(shard)"),
                    "AdjacentShardToMerge": .string("shardId-00000000000\(adjacent)"),
                ])
            #expect(error.type == "InvalidArgumentException")
            #expect(
                error.message.hasSuffix(
                    "in stream s under account 000000000000 are not an adjacent pair of shards eligible for merging"))
        }
        let empty = try await kinesis.refused("SplitShard", [:])
        #expect(empty.type == "ValidationException" && empty.message.hasPrefix("2 validation errors detected"))
        let nowhere = try await kinesis.refused(
            "MergeShards",
            ["StreamName": "t", "ShardToMerge": "shardId-000000000000", "AdjacentShardToMerge": "shardId-000000000001"])
        #expect(nowhere.type == "ResourceNotFoundException")
    }
}
