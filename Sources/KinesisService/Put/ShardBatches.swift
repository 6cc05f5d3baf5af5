/// Sorts the records of one call into a batch for each shard.

import AWSWire
import RecordBatch
import StreamStore

/// The batches of one put call, and which record went where.
struct ShardBatches {
    /// Those that get records.
    private(set) var shards: [ShardDescription] = []
    /// For each record, in the order of the call, the place of its shard in `shards`. The records of a shard stand in its batch in the same
    /// order.
    private(set) var shardOfRecord: [Int32] = []
    /// How many bytes of data and keys, and how many records, each batch will have.
    private var sizes: [(bytes: Int, records: Int)] = []

    /// Finds the shard of each record.
    /// - Parameters:
    ///   - hashKeys: of the records, in the order of the call.
    ///   - account: stands in the error's message.
    /// - Throws: `.internalFailure` when the stream has no open shard for one, which a whole stream never shows.
    init(_ entries: [PutEntry], hashKeys: [UInt128], _ stream: StreamDescription, account: String) throws(AWSError) {
        shardOfRecord.reserveCapacity(entries.count)
        var placeOfShard: [ShardID: Int32] = [:]
        var last: (shard: ShardDescription, place: Int32)?
        for (index, entry) in entries.enumerated() {
            let hashKey = hashKeys[index]
            if last.map({ !$0.shard.hashKeyRange.contains(hashKey) }) ?? true {
                guard let id = stream.routing.shard(for: hashKey), let shard = stream.shard(id) else {
                    throw AWSError(
                        .internalFailure,
                        "Stream \(stream.key.name) under account \(account) has no open shard for hash key \(hashKey).")
                }
                last = (shard, place(of: shard, &placeOfShard))
            }
            let place = last?.place ?? 0
            shardOfRecord.append(place)
            sizes[Int(place)].bytes += entry.size
            sizes[Int(place)].records += 1
        }
    }

    private mutating func place(of shard: ShardDescription, _ places: inout [ShardID: Int32]) -> Int32 {
        if shards.first?.id == shard.id { return 0 }
        if let known = places[shard.id] { return known }
        let place = Int32(truncatingIfNeeded: shards.count)
        if place > 0 { places[shard.id] = place }
        shards.append(shard)
        sizes.append((0, 0))
        return place
    }

    /// Builds the batches, in the order of `shards`.
    /// - Parameter timestamp: the records' own, in milliseconds since 1970-01-01 UTC.
    func appends(
        _ entries: [PutEntry], _ arena: UnsafeRawBufferPointer, to stream: StreamID, timestamp: Int64
    ) throws(AWSError) -> [ShardAppend] {
        // A record takes up to 20 bytes besides its data and key, a batch 61.
        var builders = sizes.map { size in
            RecordBatchBuilder(baseTimestamp: timestamp, expectedBytes: 64 + size.bytes + 20 * size.records)
        }
        var appends: [ShardAppend] = []
        appends.reserveCapacity(builders.count)
        do throws(RecordBatchError) {
            for (index, entry) in entries.enumerated() {
                try builders[Int(shardOfRecord[index])].append(
                    key: UnsafeRawBufferPointer(rebasing: arena[entry.partitionKey ?? 0..<0]),
                    value: UnsafeRawBufferPointer(rebasing: arena[entry.data ?? 0..<0]), timestamp: timestamp)
            }
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
