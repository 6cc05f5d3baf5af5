/// Mistakes of a table of latest values, made behind its back: the simulator plants one to show that it would find it.

internal import EmbeddedStore
internal import LatestValues
internal import RecordBatch
internal import StreamStore

/// A mistake that a table's compaction could have.
public enum PlantedLatestFault: String, CaseIterable, Sendable {
    /// It reads, others write, and what it has read comes behind as if it were news.
    case compactionDropsNewest
    /// It lets go of what arrived while it copied.
    case compactionTrimsNewest
}

extension LatestWorld {
    /// After some work, while the table is open.
    func err(_ store: Store) async {
        guard planted == .compactionTrimsNewest, let table, table.statistics.moved > movedBefore, let shard = await shard(store)
        else { return }
        movedBefore = table.statistics.moved
        guard let end = try? await store.bounds(shard).highWatermark else { return }
        try? await store.trim(shard, before: end)
    }

    /// After the table was closed.
    func errAfterClose(_ store: Store) async {
        guard planted == .compactionDropsNewest, let shard = await shard(store),
            let bounds = try? await store.bounds(shard),
            let read = try? await store.read(shard, from: bounds.startOffset, maxBytes: 1),
            let records = try? read.batches.first?.batch.records()
        else { return }
        var copies = RecordBatchBuilder(baseTimestamp: 0)
        for record in records { try? copies.append(key: record.key, value: record.value, timestamp: 0) }
        guard let batch = try? copies.finish() else { return }
        _ = try? await store.append([ShardAppend(shard, batch)], fence: nil)
    }

    private func shard(_ store: Store) async -> ShardReference? {
        (try? await store.stream(StreamKey(Self.tableName, in: .table))).map { ShardReference($0.id, ShardID(0)) }
    }
}
