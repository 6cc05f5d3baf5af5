/// Puts records that leave an application into batches for the shards of their destinations.

import RecordBatch
import StreamSQL
package import StreamStore

/// The destinations of one run, as they are when an append is made.
package struct OutputRouter {
    /// A batch is closed at this size, so that readers and compaction have pieces of a sensible length.
    private static let batchBytes = 1 << 20
    /// Shards of keys that are remembered, so that a key is hashed once and not for each row.
    private static let rememberedKeys = 4096

    /// A destination that cannot take rows now. Nothing was appended.
    package struct Unavailable: Error, Sendable {
        /// Nil when it is not known which destination it was.
        package var output: String?
        package var reason: StoreError
    }

    private struct Target {
        let output: ApplicationOutput
        var stream: StreamDescription?
        var shardOfKey: [ArraySlice<UInt8>: ShardID] = [:]
        /// The batch being filled for each shard that took a row.
        var builders: [(shard: ShardID, builder: RecordBatchBuilder)] = []
        var slots: [ShardID: Int] = [:]
    }

    private let store: any StreamStore
    private var targets: [String: Target] = [:]

    init(_ outputs: [ApplicationOutput], store: any StreamStore) {
        self.store = store
        for output in outputs { targets[output.id] = Target(output: output) }
    }

    /// The batches for records of several outputs. Records of outputs that are not there any more have nowhere to go.
    mutating func route(_ rows: [(output: String, rows: OutgoingRows)], at milliseconds: Int64) async throws -> [ShardAppend] {
        var appends: [ShardAppend] = []
        for (id, rows) in rows where rows.count > 0 {
            guard var target = targets.removeValue(forKey: id) else { continue }
            defer { targets[id] = target }
            try await refresh(&target)
            try Self.route(rows, to: &target, at: milliseconds, into: &appends)
        }
        return appends
    }

    /// Looks at the destination as it is now.
    private func refresh(_ target: inout Target) async throws(Unavailable) {
        let stream: StreamDescription
        do throws(StoreError) {
            stream = try await store.stream(target.output.destination.key)
        } catch {
            throw Unavailable(output: target.output.name, reason: error)
        }
        guard stream.shards.contains(where: { $0.endOffset == nil }) else {
            throw Unavailable(output: target.output.name, reason: .streamBusy(stream.key, stream.status))
        }
        if target.stream?.id != stream.id || target.stream?.routing != stream.routing { target.shardOfKey = [:] }
        target.stream = stream
    }

    private static func route(
        _ rows: OutgoingRows, to target: inout Target, at milliseconds: Int64, into appends: inout [ShardAppend]
    ) throws {
        guard let stream = target.stream else { return }
        // Room for a whole batch where the rows fill one; less where many shards share them.
        let expected = min(batchBytes + batchBytes / 16, 4096 + rows.byteCount / stream.routing.count)
        func makeBuilder() -> RecordBatchBuilder {
            RecordBatchBuilder(baseTimestamp: milliseconds, codec: .none, expectedBytes: expected)
        }
        for rows in rows.pieces {
            for row in 0..<rows.count {
                guard let shard = shard(of: rows.keys.bytes[rows.keys.range(row)], in: &target, stream) else {
                    // All rows of the append are routed again when there is one.
                    (target.builders, target.slots) = ([], [:])
                    throw Unavailable(output: target.output.name, reason: .failed("no open shard takes the hash key of a row"))
                }
                let slot = slot(of: shard, in: &target, makeBuilder)
                let (key, value) = (rows.keys.range(row), rows.values.range(row))
                try rows.keys.bytes.withUnsafeBytesOf(key) { key throws(RecordBatchError) in
                    try rows.values.bytes.withUnsafeBytesOf(value) { value throws(RecordBatchError) in
                        try target.builders[slot].builder.append(key: key, value: value, timestamp: milliseconds)
                    }
                }
                guard target.builders[slot].builder.byteCount >= batchBytes else { continue }
                // Exchanged, so that the full one has no other holder and is not copied to be finished.
                var full = makeBuilder()
                swap(&full, &target.builders[slot].builder)
                appends.append(ShardAppend(ShardReference(stream.id, shard), try (consume full).finish()))
            }
        }
        target.builders.reverse()
        while let (shard, builder) = target.builders.popLast() {
            guard builder.recordCount > 0 else { continue }
            appends.append(ShardAppend(ShardReference(stream.id, shard), try (consume builder).finish()))
        }
        target.slots = [:]
    }

    private static func shard(of key: ArraySlice<UInt8>, in target: inout Target, _ stream: StreamDescription) -> ShardID? {
        if stream.routing.count == 1 { return stream.routing.shard(for: 0) }
        if let known = target.shardOfKey[key] { return known }
        let shard = key.withUnsafeBytes { stream.routing.shard(for: HashKey.hash(partitionKey: $0)) }
        if target.shardOfKey.count >= rememberedKeys { target.shardOfKey = [:] }
        // A copy, so that the rows are not kept with it.
        target.shardOfKey[ArraySlice(Array(key))] = shard
        return shard
    }

    private static func slot(
        of shard: ShardID, in target: inout Target, _ makeBuilder: () -> RecordBatchBuilder
    ) -> Int {
        // Most destinations have few shards, and most rows follow one to the same shard.
        if let last = target.builders.last, last.shard == shard { return target.builders.count - 1 }
        if let slot = target.slots[shard] { return slot }
        let slot = target.builders.count
        target.builders.append((shard, makeBuilder()))
        target.slots[shard] = slot
        return slot
    }
}

extension [UInt8] {
    /// Lends a range of the bytes.
    fileprivate func withUnsafeBytesOf<E: Error>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        try span.withUnsafeBytes { bytes throws(E) in try body(UnsafeRawBufferPointer(rebasing: bytes[range])) }
    }
}
