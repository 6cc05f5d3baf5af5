/// What is in memory of one log: its bounds, its segments, and what no segment holds yet.

/// A segment file as readers know it. Frames before `state.framesEnd` are durable.
struct Segment: Sendable {
    var log: LogID
    var baseOffset: Int64
    var state: SegmentState
    /// The trailer is written; the index may be read from the file (then `state.index` is empty).
    var isSealed: Bool
    var fileBytes: UInt64

    var path: String { Paths.segment(log, baseOffset) }
    var endOffset: Int64 { state.endOffset }
}

/// One log. A value under the node's lock.
struct ShardLog: Sendable {
    var id: LogID
    var startOffset: Int64
    var startGeneration: UInt64
    /// One past the last committed offset.
    var highWatermark: Int64
    /// In order, without overlaps.
    var segments: [Segment] = []
    /// Committed and in no segment yet, in order. Those before `firstItem` are done with.
    private(set) var items: [LogItem] = []
    private(set) var firstItem = 0
    /// Being removed: takes no appends.
    var isRemoved = false

    init(id: LogID, startOffset: Int64, startGeneration: UInt64) {
        self.id = id
        self.startOffset = startOffset
        self.startGeneration = startGeneration
        highWatermark = startOffset
    }

    var unflushed: ArraySlice<LogItem> { items[firstItem...] }

    mutating func append(_ item: LogItem) {
        items.append(item)
        highWatermark = item.endOffset
    }

    /// Takes out the items that end at or before an offset.
    mutating func dropItems(endingBy offset: Int64) -> ArraySlice<LogItem> {
        var next = firstItem
        while next < items.count, items[next].endOffset <= offset { next += 1 }
        let dropped = items[firstItem..<next]
        firstItem = next
        if firstItem == items.count {
            items.removeAll()
            firstItem = 0
        } else if firstItem > 64, firstItem * 2 > items.count {
            items.removeFirst(firstItem)
            firstItem = 0
        }
        return dropped
    }

    /// The index of the unflushed item that holds an offset or is the first after it.
    func unflushedIndex(from offset: Int64) -> Int {
        var (low, high) = (firstItem, items.count)
        while low < high {
            let middle = (low + high) / 2
            if items[middle].endOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The first segment that ends after an offset.
    func segmentIndex(from offset: Int64) -> Int {
        var (low, high) = (0, segments.count)
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].endOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
