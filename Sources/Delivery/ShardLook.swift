/// A look at a shard: its batches, or where it goes on after records that are not there.

import RecordBatch
import StreamStore

/// What a position of a shard shows.
enum ShardLook {
    case batches(ShardRead)
    /// Nothing can be read before `next`.
    case gap(next: Int64, reason: String)
}

extension StreamStore {
    /// Reads a shard; what retention removed and what is damaged are gaps, no errors.
    func look(at shard: ShardReference, from position: Int64, maxBytes: Int) async throws(StoreError) -> ShardLook {
        do throws(StoreError) {
            return .batches(try await read(shard, from: position, maxBytes: maxBytes))
        } catch {
            switch error {
            case .offsetOutOfRange(_, _, let bounds) where position < bounds.startOffset:
                return .gap(next: bounds.startOffset, reason: "removed by retention")
            case .damaged(_, _, let through) where through >= position:
                return .gap(next: through &+ 1, reason: "damaged on disk")
            default: throw error
            }
        }
    }
}

extension StoredBatch {
    /// The size of each record's data; nil when the batch cannot be decoded.
    func dataSizes() -> [Int]? {
        var sizes: [Int] = []
        sizes.reserveCapacity(batch.recordCount)
        do { try batch.forEachRecord { record in sizes.append(record.value?.count ?? 0) } } catch { return nil }
        return sizes
    }
}
