/// What stands at a range of offsets: a batch, or a hole where records were lost.

package import RecordBatch

/// A committed range of offsets, in memory until a segment holds it.
package struct LogItem: Sendable {
    package var baseOffset: Int64
    /// One past the last offset.
    package var endOffset: Int64
    package var arrival: Int64
    /// Nil for a hole.
    package var batch: RecordBatch?
    /// The number of the journal file that holds it.
    package var journal: UInt64

    package init(baseOffset: Int64, endOffset: Int64, arrival: Int64, batch: RecordBatch?, journal: UInt64) {
        self.baseOffset = baseOffset
        self.endOffset = endOffset
        self.arrival = arrival
        self.batch = batch
        self.journal = journal
    }

    /// The batch's own CRC; 0 for a hole.
    var checksum: UInt32 { batch?.crc ?? 0 }

    /// What it counts for in the bounds of memory: the batch, and what the journal and this value add to it.
    var byteCount: Int { LogItem.byteCount(batch) }

    static func byteCount(_ batch: RecordBatch?) -> Int { (batch?.bytes.count ?? 0) + JournalEntry.size * 2 }
}
