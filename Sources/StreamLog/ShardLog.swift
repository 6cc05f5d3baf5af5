/// What is in memory of one log: its bounds, its segments, and what no segment holds yet.

/// A segment file as readers know it. Frames before `state.framesEnd` are durable.
struct Segment: Sendable {
    var log: LogID
    var baseOffset: Int64
    /// Its index is empty when the file's own is to be used.
    var state: SegmentState
    /// Nothing more will be written to it.
    var isSealed: Bool
    var fileBytes: UInt64
    /// A start has left out its end, which the journal holds too: what comes next is written over that, however old the segment is. In a file of its own
    /// it would stand twice.
    var isCut = false

    var path: String { Paths.segment(log, baseOffset) }
    var endOffset: Int64 { state.endOffset }
}

/// One log. A value under the node's lock.
struct ShardLog: Sendable {
    var id: LogID
    var startOffset: Int64
    /// Of the start offset's file; nil while there is no directory, for a log without segments has nothing on the disk.
    var startGeneration: UInt64?
    /// One past the last committed offset.
    var highWatermark: Int64
    /// In order, without overlaps.
    var segments: [Segment] = []
    var items = ItemQueue()
    /// Being removed: takes no appends.
    var isRemoved = false
    /// Once it takes no records any more.
    var end: LogEnd?

    init(id: LogID, startOffset: Int64, startGeneration: UInt64?) {
        self.id = id
        self.startOffset = startOffset
        self.startGeneration = startGeneration
        highWatermark = startOffset
    }

    mutating func append(_ item: LogItem) {
        items.append(item)
        highWatermark = item.endOffset
    }

    /// Whether nothing was ever in it, nor anything told of it but its name.
    var isBlank: Bool { highWatermark == 0 && startGeneration == nil && end == nil && !isRemoved }

    /// Whether nothing is held yet from the start offset on, so that a batch that begins before it can be the first.
    func mayBegin(at offset: Int64) -> Bool {
        offset < startOffset && items.all.isEmpty && segments.last.map { $0.endOffset <= offset } ?? true
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
