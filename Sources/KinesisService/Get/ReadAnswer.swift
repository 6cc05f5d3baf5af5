/// The answer of GetRecords.

import AWSWire
import NodeMetrics
import StreamStore

/// What was read, and what is said of it.
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
    /// What is said of each record's; nil for nothing.
    var encryption: String?

    /// - Parameter taken: is told what the answer holds, and how far it is behind the tip in milliseconds.
    func give(to call: DirectCall, _ taken: (KinesisMetrics.Stream, RecordSelection, Int64) -> Void) {
        let records: RecordList
        let next: String?
        do throws(AWSError) {
            records = try RecordList(read, of: shard, call.format, encryption: encryption)
            next = try nextIterator(records.selection)
        } catch {
            return call.fail(error)
        }
        call.succeed(capacity: records.bound + WireWriter.childBound * children.count) { memory in
            var writer = WireWriter(call.format, into: memory)
            writer.object { writer in
                records.write(to: &writer)
                writer.field("MillisBehindLatest", records.lag(now))
                if let next {
                    writer.field("NextShardIterator", next)
                } else {
                    // Its children are where to go on.
                    writer.childShards(children)
                }
            }
            return writer.count
        }
        counters.recordsOut.add(records.selection.recordCount)
        counters.bytesOut.add(records.selection.byteCount)
        taken(counters, records.selection, records.lag(now))
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
