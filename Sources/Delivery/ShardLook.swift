/// A look at a shard: its batches, or where it goes on after records that are not there.

import AggregatedRecords
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
    /// The size of what is delivered of each record; nil when the batch cannot be decoded.
    func deliveredSizes(_ form: DeliveredForm) -> [Int]? {
        var sizes: [Int] = []
        sizes.reserveCapacity(batch.recordCount)
        do {
            try batch.forEachRecord { record in
                var size = 0
                form.forEachPart(of: record.value) { size += $0.count }
                sizes.append(size)
            }
        } catch {
            return nil
        }
        return sizes
    }
}

/// What is delivered of a record: its data, or, out of a stream, the data of those that the Kinesis Producer Library put together into it, as Firehose
/// does (Data Firehose Developer Guide, "KPL de-aggregation").
enum DeliveredForm: Sendable {
    case asSent
    /// - Parameter range: of the shard.
    case takenApart(HashKeyRange)

    func forEachPart(of value: UnsafeRawBufferPointer?, _ body: (UnsafeRawBufferPointer) -> Void) {
        guard let value else { return }
        if case .takenApart(let range) = self {
            let isAggregated = AggregatedRecord.forEachPart(of: value, in: range) { part in
                body(UnsafeRawBufferPointer(rebasing: value[part.data]))
            }
            if isAggregated { return }
        }
        body(value)
    }
}
