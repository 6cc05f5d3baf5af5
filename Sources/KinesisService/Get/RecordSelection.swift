/// Which records of the batches that were read an answer holds, and how much they are.

import AWSWire
import RecordBatch
import StreamStore

/// The records of an answer, counted before the first is written, so that its memory is made once.
struct RecordSelection: Sendable {
    /// Records of one batch, one after the other.
    struct Run: Sendable {
        /// The place of the batch among those that were read.
        var batch: Int
        /// The first record's offset within the batch.
        var first: Int
        var count = 0
    }

    private(set) var runs: [Run] = []
    private(set) var recordCount = 0
    /// Of data and partition keys.
    private(set) var byteCount = 0
    /// The most bytes that data and keys take in an answer.
    private(set) var writtenBound = 0
    /// The record after the last one.
    private(set) var next: Int64
    /// Of the last record, in milliseconds since 1970-01-01 UTC.
    private(set) var lastArrival: Int64?

    /// Ends the walk over a batch whose other records are not wanted.
    private struct Enough: Error {}

    /// Selects from what was read, within its limits.
    /// - Throws: `.internalFailure` when a batch cannot be read.
    init(_ read: ShardReader, _ format: WireFormat) throws(AWSError) {
        next = read.start
        for index in read.batches.indices {
            guard try add(read, index, format) else { return }
        }
    }

    /// Returns false when the answer is full.
    private mutating func add(_ read: ShardReader, _ index: Int, _ format: WireFormat) throws(AWSError) -> Bool {
        let batch = read.batches[index]
        // A batch may begin before the record that is wanted, and nobody asks for more than one can hold.
        var run = Run(batch: index, first: Int(clamping: max(0, next - batch.baseOffset)))
        defer {
            if run.count > 0 {
                runs.append(run)
                next = batch.baseOffset + Int64(run.first + run.count)
                lastArrival = batch.arrivalMilliseconds
            }
        }
        do {
            try batch.batch.forEachRecord { record in
                guard record.offsetDelta >= run.first else { return }
                let size = (record.key?.count ?? 0) + (record.value?.count ?? 0)
                guard recordCount < read.maxRecords, recordCount == 0 || byteCount + size <= read.maxBytes else { throw Enough() }
                run.count += 1
                recordCount += 1
                byteCount += size
                writtenBound += format.blobBound(record.value?.count ?? 0)
                if let key = record.key { writtenBound += WireWriter.textBound(key) }
            }
            return true
        } catch is Enough {
            return false
        } catch {
            throw AWSError(
                .internalFailure, "A batch of shard \(read.shard.shard) at record \(batch.baseOffset) cannot be read: \(error)")
        }
    }
}
