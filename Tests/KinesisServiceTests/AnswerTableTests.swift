/// The catalogue of answers: one line for each operation, input, and the error that it must give.

import AWSWire
import StreamStore
import StreamStoreTesting
import Testing

/// Calls against a node with a provisioned stream `s` of two shards, an on-demand stream `o` and a consumer `c` of `s`. To add one is to add a line.
@Suite struct AnswerTableTests {
    struct Line: Sendable, CustomStringConvertible {
        var operation: String
        var request: JSONValue
        var type: String
        /// What the message begins with; the whole of it where it ends with a full stop or a bracket.
        var message: String
        init(_ operation: String, _ request: JSONValue, _ type: String, _ message: String) {
            (self.operation, self.request, self.type, self.message) = (operation, request, type, message)
        }
        var description: String { "\(operation) \(String(decoding: request.serialized, as: UTF8.self))" }
    }

    static let arn: JSONValue = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
    static let absent: JSONValue = "arn:aws:kinesis:us-east-1:000000000000:stream/absent"
    static let foreign: JSONValue = "arn:aws:kinesis:us-east-1:000000000001:stream/s"
    static let noConsumer: JSONValue = "arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/d:1"
    static let (validation, argument, missing) = ("ValidationException", "InvalidArgumentException", "ResourceNotFoundException")
    static let (limit, inUse, serialization) = ("LimitExceededException", "ResourceInUseException", "SerializationException")

    static func null(_ names: String...) -> String {
        let noun = names.count == 1 ? "error" : "errors"
        return "\(names.count) validation \(noun) detected: "
            + names.map { "Value null at '\($0)' failed to satisfy constraint: Member must not be null" }.joined(separator: "; ")
    }
    static func one(_ value: String, _ name: String, _ constraint: String) -> String {
        "1 validation error detected: Value '\(value)' at '\(name)' failed to satisfy constraint: Member must \(constraint)"
    }
    static let arnPattern = #"satisfy regular expression pattern: arn:aws.*:kinesis:.*:\d{12}:.*stream/\S+"#
    static let absentMessage = "Stream absent under account 000000000000 not found."

    static let lines: [Line] = [
        Line("UpdateShardCount", [:], validation, null("targetShardCount", "scalingType")),
        Line(
            "UpdateShardCount", ["StreamName": "s", "TargetShardCount": 0, "ScalingType": "UNIFORM_SCALING"], validation,
            one("0", "targetShardCount", "have value greater than or equal to 1")),
        Line(
            "UpdateShardCount", ["StreamName": "s", "TargetShardCount": 2, "ScalingType": "OTHER"], validation,
            one("OTHER", "scalingType", "satisfy enum value set: [UNIFORM_SCALING]")),
        Line(
            "UpdateShardCount", ["TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"], argument,
            "Either StreamName or StreamARN should be provided."),
        Line(
            "UpdateShardCount", ["StreamName": "absent", "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"], missing,
            absentMessage),
        Line(
            "UpdateShardCount", ["StreamName": "s", "TargetShardCount": 5, "ScalingType": "UNIFORM_SCALING"], limit,
            "UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: 2, Target shard "
                + "count: 5"),
        Line(
            "UpdateShardCount", ["StreamName": "s", "TargetShardCount": 10_001, "ScalingType": "UNIFORM_SCALING"], limit,
            "Target shard count or number of open shards cannot be greater than 10000. Current open shard count: 2, Target shard "
                + "count: 10001"),
        Line(
            "UpdateShardCount", ["StreamName": "o", "TargetShardCount": 1, "ScalingType": "UNIFORM_SCALING"], validation,
            "Request is invalid. Stream o under account 000000000000 is in On-Demand mode."),
        Line("IncreaseStreamRetentionPeriod", ["StreamName": "s"], validation, null("retentionPeriodHours")),
        Line(
            "IncreaseStreamRetentionPeriod", ["StreamName": "s", "RetentionPeriodHours": 23], argument,
            "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short."),
        Line(
            "DecreaseStreamRetentionPeriod", ["StreamName": "s", "RetentionPeriodHours": 8761], argument,
            "Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long."),
        Line(
            "DecreaseStreamRetentionPeriod", ["StreamName": "s", "RetentionPeriodHours": 48], argument,
            "Requested retention period (48 hours) for stream s can not be longer than existing retention period (24 hours). Use "
                + "IncreaseRetentionPeriod API."),
        Line("IncreaseStreamRetentionPeriod", ["StreamName": "absent", "RetentionPeriodHours": 48], missing, absentMessage),
        Line("UpdateStreamMode", [:], validation, null("streamARN", "streamModeDetails")),
        Line(
            "UpdateStreamMode", ["StreamARN": arn, "StreamModeDetails": ["StreamMode": "X"]], validation,
            one("X", "streamModeDetails.streamMode", "satisfy enum value set: [ON_DEMAND, PROVISIONED]")),
        Line("UpdateStreamMode", ["StreamARN": absent, "StreamModeDetails": ["StreamMode": "ON_DEMAND"]], missing, absentMessage),
        Line(
            "UpdateStreamMode", ["StreamARN": arn, "StreamModeDetails": ["StreamMode": "PROVISIONED"], "WarmThroughputMiBps": 1],
            validation, "WarmThroughputMiBps can only be specified for a stream in ON_DEMAND mode."),
        Line("UpdateMaxRecordSize", ["StreamARN": arn], validation, null("maxRecordSizeInKiB")),
        Line(
            "UpdateMaxRecordSize", ["StreamARN": arn, "MaxRecordSizeInKiB": 10_241], validation,
            one("10241", "maxRecordSizeInKiB", "have value less than or equal to 10240")),
        Line("UpdateMaxRecordSize", ["StreamARN": absent, "MaxRecordSizeInKiB": 2048], missing, absentMessage),
        Line("UpdateStreamWarmThroughput", ["StreamName": "o"], validation, null("warmThroughputMiBps")),
        Line(
            "UpdateStreamWarmThroughput", ["StreamName": "s", "WarmThroughputMiBps": 5], validation,
            "Warm throughput can only be set for a stream in ON_DEMAND mode. Stream s under account 000000000000 is in PROVISIONED mode."
        ),
        Line("StartStreamEncryption", ["StreamName": "s"], validation, null("encryptionType", "keyId")),
        Line(
            "StartStreamEncryption", ["StreamName": "s", "EncryptionType": "AES", "KeyId": "k"], validation,
            one("AES", "encryptionType", "satisfy enum value set: [NONE, KMS]")),
        Line(
            "StartStreamEncryption", ["StreamName": "s", "EncryptionType": "NONE", "KeyId": "k"], argument,
            "EncryptionType must be KMS."),
        Line("StopStreamEncryption", ["StreamName": "absent", "EncryptionType": "KMS", "KeyId": "k"], missing, absentMessage),
        Line("EnableEnhancedMonitoring", ["StreamName": "s"], validation, null("shardLevelMetrics")),
        Line(
            "EnableEnhancedMonitoring", ["StreamName": "s", "ShardLevelMetrics": []], validation,
            one("[]", "shardLevelMetrics", "have length greater than or equal to 1")),
        Line(
            "DisableEnhancedMonitoring", ["StreamName": "s", "ShardLevelMetrics": ["Nothing"]], validation,
            one("[Nothing]", "shardLevelMetrics", "satisfy constraint: [Member must satisfy enum value set: [IncomingBytes, ")),
        Line("TagResource", [:], validation, null("tags", "resourceARN")),
        Line("TagResource", ["ResourceARN": "arn:x", "Tags": ["a": "b"]], validation, one("arn:x", "resourceARN", arnPattern)),
        Line("TagResource", ["ResourceARN": absent, "Tags": ["a": "b"]], missing, absentMessage),
        Line(
            "TagResource", ["ResourceARN": foreign, "Tags": ["a": "b"]], missing,
            "Stream s under account 000000000001 not found."),
        Line(
            "TagResource", ["ResourceARN": arn, "Tags": ["a!": "b"]], argument,
            "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @."),
        Line(
            "TagResource", ["ResourceARN": noConsumer, "Tags": ["a": "b"]], missing,
            "Consumer arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/d:1, account 000000000000 not found."),
        Line("UntagResource", ["ResourceARN": arn], validation, null("tagKeys")),
        Line("UntagResource", ["ResourceARN": absent, "TagKeys": ["a"]], missing, absentMessage),
        Line("ListTagsForResource", [:], validation, null("resourceARN")),
        Line("ListTagsForResource", ["ResourceARN": absent], missing, absentMessage),
        Line("PutResourcePolicy", ["ResourceARN": arn], validation, null("policy")),
        Line(
            "PutResourcePolicy", ["ResourceARN": arn, "Policy": "no JSON"], argument,
            "Policy document is not valid: the document is not JSON: "),
        Line("PutResourcePolicy", ["ResourceARN": absent, "Policy": #"{"Statement":[]}"#], missing, absentMessage),
        Line("GetResourcePolicy", ["ResourceARN": absent], missing, absentMessage),
        Line("DeleteResourcePolicy", ["ResourceARN": arn], missing, "No resource policy found for resource ARN arn:aws:kinesis"),
        Line("UpdateAccountSettings", [:], validation, null("minimumThroughputBillingCommitment")),
        Line(
            "UpdateAccountSettings", ["MinimumThroughputBillingCommitment": ["Status": "ON"]], validation,
            one("ON", "minimumThroughputBillingCommitment.status", "satisfy enum value set: [ENABLED, DISABLED]")),
        Line("RegisterStreamConsumer", [:], validation, null("streamARN", "consumerName")),
        Line(
            "RegisterStreamConsumer", ["StreamARN": arn, "ConsumerName": "a/b"], validation,
            one("a/b", "consumerName", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+")),
        Line("RegisterStreamConsumer", ["StreamARN": absent, "ConsumerName": "c"], missing, absentMessage),
        Line(
            "RegisterStreamConsumer", ["StreamARN": arn, "ConsumerName": "c"], inUse,
            "Consumer c under stream s, account 000000000000 already exists."),
        Line(
            "DescribeStreamConsumer", [:], argument,
            "Either ConsumerARN or both StreamARN and ConsumerName should be provided."),
        Line(
            "DescribeStreamConsumer", ["StreamARN": arn, "ConsumerName": "d"], missing,
            "Consumer d, account 000000000000 not found."),
        Line(
            "DescribeStreamConsumer", ["ConsumerARN": arn], validation,
            one(
                "arn:aws:kinesis:us-east-1:000000000000:stream/s", "consumerARN",
                #"satisfy regular expression pattern: ^(arn):aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+"#
            )),
        Line(
            "DeregisterStreamConsumer", ["ConsumerARN": noConsumer], missing,
            "Consumer arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/d:1, account 000000000000 not found."),
        Line("ListStreamConsumers", [:], validation, null("streamARN")),
        Line("ListStreamConsumers", ["StreamARN": absent], missing, absentMessage),
        Line("ListStreamConsumers", ["StreamARN": arn, "NextToken": "x"], argument, "Invalid NextToken."),
        Line("SubscribeToShard", [:], validation, null("consumerARN", "shardId", "startingPosition")),
        Line(
            "SubscribeToShard",
            ["ConsumerARN": noConsumer, "ShardId": "shardId-000000000000", "StartingPosition": ["Type": "NOW"]], validation,
            one(
                "NOW", "startingPosition.type",
                "satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]")),
        Line(
            "SubscribeToShard",
            ["ConsumerARN": noConsumer, "ShardId": "shardId-000000000000", "StartingPosition": ["Type": "LATEST"]], missing,
            "Consumer arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/d:1, account 000000000000 not found."),
        Line(
            "DeleteStream", ["StreamName": "s"], inUse,
            "Stream s under account 000000000000 has registered consumers. Deregister them, or set EnforceConsumerDeletion."),
        Line(
            "UpdateShardCount", ["TargetShardCount": "x"], serialization,
            "class java.lang.String can not be converted to an Integer"),
    ]

    @Test("each error has its type and its words")
    func errors() async throws {
        let kinesis = Harness()
        try await kinesis.create(shards: 2)
        try await kinesis.call("CreateStream", ["StreamName": "o", "StreamModeDetails": ["StreamMode": "ON_DEMAND"]])
        try await kinesis.call("RegisterStreamConsumer", ["StreamARN": Self.arn, "ConsumerName": "c"])
        for line in Self.lines {
            let error = try await kinesis.refused(line.operation, line.request)
            #expect(error.type == line.type, "\(line)")
            #expect(error.message.hasPrefix(line.message), "\(line): \(error.message)")
        }
    }

    @Test("all operations of the service's model are in the table of operations")
    func operations() {
        let kinesis = Harness()
        let served = [
            "AddTagsToStream", "CreateStream", "DeleteResourcePolicy", "DecreaseStreamRetentionPeriod", "DeleteStream",
            "DeregisterStreamConsumer", "IncreaseStreamRetentionPeriod",
            "DescribeAccountSettings", "DescribeLimits", "DescribeStream", "DescribeStreamConsumer", "DescribeStreamSummary",
            "DisableEnhancedMonitoring", "EnableEnhancedMonitoring", "GetRecords", "GetResourcePolicy", "GetShardIterator",
            "ListShards", "ListStreamConsumers", "ListStreams", "ListTagsForResource", "ListTagsForStream", "MergeShards",
            "PutRecord", "PutRecords", "PutResourcePolicy", "RegisterStreamConsumer", "RemoveTagsFromStream", "SplitShard",
            "StartStreamEncryption", "StopStreamEncryption", "SubscribeToShard", "TagResource", "UntagResource",
            "UpdateAccountSettings", "UpdateMaxRecordSize", "UpdateShardCount", "UpdateStreamMode", "UpdateStreamWarmThroughput",
        ]
        for operation in served { #expect(kinesis.admit(operation, bodyLength: 2) != nil, "\(operation)") }
    }
}
