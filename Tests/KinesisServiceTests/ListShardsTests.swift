/// Listing shards: pages, tokens, and filters over a stream that was split.

import AWSWire
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct ListShardsTests {
    private let kinesis = Harness()

    private func ids(_ answer: JSONValue) -> [Int] {
        (answer["Shards"]?.array ?? []).compactMap { $0["ShardId"]?.string?.suffix(3) }.compactMap { Int($0) }
    }

    /// Two shards at 1,700,000,000; shard 0 is split into 2 and 3 ten seconds later.
    private func split() async throws {
        try await kinesis.create(shards: 2)
        try await kinesis.put("x", key: "k")
        let stream = try await kinesis.description()
        kinesis.store.advance(milliseconds: 10_000)
        let range = stream.shards[0].hashKeyRange
        let middle = range.start + (range.end - range.start) / 2
        let second = kinesis.store.now / 1000
        try kinesis.store.close(
            ShardReference(stream.id, ShardID(0)),
            children: [
                ShardDescription(
                    id: ShardID(2), hashKeyRange: .init(start: range.start, end: middle), createdSecond: second, parent: ShardID(0)),
                ShardDescription(
                    id: ShardID(3), hashKeyRange: .init(start: middle + 1, end: range.end), createdSecond: second,
                    parent: ShardID(0)),
            ])
        kinesis.store.advance(milliseconds: 10_000)
    }

    @Test("a closed shard has an ending number, its children name it")
    func closed() async throws {
        try await split()
        let shards = try #require(try await kinesis.call("ListShards", ["StreamName": "s"])["Shards"]?.array)
        #expect(shards.count == 4)
        #expect(shards[0]["SequenceNumberRange"]?["EndingSequenceNumber"]?.string?.count == 56)
        #expect(shards[1]["SequenceNumberRange"]?["EndingSequenceNumber"] == nil)
        #expect(shards[2]["ParentShardId"] == "shardId-000000000000")
        #expect(shards[3]["AdjacentParentShardId"] == nil)
        #expect(
            try await kinesis.call("DescribeStreamSummary", ["StreamName": "s"])["StreamDescriptionSummary"]?["OpenShardCount"] == 3
        )
    }

    @Test(
        "filters name the shards that were open at a point, or from it on",
        arguments: [
            (["Type": "AT_LATEST"], [1, 2, 3]), (["Type": "AT_TRIM_HORIZON"], [0, 1]),
            (["Type": "FROM_TRIM_HORIZON"], [0, 1, 2, 3]),
            (["Type": "AT_TIMESTAMP", "Timestamp": 1_700_000_005], [0, 1]),
            (["Type": "AT_TIMESTAMP", "Timestamp": 1_700_000_015], [1, 2, 3]),
            (["Type": "FROM_TIMESTAMP", "Timestamp": 1_700_000_005], [0, 1, 2, 3]),
            (["Type": "FROM_TIMESTAMP", "Timestamp": 1_700_000_015], [1, 2, 3]),
            (["Type": "AT_TIMESTAMP", "Timestamp": 1], [0, 1]),
            (["Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000001"], [2, 3]),
        ] as [(JSONValue, [Int])])
    func filters(_ filter: JSONValue, _ expected: [Int]) async throws {
        try await split()
        #expect(ids(try await kinesis.call("ListShards", ["StreamName": "s", "ShardFilter": filter])) == expected)
        // The same, a shard at a time.
        var page = try await kinesis.call("ListShards", ["StreamName": "s", "ShardFilter": filter, "MaxResults": 1])
        var seen = ids(page)
        while let token = page["NextToken"] {
            page = try await kinesis.call("ListShards", ["NextToken": token, "MaxResults": 1])
            seen += ids(page)
        }
        #expect(seen == expected)
    }

    @Test("filters without what they need, and tokens beside other members, are refused")
    func errors() async throws {
        try await split()
        for filter: JSONValue in [
            ["Type": "AFTER_SHARD_ID"], ["Type": "AT_TIMESTAMP"], ["Type": "FROM_TIMESTAMP", "Timestamp": 9_999_999_999],
        ] {
            #expect(
                try await kinesis.refused("ListShards", ["StreamName": "s", "ShardFilter": filter]).type
                    == "InvalidArgumentException")
        }
        #expect(
            try await kinesis.refused("ListShards", ["StreamName": "s", "ShardFilter": ["Type": "X"]]).type == "ValidationException"
        )
        #expect(try await kinesis.refused("ListShards", ["StreamName": "s", "ShardFilter": [:]]).type == "ValidationException")
        #expect(
            try await kinesis.refused("ListShards", [:])
                == ("InvalidArgumentException", "Either NextToken or StreamName should be provided."))
        let token = try #require(try await kinesis.call("ListShards", ["StreamName": "s", "MaxResults": 1])["NextToken"])
        #expect(
            try await kinesis.refused("ListShards", ["StreamName": "s", "NextToken": token])
                == ("InvalidArgumentException", "NextToken and StreamName cannot be provided together."))
        #expect(try await kinesis.refused("ListShards", ["NextToken": "AAAA"]).type == "InvalidArgumentException")
        kinesis.store.advance(milliseconds: 300_001)
        #expect(try await kinesis.refused("ListShards", ["NextToken": token]).type == "ExpiredNextTokenException")
    }

    @Test("a stream of another creation time is not the one that was meant")
    func creationTime() async throws {
        try await kinesis.create()
        let request: (Int64) -> JSONValue = { ["StreamName": "s", "StreamCreationTimestamp": .number(String($0))] }
        #expect(ids(try await kinesis.call("ListShards", request(1_700_000_000))) == [0])
        #expect(try await kinesis.refused("ListShards", request(1_600_000_000)).type == "ResourceNotFoundException")
    }

    @Test("a token of a deleted stream does not open the next one of its name")
    func deleted() async throws {
        try await kinesis.create(shards: 2)
        let token = try #require(try await kinesis.call("ListShards", ["StreamName": "s", "MaxResults": 1])["NextToken"])
        _ = try await kinesis.call("DeleteStream", ["StreamName": "s"])
        try await kinesis.create(shards: 2)
        #expect(try await kinesis.refused("ListShards", ["NextToken": token]).type == "ResourceNotFoundException")
    }
}
