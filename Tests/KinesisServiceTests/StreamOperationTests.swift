/// Creating, describing, listing and deleting streams.

import AWSWire
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct StreamOperationTests {
    private let kinesis = Harness()
    private let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s"

    @Test("a created stream is described with its shards, by name and by ARN")
    func describe() async throws {
        #expect(try await kinesis.call("CreateStream", ["StreamName": "s", "ShardCount": 2]) == .null)
        for request: JSONValue in [
            ["StreamName": "s"], ["StreamARN": .string(arn)], ["StreamName": "s", "StreamARN": .string(arn)],
        ] {
            let description = try #require(try await kinesis.call("DescribeStream", request)["StreamDescription"])
            #expect(description["StreamName"] == "s")
            #expect(description["StreamARN"] == .string(arn))
            #expect(description["StreamStatus"] == "ACTIVE")
            #expect(description["StreamModeDetails"] == ["StreamMode": "PROVISIONED"])
            #expect(description["RetentionPeriodHours"] == 24)
            #expect(description["EncryptionType"] == "NONE")
            #expect(description["HasMoreShards"] == false)
            #expect(description["EnhancedMonitoring"] == [["ShardLevelMetrics": []]])
            #expect(description["StreamCreationTimestamp"] == 1_700_000_000)
            let shards = try #require(description["Shards"]?.array)
            #expect(shards.map { $0["ShardId"] } == ["shardId-000000000000", "shardId-000000000001"])
            #expect(shards[0]["HashKeyRange"]?["EndingHashKey"] == "170141183460469231731687303715884105727")
            #expect(shards[1]["HashKeyRange"]?["EndingHashKey"] == "340282366920938463463374607431768211455")
            #expect(shards[0]["SequenceNumberRange"]?["StartingSequenceNumber"]?.string?.count == 56)
            #expect(shards[0]["SequenceNumberRange"]?["EndingSequenceNumber"] == nil)
            #expect(shards[0]["ParentShardId"] == nil)
        }
        let summary = try await kinesis.call("DescribeStreamSummary", ["StreamName": "s"])["StreamDescriptionSummary"]
        #expect(summary?["OpenShardCount"] == 2)
        #expect(summary?["ConsumerCount"] == 0)
        #expect(summary?["MaxRecordSizeInKiB"] == 1024)
        #expect(summary?["Shards"] == nil)
    }

    @Test("a stream without a shard count, on demand or not, begins with four shards")
    func fourShards() async throws {
        _ = try await kinesis.call("CreateStream", ["StreamName": "a"])
        _ = try await kinesis.call(
            "CreateStream", ["StreamName": "b", "StreamModeDetails": ["StreamMode": "ON_DEMAND"], "MaxRecordSizeInKiB": 2048])
        #expect(try await kinesis.description("a").shards.count == 4)
        #expect(try await kinesis.description("b").shards.count == 4)
        #expect(try await kinesis.description("b").mode == .onDemand)
        #expect(try await kinesis.description("b").maxRecordKiB == 2048)
        let error = try await kinesis.refused(
            "CreateStream", ["StreamName": "c", "ShardCount": 1, "StreamModeDetails": ["StreamMode": "ON_DEMAND"]])
        #expect(error.type == "InvalidArgumentException")
    }

    @Test("there are as many shards as the disk has room for, and streams, unless the settings limit them")
    func limits() async throws {
        try await kinesis.create("many", shards: 1_000)
        let limited = Harness(streamLimit: 2)
        try await limited.create("one")
        try await limited.create("two")
        let error = try await limited.refused("CreateStream", ["StreamName": "three", "ShardCount": 1])
        #expect(error.type == "LimitExceededException" && error.message.contains("count for the account: 2. Limit: 2."))
        #expect(try await limited.refused("CreateStream", ["StreamName": "two", "ShardCount": 1]).type == "ResourceInUseException")
    }

    @Test("what is wrong with a new stream is said in AWS's words")
    func createErrors() async throws {
        let kinesis = Harness(store: MemoryStore(shardLimit: 500))
        try await kinesis.create()
        var error = try await kinesis.refused("CreateStream", ["StreamName": "s", "ShardCount": 1])
        #expect(error == ("ResourceInUseException", "Stream s under account 000000000000 already exists."))
        error = try await kinesis.refused("CreateStream", ["StreamName": "a b", "ShardCount": 0])
        #expect(
            error
                == (
                    "ValidationException",
                    "2 validation errors detected: Value '0' at 'shardCount' failed to satisfy constraint: Member must have value greater than or equal to 1; Value 'a b' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
                ))
        error = try await kinesis.refused("CreateStream", ["StreamName": "t", "ShardCount": 500])
        #expect(error.type == "LimitExceededException")
        #expect(
            error.message.hasPrefix(
                "This request would exceed the shard limit for the account 000000000000 in us-east-1. Current shard count for the account: 1. Limit: 500. Number of additional shards that would have resulted from this request: 500."
            ))
        error = try await kinesis.refused("CreateStream", ["StreamName": "t", "Tags": ["a;b": "c"]])
        #expect(error.type == "InvalidArgumentException")
        error = try await kinesis.refused("CreateStream", ["StreamName": "t", "StreamModeDetails": ["StreamMode": "X"]])
        #expect(error.message.contains("at 'streamModeDetails.streamMode'"))
        #expect(error.message.hasSuffix("Member must satisfy enum value set: [ON_DEMAND, PROVISIONED]"))
        _ = try await kinesis.call("CreateStream", ["StreamName": "t", "Tags": ["team": "blau", "größe": "1/2 + @"]])
        #expect(try await kinesis.description("t").tags == ["team": "blau", "größe": "1/2 + @"])
    }

    @Test("the stream of a request must be named, once or twice alike, and must be here")
    func naming() async throws {
        try await kinesis.create()
        for (request, type): (JSONValue, String) in [
            ([:], "InvalidArgumentException"), (["StreamName": "x"], "ResourceNotFoundException"),
            (["StreamName": "x", "StreamARN": .string(arn)], "InvalidArgumentException"),
            (["StreamARN": "arn:aws:kinesis:us-east-1:111111111111:stream/s"], "ResourceNotFoundException"),
            (["StreamARN": "arn:aws:kinesis:eu-west-1:000000000000:stream/x"], "ResourceNotFoundException"),
            (["StreamARN": "nonsense"], "ValidationException"), (["StreamName": "a/b"], "ValidationException"),
        ] {
            for operation in ["DescribeStream", "DescribeStreamSummary", "DeleteStream"] {
                #expect(try await kinesis.refused(operation, request).type == type, "\(operation) \(request)")
            }
        }
        #expect(
            try await kinesis.refused("DescribeStream", ["StreamName": "x"]).message
                == "Stream x under account 000000000000 not found.")
    }

    @Test("shards are described in pages")
    func describePages() async throws {
        try await kinesis.create(shards: 5)
        var seen: [String] = []
        var start: JSONValue?
        repeat {
            var request = JSONObject([.init(name: "StreamName", value: "s"), .init(name: "Limit", value: 2)])
            request["ExclusiveStartShardId"] = start
            let description = try #require(try await kinesis.call("DescribeStream", .object(request))["StreamDescription"])
            let shards = try #require(description["Shards"]?.array)
            seen += shards.compactMap { $0["ShardId"]?.string }
            start = description["HasMoreShards"] == true ? shards.last?["ShardId"] : nil
        } while start != nil
        #expect(seen == (0..<5).map { "shardId-00000000000\($0)" })
        let lenient = try await kinesis.call("DescribeStream", ["StreamName": "s", "ExclusiveStartShardId": "shardId-3"])
        #expect(lenient["StreamDescription"]?["Shards"]?.array?.count == 1)
        let error = try await kinesis.refused("DescribeStream", ["StreamName": "s", "ExclusiveStartShardId": "nothing"])
        #expect(error == ("ResourceNotFoundException", "Could not find shard nothing in stream s under account 000000000000."))
        #expect(try await kinesis.refused("DescribeStream", ["StreamName": "s", "Limit": 0]).type == "ValidationException")
    }

    @Test("a stream that is being created shows no shards, takes no records and is not listed by shard")
    func creating() async throws {
        let store = MemoryStore(lifecycleDelay: 1000)
        let kinesis = Harness(store: store)
        try await kinesis.create()
        let description = try await kinesis.call("DescribeStream", ["StreamName": "s"])["StreamDescription"]
        #expect(description?["StreamStatus"] == "CREATING")
        #expect(description?["Shards"] == [])
        let put = try await kinesis.refused("PutRecord", ["StreamName": "s", "PartitionKey": "k", "Data": ""])
        #expect(put == ("ResourceNotFoundException", "Stream s under account 000000000000 not found."))
        let list = try await kinesis.refused("ListShards", ["StreamName": "s"])
        #expect(list == ("ResourceInUseException", "Stream s under account 000000000000 not ACTIVE, instead in state CREATING"))
        store.advance(milliseconds: 1000)
        try await kinesis.put("x")
        #expect(try await kinesis.call("DeleteStream", ["StreamName": "s", "EnforceConsumerDeletion": true]) == .null)
        let again = try await kinesis.refused("DeleteStream", ["StreamName": "s"])
        #expect(again.type == "ResourceInUseException")
        store.advance(milliseconds: 1000)
        #expect(try await kinesis.refused("DeleteStream", ["StreamName": "s"]).type == "ResourceNotFoundException")
    }

    @Test("streams are listed in pages, by start name or by token, with summaries")
    func listStreams() async throws {
        for name in ["c", "a", "e", "b", "d"] { try await kinesis.create(name) }
        let first = try await kinesis.call("ListStreams", ["Limit": 2])
        #expect(first["StreamNames"] == ["a", "b"])
        #expect(first["HasMoreStreams"] == true)
        #expect(first["StreamSummaries"]?.array?.first?["StreamARN"] == "arn:aws:kinesis:us-east-1:000000000000:stream/a")
        let token = try #require(first["NextToken"])
        let second = try await kinesis.call("ListStreams", ["Limit": 3, "NextToken": token])
        #expect(second["StreamNames"] == ["c", "d", "e"])
        #expect(second["HasMoreStreams"] == false)
        #expect(second["NextToken"] == nil)
        #expect(try await kinesis.call("ListStreams", ["ExclusiveStartStreamName": "bb"])["StreamNames"] == ["c", "d", "e"])
        #expect(try await kinesis.refused("ListStreams", ["NextToken": "AAAA"]).type == "InvalidArgumentException")
        kinesis.store.advance(milliseconds: 300_001)
        #expect(try await kinesis.refused("ListStreams", ["NextToken": token]).type == "ExpiredNextTokenException")
    }
}
