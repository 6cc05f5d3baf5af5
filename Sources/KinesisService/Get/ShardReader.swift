/// Collects the batches that one GetRecords call will serve, within its limits and its memory.

import AWSWire
import RecordBatch
import StreamStore

/// Batches of a shard from an offset on.
struct ShardReader: Sendable {
    let shard: ShardReference
    let maxRecords: Int
    let maxBytes: Int
    /// Where reading began: the offset asked for, or the trim horizon if that lies later.
    private(set) var start: Int64
    /// In order. The first may begin before `start`.
    private(set) var batches: [StoredBatch] = []
    /// One past the last committed record, when it was last looked at.
    private(set) var highWatermark: Int64 = 0

    /// How much is asked for at once.
    private static let largestChunk = 1 << 20
    private static let smallestChunk = 64 << 10

    init(_ shard: ShardReference, from start: Int64, maxRecords: Int, maxBytes: Int) {
        self.shard = shard
        self.start = start
        self.maxRecords = maxRecords
        self.maxBytes = maxBytes
    }

    /// Reads until there is enough, or no more, or no memory; then fewer records are served, as Kinesis may.
    /// - Throws: `.overloaded` when there is no memory for even one batch; `.damaged` when the first record wanted is; and others.
    mutating func read(_ store: any StreamStore, memory: MemoryLease) async throws(StoreError) {
        var next = start
        var recordCount: Int64 = 0
        var byteCount = 0
        while recordCount < maxRecords, byteCount < maxBytes {
            let wanted = (Int64(maxRecords) - recordCount) * 1024
            let chunk = Int(min(max(wanted, Int64(Self.smallestChunk)), Int64(Self.largestChunk), Int64(maxBytes - byteCount)))
            let read: ShardRead
            do throws(StoreError) {
                read = try await store.read(shard, from: next, maxBytes: chunk)
            } catch {
                if case .offsetOutOfRange(_, _, let bounds) = error, batches.isEmpty {
                    highWatermark = bounds.highWatermark
                    // What lay before the trim horizon is gone; what lies past the end is not there yet.
                    guard next < bounds.startOffset else { return }
                    start = bounds.startOffset
                    next = start
                    continue
                }
                // What was read before damage is served; the next call will meet it first.
                if !batches.isEmpty { return }
                throw error
            }
            highWatermark = read.bounds.highWatermark
            guard let last = read.batches.last else { return }
            guard memory.extend(by: read.batches.reduce(0) { $0 + Self.cost(of: $1.batch) }) else {
                if batches.isEmpty { throw .overloaded }
                return
            }
            batches += read.batches
            byteCount += read.batches.reduce(0) { $0 + $1.batch.bytes.count }
            recordCount += last.endOffset - max(next, read.batches.first?.baseOffset ?? next)
            next = last.endOffset
            if next >= highWatermark { return }
        }
    }

    /// The memory that a batch and its records in an answer take: the bytes, base64, and what stands around each record.
    private static func cost(of batch: RecordBatch) -> Int {
        let answer = 3 * batch.bytes.count + 256 * min(batch.recordCount, GetRecords.maxRecords)
        return batch.codec == .none ? answer : answer + 2 * GetRecords.maxBytes
    }
}
