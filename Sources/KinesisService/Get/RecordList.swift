/// Writes records straight from their batches into the memory that is sent: the `Records` of GetRecords and of a subscription's events.

import AWSWire
import RecordBatch
import StreamStore

/// The records of one answer or event.
struct RecordList: Sendable {
    private let read: ShardReader
    let selection: RecordSelection
    private let beginnings: [NumberedValue]
    /// The most bytes that they take, and what may stand beside them: an iterator of 512 characters, a continuation.
    let bound: Int

    /// Ends the walk over a batch whose other records are not wanted.
    private struct Enough: Error {}

    /// More than stands around the records in any format.
    private static let frameBound = 1024
    /// More than the names of data and key, and what stands around them, take in a record.
    private static let memberBound = 48

    /// - Parameter encryption: what is said of each record's; nil for nothing.
    /// - Throws: `.internalFailure` when a batch cannot be read.
    init(_ read: ShardReader, of shard: ShardDescription, _ format: WireFormat, encryption: String?) throws(AWSError) {
        self.read = read
        selection = try RecordSelection(read, format)
        beginnings = selection.runs.map { run in
            let batch = read.batches[run.batch]
            let first = SequenceNumber(
                offset: batch.baseOffset + Int64(run.first), in: shard, arrivalMilliseconds: batch.arrivalMilliseconds)
            return NumberedValue(first, format) { writer in
                writer.field("ApproximateArrivalTimestamp", milliseconds: batch.arrivalMilliseconds)
                writer.field("EncryptionType", encryption)
            }
        }
        var bound = Self.frameBound + selection.writtenBound
        for (run, beginning) in zip(selection.runs, beginnings) { bound += run.count * (beginning.count + Self.memberBound) }
        self.bound = bound
    }

    /// Writes the member `Records`.
    func write(to writer: inout WireWriter) {
        writer.list("Records") { writer in
            for (run, beginning) in zip(selection.runs, beginnings) { write(run, beginning, to: &writer) }
        }
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

    /// How far behind the tip the last record is, in milliseconds; 0 at the tip.
    /// - Parameter now: milliseconds since 1970-01-01 UTC.
    func lag(_ now: Int64) -> Int64 {
        if selection.next >= read.highWatermark { return 0 }
        return selection.lastArrival.map { max(1, now - $0) } ?? 1
    }
}

extension WireWriter {
    /// More than a shard takes in `ChildShards`.
    static let childBound = 512

    /// Where to go on after the end of a shard (Kinesis API, ChildShard).
    mutating func childShards(_ children: [ShardDescription]) {
        list("ChildShards", children) { writer, child in
            writer.object { writer in
                writer.field("ShardId", child.id.description)
                writer.list("ParentShards", [child.parent, child.adjacentParent].compactMap { $0?.description })
                writer.range(child.hashKeyRange)
            }
        }
    }
}
