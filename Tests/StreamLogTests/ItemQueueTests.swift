/// What of a log is in memory: an item that was let go of holds no memory, whenever its place in the queue goes.

import RecordBatch
import StreamLog
import Testing

@Suite struct ItemQueueTests {
    private func item(_ offset: Int64) throws -> LogItem {
        LogItem(baseOffset: offset, endOffset: offset + 1, arrival: 1, batch: try batch(Int(offset), bytes: 1_000), journal: 1)
    }

    @Test("items that are evicted or dropped hold no memory, and those after them stay as they are")
    func memory() throws {
        var queue = ItemQueue()
        for offset in 0..<50 as Range<Int64> { queue.append(try item(offset)) }
        let each = queue.heldBytes / 50
        #expect(each > 1_000)
        #expect(queue.markFlushed(endingBy: 30).count == 30)
        #expect(queue.heldBytes == 50 * each)
        queue.evict(endingBy: 20)
        #expect(queue.heldBytes == 30 * each)
        #expect(queue.all.map(\.baseOffset) == Array(20..<50) && queue.all.allSatisfy { $0.batch != nil })
        // Those that no segment holds are given to the caller whole.
        let dropped = queue.drop(endingBy: 35)
        #expect(dropped.map(\.baseOffset) == Array(30..<35) && dropped.allSatisfy { $0.batch != nil })
        #expect(queue.heldBytes == 15 * each)
        #expect(queue.drop(endingBy: 50).count == 15 && queue.heldBytes == 0)
    }
}
