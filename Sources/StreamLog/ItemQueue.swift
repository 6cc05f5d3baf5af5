/// The committed items of one log that are in memory: those that no segment holds, and before them some that segments hold as well.

internal import RecordBatch

/// A queue of items in order of offset, without gaps between them.
package struct ItemQueue: Sendable {
    private var items: [LogItem] = []
    /// The first item that counts; those before are done with.
    private var head = 0
    /// The first item that no segment holds.
    private var firstUnflushed = 0

    package init() {}

    /// All that are in memory.
    package var all: ArraySlice<LogItem> { items[head...] }
    /// The bytes of all batches that it holds on to.
    package var heldBytes: Int { items.reduce(0) { $0 + ($1.batch?.bytes.count ?? 0) } }
    /// Those that no segment holds.
    var unflushed: ArraySlice<LogItem> { items[firstUnflushed...] }

    package mutating func append(_ item: LogItem) { items.append(item) }

    /// Notes that segments hold everything that ends at or before an offset.
    /// - Returns: the items of which that was not known.
    package mutating func markFlushed(endingBy offset: Int64) -> ArraySlice<LogItem> {
        let first = firstUnflushed
        while firstUnflushed < items.count, items[firstUnflushed].endOffset <= offset { firstUnflushed += 1 }
        return items[first..<firstUnflushed]
    }

    /// Lets go of items that segments hold and that end at or before an offset.
    package mutating func evict(endingBy offset: Int64) {
        while head < firstUnflushed, items[head].endOffset <= offset {
            // Its place goes later, with others; its memory goes now.
            items[head].batch = nil
            head += 1
        }
        compact()
    }

    /// Takes out the items that end at or before an offset.
    /// - Returns: those that no segment holds.
    package mutating func drop(endingBy offset: Int64) -> [LogItem] {
        let dropped = Array(markFlushed(endingBy: offset))
        evict(endingBy: offset)
        return dropped
    }

    /// The index in `all` of the item that holds an offset or is the first after it.
    func index(from offset: Int64) -> Int {
        var (low, high) = (head, items.count)
        while low < high {
            let middle = (low + high) / 2
            if items[middle].endOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func compact() {
        guard head == items.count || (head > 64 && head * 2 > items.count) else { return }
        items.removeFirst(head)
        firstUnflushed -= head
        head = 0
        if items.isEmpty { items = [] }
    }
}

/// Which flushed items stay in memory: the newest of the whole node, up to a bound.
struct TailCache: Sendable {
    private struct Entry {
        var log: LogID
        var endOffset: Int64
        var bytes: Int
    }
    private var entries: [Entry] = []
    private var head = 0
    private var bytes = 0
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    mutating func add(_ item: LogItem, of log: LogID) {
        entries.append(Entry(log: log, endOffset: item.endOffset, bytes: item.byteCount))
        bytes += item.byteCount
    }

    /// The log and the end of the oldest entry if there is more than the bound; nil when there is not.
    mutating func evict() -> (log: LogID, endOffset: Int64)? {
        guard bytes > limit, head < entries.count else { return nil }
        let entry = entries[head]
        head += 1
        bytes -= entry.bytes
        if head > 256, head * 2 > entries.count {
            entries.removeFirst(head)
            head = 0
        }
        return (entry.log, entry.endOffset)
    }
}
