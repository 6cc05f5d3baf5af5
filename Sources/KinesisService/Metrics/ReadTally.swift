/// What reading adds to the minutes of a stream, of its shards where that is wanted, and of its consumers.

import NodeMetrics
import StreamStore

extension Kinesis {
    /// A GetRecords call was answered with records, or with none.
    /// - Parameters:
    ///   - bytes: of data and keys.
    ///   - age: of the last record, or how far the shard's end is, in milliseconds.
    ///   - began: on the monotonic clock, in nanoseconds.
    func countRead(
        _ shard: ShardReference, of stream: KinesisMetrics.Stream, named name: String, records: Int, bytes: Int, age: Int64,
        began: UInt64
    ) {
        let milliseconds = Double(clock.monotonicNanoseconds() &- began) / 1e6
        stream.minutes.record(now) { values in
            values.add(.getRecordsBytes, bytes)
            values.add(.getRecordsIteratorAge, Double(age))
            values.add(.getRecordsIteratorAgeMilliseconds, Double(age))
            values.add(.getRecordsLatency, milliseconds)
            values.add(.getRecordsRecords, records)
            values.add(.getRecordsSuccess, 1)
            values.add(.readExceeded, 0)
        }
        countShardRead(shard, named: name, records: records, bytes: bytes, age: age)
    }

    /// A GetRecords call was answered with an error.
    /// - Parameter isThrottled: whether the shard's limits are why.
    func countFailedRead(_ shard: ShardReference, ofStreamNamed name: String, isThrottled: Bool) {
        metrics.stream(name).minutes.record(now) { values in
            values.add(.getRecordsSuccess, 0)
            if isThrottled { values.add(.readExceeded, 1) }
        }
        guard isThrottled,
            attributes.known(shard.stream)?.attributes.shardMetrics.contains("ReadProvisionedThroughputExceeded") == true
        else { return }
        metrics.shard(shard.shard, of: name).record(now) { $0.add(ShardMetric.readExceeded, 1) }
    }

    /// What goes out of a shard, by whichever operation; nothing unless it is wanted.
    func countShardRead(_ shard: ShardReference, named name: String, records: Int, bytes: Int, age: Int64) {
        guard let wanted = attributes.known(shard.stream)?.attributes.shardMetrics, !wanted.isEmpty else { return }
        metrics.shard(shard.shard, of: name).record(now) { values in
            if wanted.contains("OutgoingBytes") { values.add(ShardMetric.outgoingBytes, Double(bytes)) }
            if wanted.contains("OutgoingRecords") { values.add(ShardMetric.outgoingRecords, Double(records)) }
            if wanted.contains("IteratorAgeMilliseconds") { values.add(ShardMetric.iteratorAge, Double(age)) }
        }
    }
}
