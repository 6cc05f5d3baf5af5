/// What a put adds to the minutes of its stream, and of its shards where that is wanted.

import NodeMetrics
import StreamStore

/// The numbers of one put.
struct PutTally: Sendable {
    /// Which of the two operations it is.
    enum Operation: Sendable {
        case putRecord, putRecords
    }

    let kinesis: Kinesis
    let operation: Operation
    let streamName: String
    let entries: [PutEntry]
    /// On the monotonic clock, in nanoseconds.
    let began: UInt64

    /// Some records are durable.
    /// - Parameters:
    ///   - shards: where `shardOfRecord` says each record is, those that were kept out left out.
    ///   - refused: see `PutOutcome.appended`.
    func appended(to shards: [ShardID], shardOfRecord: [Int32], refused: [Int: ShardID], shardMetrics: [String]) {
        var bytes = 0
        for (index, entry) in entries.enumerated() where refused.isEmpty || refused[index] == nil { bytes += entry.size }
        let (records, total) = (entries.count - refused.count, entries.count)
        let milliseconds = Double(kinesis.clock.monotonicNanoseconds() &- began) / 1e6
        kinesis.metrics.stream(streamName).minutes.record(kinesis.now) { values in
            values.add(.incomingBytes, bytes)
            values.add(.incomingRecords, records)
            values.add(.writeExceeded, refused.count)
            switch operation {
            case .putRecord:
                values.add(.putRecordBytes, bytes)
                values.add(.putRecordLatency, milliseconds)
                values.add(.putRecordSuccess, 1)
            case .putRecords:
                values.add(.putRecordsBytes, bytes)
                values.add(.putRecordsLatency, milliseconds)
                values.add(.putRecordsRecords, records)
                values.add(.putRecordsSuccess, 1)
                values.add(.putRecordsTotal, total)
                values.add(.putRecordsSuccessful, records)
                values.add(.putRecordsFailed, 0)
                values.add(.putRecordsThrottled, refused.count)
            }
        }
        if !shardMetrics.isEmpty { count(shards, shardOfRecord, refused, shardMetrics) }
    }

    /// Nothing was taken.
    func throttled(_ shards: [ShardID], shardMetrics: [String]) {
        kinesis.metrics.stream(streamName).minutes.record(kinesis.now) { values in
            values.add(.writeExceeded, entries.count)
            switch operation {
            case .putRecord: values.add(.putRecordSuccess, 0)
            case .putRecords:
                values.add(.putRecordsSuccess, 0)
                values.add(.putRecordsTotal, entries.count)
                values.add(.putRecordsSuccessful, 0)
                values.add(.putRecordsFailed, 0)
                values.add(.putRecordsThrottled, entries.count)
            }
        }
        guard !shardMetrics.isEmpty else { return }
        let refused = Dictionary(uniqueKeysWithValues: shards.enumerated().map { ($0.offset, $0.element) })
        count([], [], refused, shardMetrics)
    }

    /// The store has failed.
    func failed() {
        kinesis.metrics.stream(streamName).minutes.record(kinesis.now) { values in
            switch operation {
            case .putRecord: values.add(.putRecordSuccess, 0)
            case .putRecords:
                values.add(.putRecordsSuccess, 0)
                values.add(.putRecordsTotal, entries.count)
                values.add(.putRecordsFailed, entries.count)
            }
        }
    }

    private func count(_ shards: [ShardID], _ shardOfRecord: [Int32], _ refused: [Int: ShardID], _ wanted: [String]) {
        var sums: [ShardID: (bytes: Int, records: Int, refused: Int)] = [:]
        var places = shardOfRecord.makeIterator()
        for (index, entry) in entries.enumerated() {
            if let shard = refused[index] {
                sums[shard, default: (0, 0, 0)].refused += 1
            } else if let place = places.next(), shards.indices.contains(Int(place)) {
                sums[shards[Int(place)], default: (0, 0, 0)].bytes += entry.size
                sums[shards[Int(place)], default: (0, 0, 0)].records += 1
            }
        }
        for (shard, sum) in sums {
            kinesis.metrics.shard(shard, of: streamName).record(kinesis.now) { values in
                if wanted.contains("IncomingBytes") { values.add(ShardMetric.incomingBytes, Double(sum.bytes)) }
                if wanted.contains("IncomingRecords") { values.add(ShardMetric.incomingRecords, Double(sum.records)) }
                if wanted.contains("WriteProvisionedThroughputExceeded") {
                    values.add(ShardMetric.writeExceeded, Double(sum.refused))
                }
            }
        }
    }
}
