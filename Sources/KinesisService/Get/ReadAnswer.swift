/// Writes the records of a GetRecords answer straight from their batches.

import AWSWire
import NodeMetrics
import RecordBatch
import StreamStore

/// The answer of GetRecords.
struct ReadAnswer: AWSResponse {
    var read: ShardReader
    /// The one that was used; its successor differs in offset and time.
    var iterator: ShardIterator
    var shard: ShardDescription
    var children: [ShardDescription]
    /// Milliseconds since 1970-01-01 UTC.
    var now: Int64
    var tokens: TokenSealer
    var counters: KinesisMetrics.Stream

    /// What has been written so far.
    private struct Progress {
        var next: Int64
        var recordCount = 0
        var byteCount = 0
        var lastArrival: Int64?
    }

    /// Ends the walk over a batch whose other records are not wanted.
    private struct Enough: Error {}

    func write(to writer: inout WireWriter) throws(AWSError) {
        var progress = Progress(next: read.start)
        try writer.object { writer throws(AWSError) in
            try writer.list("Records") { writer throws(AWSError) in
                for batch in read.batches {
                    guard try write(batch, to: &writer, &progress) else { break }
                }
            }
            try writeEnd(&writer, progress)
        }
        counters.recordsOut.add(progress.recordCount)
        counters.bytesOut.add(progress.byteCount)
    }

    /// Returns false when the answer is full.
    private func write(
        _ batch: StoredBatch, to writer: inout WireWriter, _ progress: inout Progress
    ) throws(AWSError) -> Bool {
        let arrival = batch.arrivalMilliseconds
        do {
            try batch.batch.forEachRecord { record in
                let offset = batch.baseOffset + Int64(record.offsetDelta)
                guard offset >= progress.next else { return }
                let size = (record.key?.count ?? 0) + (record.value?.count ?? 0)
                guard progress.recordCount < read.maxRecords,
                    progress.recordCount == 0 || progress.byteCount + size <= read.maxBytes
                else { throw Enough() }
                let number = SequenceNumber(offset: offset, in: shard, arrivalMilliseconds: arrival)
                writer.object { writer in
                    writer.field("SequenceNumber", appendingPlain: { number.appendDigits(to: &$0) })
                    writer.field("ApproximateArrivalTimestamp", milliseconds: arrival)
                    writer.field("Data", blob: record.value ?? UnsafeRawBufferPointer(start: nil, count: 0))
                    writer.field("PartitionKey", utf8: record.key ?? UnsafeRawBufferPointer(start: nil, count: 0))
                }
                progress.next = offset + 1
                progress.recordCount += 1
                progress.byteCount += size
                progress.lastArrival = arrival
            }
            return true
        } catch is Enough {
            return false
        } catch {
            throw AWSError(.internalFailure, "A batch of shard \(shard.id) at record \(batch.baseOffset) cannot be read: \(error)")
        }
    }

    private func writeEnd(_ writer: inout WireWriter, _ progress: Progress) throws(AWSError) {
        let isAtTip = progress.next >= read.highWatermark
        let lag = progress.lastArrival.map { max(1, now - $0) } ?? 1
        writer.field("MillisBehindLatest", isAtTip ? 0 : lag)
        if let end = shard.endOffset, progress.next >= end {
            // The shard's end: there is no next iterator, and its children are where to go on.
            writer.list("ChildShards", children) { writer, child in
                writer.object { writer in
                    writer.field("ShardId", child.id.description)
                    writer.list("ParentShards", [child.parent, child.adjacentParent].compactMap { $0?.description })
                    writer.range(child.hashKeyRange)
                }
            }
            return
        }
        var next = iterator
        next.offset = progress.next
        next.createdMilliseconds = now
        writer.field("NextShardIterator", try next.sealed(tokens))
    }
}
