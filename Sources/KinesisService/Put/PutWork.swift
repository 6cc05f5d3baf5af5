/// The work that PutRecord and PutRecords share: limits, routing, one append for all.

import AWSWire
import Host
import NodeMetrics
import StreamStore

/// What became of a put call.
enum PutOutcome: Sendable {
    /// Everything is durable. The places are those of the records, in the order of the call.
    case appended(shards: [ShardDescription], places: [ShardBatches.Place], [Appended])
    /// Nothing was taken, for want of room: the caller should try again. The shards are those of the records.
    case throttled([ShardID])
}

extension Kinesis {
    /// How often a put is tried again when a shard is closed between routing and append.
    private static let reshardAttempts = 3

    /// Puts the records of a call.
    /// - Throws: `.resourceNotFound`, `.invalidArgument` before anything is appended; `.internalFailure`.
    func put(
        _ entries: [PutEntry], _ arena: [UInt8], toStreamNamed name: String, maxTotalBytes: ((StreamDescription) -> Int)? = nil
    ) async throws(AWSError) -> PutOutcome {
        let start = clock.monotonicNanoseconds()
        var attempt = 0
        while true {
            attempt += 1
            let stream = try await stream(named: name)
            // While it is being created or deleted AWS says that it does not exist.
            guard stream.status == .active || stream.status == .updating else { throw notFound(name) }
            let byteCount = try check(entries, stream, maxTotalBytes?(stream))
            var batches = try route(entries, arena, stream, byteCount)
            let appends = try batches.finish(stream.id)
            do throws(StoreError) {
                let appended = try await store.append(appends, fence: nil)
                metrics.putDuration.observe(nanoseconds: clock.monotonicNanoseconds() &- start)
                return .appended(shards: batches.shards, places: batches.places, appended)
            } catch {
                switch error {
                case .overloaded: return .throttled(batches.places.map { batches.shards[$0.batch].id })
                case .shardClosed where attempt < Self.reshardAttempts: continue
                default: throw awsError(error)
                }
            }
        }
    }

    /// Checks the sizes, which depend on the stream. Returns the sum.
    private func check(
        _ entries: [PutEntry], _ stream: StreamDescription, _ maxTotalBytes: Int?
    ) throws(AWSError) -> Int {
        let limit = stream.maxRecordKiB << 10
        var sum = 0
        for entry in entries {
            guard entry.size <= limit else {
                throw AWSError(
                    .invalidArgument,
                    "Record of \(entry.size) bytes, data and partition key together, exceeds the stream's maximum record size of \(limit) bytes."
                )
            }
            sum += entry.size
        }
        if let maxTotalBytes, sum > maxTotalBytes {
            throw AWSError(.invalidArgument, "Records size exceeds \(maxTotalBytes >> 20) MB limit")
        }
        return sum
    }

    private func route(
        _ entries: [PutEntry], _ arena: [UInt8], _ stream: StreamDescription, _ byteCount: Int
    ) throws(AWSError) -> ShardBatches {
        var batches = ShardBatches(
            recordCount: entries.count, byteCount: byteCount, shardCount: stream.openShards.count, timestamp: now)
        let account = settings.accountID
        try arena.withUnsafeBufferPointer { (buffer) throws(AWSError) in
            let bytes = UnsafeRawBufferPointer(buffer)
            for entry in entries {
                let hashKey = try entry.hashKey(bytes)
                guard let id = stream.routing.shard(for: hashKey), let shard = stream.shard(id) else {
                    throw AWSError(
                        .internalFailure,
                        "Stream \(stream.key.name) under account \(account) has no open shard for hash key \(hashKey).")
                }
                try batches.append(
                    key: UnsafeRawBufferPointer(rebasing: bytes[entry.partitionKey ?? 0..<0]),
                    data: UnsafeRawBufferPointer(rebasing: bytes[entry.data ?? 0..<0]), to: shard)
            }
        }
        return batches
    }
}
