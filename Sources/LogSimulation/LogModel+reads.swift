/// Compares what a read in the middle of work gave with what was acknowledged.

internal import RecordBatch
internal import StreamLog

extension LogModel {
    /// A batch that was read.
    struct Found {
        var baseOffset: Int64
        var arrivalMilliseconds: Int64
        var batch: RecordBatch
        var endOffset: Int64 { baseOffset + Int64(batch.recordCount) }
    }

    /// What is wrong with batches that were read from an offset on; empty when nothing is.
    func differences(_ batches: [Found], in index: Int, from offset: Int64) -> [String] {
        let book = books[index]
        var wrong: [String] = []
        if batches.isEmpty, offset < book.end { wrong.append("log \(book.id) gives nothing at \(offset), its end is \(book.end)") }
        var next = offset
        for batch in batches {
            guard batch.endOffset > next, batch.baseOffset <= next, batch.baseOffset == next || next == offset else {
                return wrong + ["log \(book.id) gives \(batch.baseOffset)..<\(batch.endOffset) where \(next) is next"]
            }
            next = batch.endOffset
            let place = book.index(from: batch.baseOffset)
            guard place < book.placed.count, book.placed[place].base == batch.baseOffset else {
                // Left by an earlier process in a log that was sealed since: found at the start, not settled.
                if batch.baseOffset >= book.end {
                    wrong.append("log \(book.id) serves \(batch.baseOffset), which nobody was told of")
                }
                continue
            }
            let placed = book.placed[place]
            if !self.batches[placed.batch].isSame(as: batch.batch) || batch.batch.baseOffset != placed.base {
                wrong.append("log \(book.id) serves other bytes than were appended at \(placed.base)")
            }
            if batch.arrivalMilliseconds != placed.arrival {
                wrong.append("log \(book.id) at \(placed.base) changes its arrival")
            }
        }
        return wrong
    }
}
