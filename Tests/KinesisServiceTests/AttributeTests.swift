/// What is kept of a stream besides its records: flags, policies, tags by ARN, and that it outlives the service.

import AWSWire
import KinesisService
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct AttributeTests {
    private let kinesis = Harness()
    private let arn: JSONValue = "arn:aws:kinesis:us-east-1:000000000000:stream/s"

    private func summary(_ kinesis: Harness? = nil) async throws -> JSONValue {
        let answer = try await (kinesis ?? self.kinesis).call("DescribeStreamSummary", ["StreamName": "s"])
        return try #require(answer["StreamDescriptionSummary"])
    }

    @Test("encryption is told in descriptions, in answers to puts and of each record, until it is stopped")
    func encryption() async throws {
        try await kinesis.create()
        try await kinesis.put("before")
        let request: JSONValue = ["StreamName": "s", "EncryptionType": "KMS", "KeyId": "alias/k"]
        #expect(try await kinesis.call("StartStreamEncryption", request) == .null)
        #expect(try await summary()["EncryptionType"] == "KMS")
        #expect(try await summary()["KeyId"] == "alias/k")
        let one = try await kinesis.call("PutRecord", ["StreamName": "s", "PartitionKey": "k", "Data": "YQ=="])
        #expect(one["EncryptionType"] == "KMS")
        let many = try await kinesis.call("PutRecords", ["StreamName": "s", "Records": [["PartitionKey": "k", "Data": "YQ=="]]])
        #expect(many["EncryptionType"] == "KMS")
        let records = try #require(try await kinesis.get(kinesis.iterator()).answer["Records"]?.array)
        #expect(records.count == 3 && records.allSatisfy { $0["EncryptionType"] == "KMS" })
        try await kinesis.call("StopStreamEncryption", request)
        #expect(try await summary()["EncryptionType"] == "NONE")
        #expect(try await summary()["KeyId"] == nil)
        #expect(
            try await kinesis.call("PutRecord", ["StreamName": "s", "PartitionKey": "k", "Data": "YQ=="])["EncryptionType"] == nil)
    }

    @Test("metrics of shards are switched one by one or all at once")
    func monitoring() async throws {
        try await kinesis.create()
        let first = try await kinesis.call(
            "EnableEnhancedMonitoring", ["StreamName": "s", "ShardLevelMetrics": ["OutgoingBytes", "IncomingBytes"]])
        #expect(first["CurrentShardLevelMetrics"] == [])
        #expect(first["DesiredShardLevelMetrics"] == ["IncomingBytes", "OutgoingBytes"])
        #expect(first["StreamARN"] == arn)
        let all = try await kinesis.call("EnableEnhancedMonitoring", ["StreamARN": arn, "ShardLevelMetrics": ["ALL"]])
        #expect(all["CurrentShardLevelMetrics"]?.array?.count == 2 && all["DesiredShardLevelMetrics"]?.array?.count == 7)
        let fewer = try await kinesis.call(
            "DisableEnhancedMonitoring", ["StreamName": "s", "ShardLevelMetrics": ["IncomingBytes"]])
        #expect(fewer["DesiredShardLevelMetrics"]?.array?.count == 6)
        #expect(try await summary()["EnhancedMonitoring"]?.array?.first?["ShardLevelMetrics"]?.array?.count == 6)
        let none = try await kinesis.call("DisableEnhancedMonitoring", ["StreamName": "s", "ShardLevelMetrics": ["ALL"]])
        #expect(none["DesiredShardLevelMetrics"] == [])
    }

    @Test("records may be as large as the stream says, and no larger")
    func maxRecordSize() async throws {
        try await kinesis.create()
        let large: JSONValue = [
            "StreamName": "s", "PartitionKey": "k", "Data": .string(Base64.encode([UInt8](repeating: 65, count: 1500 << 10))),
        ]
        #expect(try await kinesis.refused("PutRecord", large).type == "InvalidArgumentException")
        try await kinesis.call("UpdateMaxRecordSize", ["StreamARN": arn, "MaxRecordSizeInKiB": 2048])
        #expect(try await summary()["MaxRecordSizeInKiB"] == 2048)
        try await kinesis.call("PutRecord", large)
        try await kinesis.call("UpdateMaxRecordSize", ["StreamARN": arn, "MaxRecordSizeInKiB": 1024])
        #expect(try await kinesis.refused("PutRecord", large).type == "InvalidArgumentException")
    }

    @Test("the retention period goes up and down")
    func retention() async throws {
        try await kinesis.create()
        try await kinesis.call("IncreaseStreamRetentionPeriod", ["StreamName": "s", "RetentionPeriodHours": 48])
        #expect(try await summary()["RetentionPeriodHours"] == 48)
        let lower = try await kinesis.refused("IncreaseStreamRetentionPeriod", ["StreamARN": arn, "RetentionPeriodHours": 47])
        #expect(
            lower.message
                == "Requested retention period (47 hours) for stream s can not be shorter than existing retention period (48 hours). Use "
                + "DecreaseRetentionPeriod API.")
        try await kinesis.call("DecreaseStreamRetentionPeriod", ["StreamARN": arn, "RetentionPeriodHours": 24])
        #expect(try await summary()["RetentionPeriodHours"] == 24)
    }

    @Test("a stream changes its mode; its shards are then its owner's to choose, or not")
    func modes() async throws {
        try await kinesis.create()
        try await kinesis.call(
            "UpdateStreamMode", ["StreamARN": arn, "StreamModeDetails": ["StreamMode": "ON_DEMAND"], "WarmThroughputMiBps": 20])
        #expect(try await summary()["StreamModeDetails"]?["StreamMode"] == "ON_DEMAND")
        #expect(try await summary()["WarmThroughput"]?["TargetMiBps"] == 20)
        #expect(try await kinesis.call("DescribeLimits", [:])["OnDemandStreamCount"] == 1)
        #expect(
            try await kinesis.call("ListStreams", [:])["StreamSummaries"]?.array?.first?["StreamModeDetails"]?["StreamMode"]
                == "ON_DEMAND")
        let split: JSONValue = ["StreamName": "s", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": "5"]
        #expect(try await kinesis.refused("SplitShard", split).type == "ValidationException")
        let warm = try await kinesis.call("UpdateStreamWarmThroughput", ["StreamARN": arn, "WarmThroughputMiBps": 30])
        #expect(warm["WarmThroughput"]?["CurrentMiBps"] == 20 && warm["WarmThroughput"]?["TargetMiBps"] == 30)
        try await kinesis.call("UpdateStreamMode", ["StreamARN": arn, "StreamModeDetails": ["StreamMode": "PROVISIONED"]])
        #expect(try await summary()["WarmThroughput"] == nil)
        try await kinesis.call("SplitShard", split)
        #expect(try await kinesis.call("DescribeLimits", [:])["OpenShardCount"] == 2)
    }

    @Test("tags by ARN are those of the stream, and a consumer has its own")
    func tags() async throws {
        try await kinesis.create()
        try await kinesis.call("TagResource", ["ResourceARN": arn, "Tags": ["b": "2", "a": "1"]])
        let listed = try await kinesis.call("ListTagsForResource", ["ResourceARN": arn])
        #expect(listed["Tags"] == [["Key": "a", "Value": "1"], ["Key": "b", "Value": "2"]])
        #expect(try await kinesis.call("ListTagsForStream", ["StreamName": "s"])["Tags"] == listed["Tags"])
        try await kinesis.call("UntagResource", ["ResourceARN": arn, "TagKeys": ["a", "absent"]])
        #expect(try await kinesis.call("ListTagsForResource", ["ResourceARN": arn])["Tags"] == [["Key": "b", "Value": "2"]])

        let consumer = try await kinesis.call(
            "RegisterStreamConsumer", ["StreamARN": arn, "ConsumerName": "c", "Tags": ["x": "y"]])
        let consumerARN = try #require(consumer["Consumer"]?["ConsumerARN"])
        try await kinesis.call("TagResource", ["ResourceARN": consumerARN, "Tags": ["z": ""]])
        #expect(
            try await kinesis.call("ListTagsForResource", ["ResourceARN": consumerARN])["Tags"]
                == [["Key": "x", "Value": "y"], ["Key": "z", "Value": ""]])
        try await kinesis.call("UntagResource", ["ResourceARN": consumerARN, "TagKeys": ["x"]])
        #expect(try await kinesis.call("ListTagsForResource", ["ResourceARN": consumerARN])["Tags"]?.array?.count == 1)
        let many = JSONObject((0..<50).map { .init(name: "k\($0)", value: "v") })
        let tooMany = try await kinesis.refused("TagResource", ["ResourceARN": consumerARN, "Tags": .object(many)])
        #expect(tooMany.type == "InvalidArgumentException")
    }

    @Test("policies are kept as they were put, of streams and of consumers")
    func policies() async throws {
        try await kinesis.create()
        let consumer = try await kinesis.call("RegisterStreamConsumer", ["StreamARN": arn, "ConsumerName": "c"])
        for resource in [arn, try #require(consumer["Consumer"]?["ConsumerARN"])] {
            #expect(try await kinesis.call("GetResourcePolicy", ["ResourceARN": resource])["Policy"] == "{}")
            let policy: JSONValue = #"{ "Version": "2012-10-17", "Statement": [] }"#
            try await kinesis.call("PutResourcePolicy", ["ResourceARN": resource, "Policy": policy])
            #expect(try await kinesis.call("GetResourcePolicy", ["ResourceARN": resource])["Policy"] == policy)
            try await kinesis.call("DeleteResourcePolicy", ["ResourceARN": resource])
            #expect(
                try await kinesis.refused("DeleteResourcePolicy", ["ResourceARN": resource]).type == "ResourceNotFoundException")
        }
        let long = JSONValue.string(#"{"Statement":""# + String(repeating: "x", count: 20 << 10) + #""}"#)
        #expect(
            try await kinesis.refused("PutResourcePolicy", ["ResourceARN": arn, "Policy": long]).type == "LimitExceededException")
    }

    @Test("all streams together leave room for what others keep beside records")
    func bound() async throws {
        let sid = String(repeating: "x", count: 19 << 10)
        let policy = JSONValue.string(
            #"{"Statement":{"Sid":"\#(sid)","Effect":"Allow","Principal":"*","Action":"kinesis:*","Resource":"*"}}"#)
        func arn(_ number: Int) -> JSONValue { .string("arn:aws:kinesis:us-east-1:000000000000:stream/s\(number)") }
        var refusal: String?
        var number = 0
        while refusal == nil, number < 60 {
            number += 1
            try await kinesis.create("s\(number)")
            for name in ["a", "b", "c"] where refusal == nil {
                let consumer = try await kinesis.call(
                    "RegisterStreamConsumer", ["StreamARN": arn(number), "ConsumerName": .string(name)])
                let resource = try #require(consumer["Consumer"]?["ConsumerARN"])
                let body = (["ResourceARN": resource, "Policy": policy] as JSONValue).serialized
                let reply = try await kinesis.reply("PutResourcePolicy", body, contentType: "application/x-amz-json-1.1")
                if reply.status != 200 { refusal = String(decoding: reply.body, as: UTF8.self) }
            }
        }
        #expect(refusal?.contains("LimitExceededException") == true && refusal?.contains("those of all streams") == true)
        // 2 MiB, some 57 KiB each.
        #expect((35...38).contains(number))
        // What does not grow is changed all the same, and what is deleted makes room.
        try await kinesis.call("EnableEnhancedMonitoring", ["StreamName": "s1", "ShardLevelMetrics": ["ALL"]])
        try await kinesis.call("DeleteStream", ["StreamName": "s2", "EnforceConsumerDeletion": true])
        try await kinesis.call("PutResourcePolicy", ["ResourceARN": arn(number), "Policy": policy])
    }

    @Test("all of it is there for the next process, and none of it for the next stream of the name")
    func durable() async throws {
        try await kinesis.create()
        try await kinesis.call("StartStreamEncryption", ["StreamName": "s", "EncryptionType": "KMS", "KeyId": "k"])
        try await kinesis.call("RegisterStreamConsumer", ["StreamARN": arn, "ConsumerName": "c"])
        try await kinesis.call("UpdateMaxRecordSize", ["StreamARN": arn, "MaxRecordSizeInKiB": 4096])
        let next = Harness(store: kinesis.store)
        let found = try await summary(next)
        #expect(found["EncryptionType"] == "KMS" && found["ConsumerCount"] == 1 && found["MaxRecordSizeInKiB"] == 4096)
        try await next.call("DeleteStream", ["StreamName": "s", "EnforceConsumerDeletion": true])
        try await next.create()
        let anew = try await summary(next)
        #expect(anew["EncryptionType"] == "NONE" && anew["ConsumerCount"] == 0 && anew["MaxRecordSizeInKiB"] == 1024)
    }

    @Test("changes that come at once are all made")
    func atOnce() async throws {
        try await kinesis.create()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try await kinesis.call(
                        "RegisterStreamConsumer", ["StreamARN": arn, "ConsumerName": .string("c\(number)")])
                }
            }
            try await group.waitForAll()
        }
        #expect(try await summary()["ConsumerCount"] == 40)
    }

    @Test("the account's commitment is enabled, and ends when it may")
    func account() async throws {
        func status(_ answer: JSONValue) -> JSONValue? { answer["MinimumThroughputBillingCommitment"]?["Status"] }
        func update(_ wanted: JSONValue) async throws -> JSONValue {
            try await kinesis.call("UpdateAccountSettings", ["MinimumThroughputBillingCommitment": ["Status": wanted]])
        }
        #expect(status(try await kinesis.call("DescribeAccountSettings", [:])) == "DISABLED")
        let enabled = try await update("ENABLED")
        #expect(status(enabled) == "ENABLED")
        #expect(enabled["MinimumThroughputBillingCommitment"]?["EarliestAllowedEndAt"] != nil)
        #expect(status(try await update("DISABLED")) == "ENABLED_UNTIL_EARLIEST_ALLOWED_END")
        #expect(
            status(try await Harness(store: kinesis.store).call("DescribeAccountSettings", [:]))
                == "ENABLED_UNTIL_EARLIEST_ALLOWED_END")
        kinesis.store.advance(milliseconds: 25 * 3_600_000)
        #expect(status(try await kinesis.call("DescribeAccountSettings", [:])) == "DISABLED")
    }

    @Test("ARNs in answers are of the region that the caller signed for; those in requests may be of any")
    func regions() async throws {
        try await kinesis.create()
        let answer = try await kinesis.call("DescribeStream", ["StreamName": "s"], region: "eu-west-3")
        let arn = try #require(answer["StreamDescription"]?["StreamARN"])
        #expect(arn == "arn:aws:kinesis:eu-west-3:000000000000:stream/s")
        try await kinesis.call("PutRecord", ["StreamARN": arn, "PartitionKey": "k", "Data": "YQ=="])
        let consumer = try await kinesis.call(
            "RegisterStreamConsumer", ["StreamARN": arn, "ConsumerName": "c"], region: "eu-west-3")
        let consumerARN = try #require(consumer["Consumer"]?["ConsumerARN"]?.string)
        #expect(consumerARN.hasPrefix("arn:aws:kinesis:eu-west-3:000000000000:stream/s/consumer/c:"))
        let described = try await kinesis.call("DescribeStreamConsumer", ["ConsumerARN": .string(consumerARN)])
        #expect(described["ConsumerDescription"]?["StreamARN"] == self.arn)
        // What is no region does not get into an ARN.
        let odd = try await kinesis.call("DescribeStream", ["StreamName": "s"], region: "a\"b")
        #expect(odd["StreamDescription"]?["StreamARN"] == self.arn)
    }
}
