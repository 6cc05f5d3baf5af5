/// Sorts the records of one call into a batch for each shard.

import AWSWire
import RecordBatch
import StreamStore

/// The batches of one put call, and which record went where.
struct ShardBatches {
    /// Where a record went: which batch, and which record of it.
    struct Place: Sendable {
        var batch: Int
        var index: Int
    }

    private(set) var shards: [ShardDescription] = []
    /// One for each record, in the order of the call.
    private(set) var places: [Place] = []
    private var builders: [RecordBatchBuilder] = []
    private var batchOfShard: [ShardID: Int] = [:]
    private let timestamp: Int64
    private let expectedBytes: Int

    /// - Parameters:
    ///   - recordCount: how many records will come.
    ///   - byteCount: the bytes of their data and keys.
    ///   - shardCount: among how many open shards they will be divided.
    ///   - timestamp: the records' own, in milliseconds since 1970-01-01 UTC.
    init(recordCount: Int, byteCount: Int, shardCount: Int, timestamp: Int64) {
        self.timestamp = timestamp
        places.reserveCapacity(recordCount)
        // A record takes up to 20 bytes besides its data and key, a batch 61; a quarter more, since hashing is not even.
        let total = byteCount + 20 * recordCount
        expectedBytes = 64 + (shardCount <= 1 ? total : total / shardCount * 5 / 4)
    }

    mutating func append(
        key: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, to shard: ShardDescription
    ) throws(AWSError) {
        let batch = index(of: shard)
        places.append(Place(batch: batch, index: builders[batch].recordCount))
        do throws(RecordBatchError) {
            try builders[batch].append(key: key, value: data, timestamp: timestamp)
        } catch {
            throw AWSError(.internalFailure, error.description)
        }
    }

    private mutating func index(of shard: ShardDescription) -> Int {
        if let last = places.last, shards[last.batch].id == shard.id { return last.batch }
        if let known = batchOfShard[shard.id] { return known }
        batchOfShard[shard.id] = shards.count
        shards.append(shard)
        builders.append(RecordBatchBuilder(baseTimestamp: timestamp, expectedBytes: expectedBytes))
        return shards.count - 1
    }

    /// What to append, in the order of `shards`. Ends the collecting.
    mutating func finish(_ stream: StreamID) throws(AWSError) -> [ShardAppend] {
        var appends: [ShardAppend] = []
        appends.reserveCapacity(builders.count)
        do throws(RecordBatchError) {
            // Taken out one by one from the end: a builder that still stood in the array would be copied.
            while let builder = builders.popLast() {
                appends.append(ShardAppend(ShardReference(stream, shards[builders.count].id), try builder.finish()))
            }
        } catch {
            throw AWSError(.internalFailure, error.description)
        }
        appends.reverse()
        return appends
    }
}
