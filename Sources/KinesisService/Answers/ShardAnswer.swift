/// How shards and streams stand in answers.

import AWSWire
import StreamStore

extension WireWriter {
    /// A shard as the next value (Kinesis API, Shard).
    mutating func shard(_ shard: ShardDescription) {
        object { writer in
            writer.field("ShardId", shard.id.description)
            writer.field("ParentShardId", shard.parent?.description)
            writer.field("AdjacentParentShardId", shard.adjacentParent?.description)
            writer.range(shard.hashKeyRange)
            writer.object("SequenceNumberRange") { writer in
                writer.field("StartingSequenceNumber", SequenceNumber.starting(shard).description)
                writer.field("EndingSequenceNumber", SequenceNumber.ending(shard)?.description)
            }
        }
    }

    mutating func range(_ range: HashKeyRange) {
        object("HashKeyRange") { writer in
            writer.field("StartingHashKey", HashKey.text(range.start))
            writer.field("EndingHashKey", HashKey.text(range.end))
        }
    }

    /// What an on-demand stream is ready for, in MiB a second (Kinesis API, WarmThroughputObject).
    mutating func warmThroughput(target: Int, current: Int) {
        object("WarmThroughput") { writer in
            writer.field("TargetMiBps", target)
            writer.field("CurrentMiBps", current)
        }
    }

    /// The members that DescribeStream, DescribeStreamSummary and ListStreams have in common.
    mutating func identity(_ stream: StreamDescription, arn: String) {
        field("StreamName", stream.key.name)
        field("StreamARN", arn)
        field("StreamStatus", stream.status.rawValue)
        object("StreamModeDetails") { $0.field("StreamMode", stream.mode.rawValue) }
        field("StreamCreationTimestamp", milliseconds: stream.createdMilliseconds)
    }

    /// The members that the two descriptions have in common.
    mutating func properties(_ stream: StreamDescription, _ attributes: StreamAttributes) {
        field("RetentionPeriodHours", stream.retentionHours)
        list("EnhancedMonitoring") { writer in writer.object { $0.list("ShardLevelMetrics", attributes.shardMetrics) } }
        field("EncryptionType", attributes.encryptionType)
        field("KeyId", attributes.keyID)
    }
}
