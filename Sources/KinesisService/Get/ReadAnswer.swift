/// Writes the records of a GetRecords answer straight from their batches into the memory that is sent.

import AWSWire
import NodeMetrics
import RecordBatch
import StreamStore

/// The answer of GetRecords.
struct ReadAnswer: Sendable {
    var read: ShardReader
    /// The one that was used; its successor differs in offset and time.
    var iterator: ShardIterator
    var shard: ShardDescription
    var children: [ShardDescription]
    /// Milliseconds since 1970-01-01 UTC.
    var now: Int64
    var tokens: TokenSealer
    var counters: KinesisMetrics.Stream

    /// Ends the walk over a batch whose other records are not wanted.
    private struct Enough: Error {}

    /// More than stands around the records of an answer in any format, the iterator of at most 512 characters included; children apart.
    private static let frameBound = 1024
    /// More than a shard takes in `ChildShards`.
    private static let childBound = 512
    /// More than the names of data and key, and what stands around them, take in a record.
    private static let memberBound = 48

    func give(to call: DirectCall) {
        let selection: RecordSelection
        let next: String?
        do throws(AWSError) {
            selection = try RecordSelection(read, call.format)
            next = try nextIterator(selection)
        } catch {
            return call.fail(error)
        }
        let beginnings = selection.runs.map { beginning(of: $0, call.format) }
        var bound = Self.frameBound + Self.childBound * children.count + selection.writtenBound
        for (run, beginning) in zip(selection.runs, beginnings) { bound += run.count * (beginning.count + Self.memberBound) }
        call.succeed(capacity: bound) { memory in
            var writer = WireWriter(call.format, into: memory)
            writer.object { writer in
                writer.list("Records") { writer in
                    for (run, beginning) in zip(selection.runs, beginnings) { write(run, beginning, to: &writer) }
                }
                writeEnd(&writer, selection, next)
            }
            return writer.count
        }
        counters.recordsOut.add(selection.recordCount)
        counters.bytesOut.add(selection.byteCount)
    }

    /// What the records of a run have in common.
    private func beginning(of run: RecordSelection.Run, _ format: WireFormat) -> NumberedValue {
        let batch = read.batches[run.batch]
        let first = SequenceNumber(
            offset: batch.baseOffset + Int64(run.first), in: shard, arrivalMilliseconds: batch.arrivalMilliseconds)
        return NumberedValue(first, format) { $0.field("ApproximateArrivalTimestamp", milliseconds: batch.arrivalMilliseconds) }
    }

    private func write(_ run: RecordSelection.Run, _ beginning: NumberedValue, to writer: inout WireWriter) {
        var beginning = beginning
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        // The selection has read the same records without a fault; what is thrown here is the end of the run.
        try? read.batches[run.batch].batch.forEachRecord { record in
            guard record.offsetDelta >= run.first else { return }
            guard Int(record.offsetDelta) - run.first < run.count else { throw Enough() }
            beginning.next { object in
                writer.object(beginning: object) { writer in
                    writer.field("Data", blob: record.value ?? nothing)
                    writer.field("PartitionKey", utf8: record.key ?? nothing)
                }
            }
        }
    }

    private func writeEnd(_ writer: inout WireWriter, _ selection: RecordSelection, _ nextIterator: String?) {
        let isAtTip = selection.next >= read.highWatermark
        let lag = selection.lastArrival.map { max(1, now - $0) } ?? 1
        writer.field("MillisBehindLatest", isAtTip ? 0 : lag)
        if let nextIterator {
            writer.field("NextShardIterator", nextIterator)
        } else {
            // Its children are where to go on.
            writer.list("ChildShards", children) { writer, child in
                writer.object { writer in
                    writer.field("ShardId", child.id.description)
                    writer.list("ParentShards", [child.parent, child.adjacentParent].compactMap { $0?.description })
                    writer.range(child.hashKeyRange)
                }
            }
        }
    }

    /// Nil at the shard's end.
    private func nextIterator(_ selection: RecordSelection) throws(AWSError) -> String? {
        if let end = shard.endOffset, selection.next >= end { return nil }
        var next = iterator
        next.offset = selection.next
        next.createdMilliseconds = now
        return try next.sealed(tokens)
    }
}
