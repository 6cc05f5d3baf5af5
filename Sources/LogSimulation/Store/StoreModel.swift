/// What the store was asked and what it answered about streams and owners. Records are the log's model's.

internal import StreamLog
internal import StreamStore

/// The expectations of one run.
struct StoreModel {
    /// What is known of a stream.
    enum Standing: Equatable {
        /// Its creation was not answered, or failed: the next start finds it whole or not at all.
        case creating
        case present
        /// Its deletion was answered and takes its time.
        case deleting
        /// Its deletion was not answered: the next start finds it whole, or not at all.
        case leaving
        case gone
    }

    struct Stream {
        var definition: StreamDefinition
        var standing = Standing.creating
        var id: StreamID?
        var tags: [String: String]
        /// Tags whose change was not answered.
        var openTags: [[String: String]] = []
        /// Of its shards, in the log's model.
        var books: [Int] = []
        /// Its shards as they were last told.
        var shape: [ShardDescription] = []
        /// How many lanes it ever had: no number is given twice, though all shards of a lane may have disappeared.
        var laneCount = 0
        /// A change of its shards that was not answered: it has happened, or not.
        var openChange: Resharding?

        var key: StreamKey { definition.key }

        mutating func take(shape found: StreamDescription) {
            shape = found.shards
            laneCount = max(laneCount, found.shards.reduce(0) { max($0, Int($1.lane.index) + 1) })
        }
    }

    struct Owner {
        /// The newest that was answered, or found at a start.
        var epoch: UInt64 = 0
        /// Claims that were not answered.
        var open: UInt64 = 0
    }

    var streams: [Stream] = []
    var owners: [String: Owner] = [:]
    /// The greatest number that a stream was seen to have.
    var lastID = StreamID(0)

    /// The streams that a caller may reckon with.
    var usable: [Int] { streams.indices.filter { streams[$0].standing == .present } }

    /// The stream that has a name now.
    func holder(of key: StreamKey) -> Int? {
        streams.indices.first { streams[$0].key == key && (streams[$0].standing == .present || streams[$0].standing == .deleting) }
    }

    /// The stream is there: it has a number and logs.
    mutating func establish(_ index: Int, _ found: StreamDescription, in model: inout LogModel) -> String? {
        var wrong: String?
        if found.id <= lastID { wrong = "stream \(found.key.name) has the number \(found.id), and \(lastID) was given before" }
        lastID = max(lastID, found.id)
        streams[index].standing = .present
        streams[index].id = found.id
        streams[index].take(shape: found)
        for shard in found.shards {
            streams[index].books.append(model.books.count)
            model.books.append(LogModel.Book(id: LogID(stream: found.id.rawValue, shard: shard.id.index)))
        }
        return wrong
    }

    /// The stream and its records are gone for good.
    mutating func bury(_ index: Int, in model: inout LogModel) {
        streams[index].standing = .gone
        for book in streams[index].books {
            let exists = model.books[book].existence
            model.books[book].existence = exists == .unborn || exists == .never ? .never : .removed
        }
    }

    /// The stream is told of no more, and its records are there or not.
    mutating func doom(_ index: Int, in model: inout LogModel) {
        streams[index].standing = .deleting
        for book in streams[index].books where model.books[book].existence == .known {
            model.books[book].existence = .removing
            // On a full disk a removal begins by trimming everything.
            model.books[book].askedStart = model.books[book].end
        }
    }

    /// What is wrong with a stream as the store tells it; nil when it is as it was made.
    func difference(_ stream: Stream, _ found: StreamDescription) -> String? {
        let wanted = stream.definition
        if let id = stream.id, id != found.id { return "has the number \(found.id) instead of \(id)" }
        if let wrong = shapeDifference(stream, found) { return wrong }
        if found.retentionHours != wanted.retentionHours || found.maxRecordKiB != wanted.maxRecordKiB || found.mode != wanted.mode {
            return "has other settings than it was made with"
        }
        if found.tags != stream.tags, !stream.openTags.contains(found.tags) {
            return "has the tags \(found.tags.sorted { $0.key < $1.key }), not \(stream.tags.sorted { $0.key < $1.key })"
        }
        return nil
    }

    /// The same for its shards: as they were told, or with the change that was not answered. Closed ones may have disappeared.
    private func shapeDifference(_ stream: Stream, _ found: StreamDescription) -> String? {
        guard stream.id != nil else {
            let count = stream.definition.shardCount
            let isAsMade = found.shards.map(\.id.index) == (0..<UInt32(count)).map { $0 } && found.openShardCount == count
            return isAsMade ? nil : "has the shards \(found.shards.map(\.id.index)) of \(count)"
        }
        let there = stream.shape.filter { $0.endOffset == nil || found.shard($0.id) != nil }
        if found.shards == there { return nil }
        guard let change = stream.openChange else { return "has the shards \(found.shards), not \(there)" }
        return isApplied(change, to: there, found) ? nil : "has the shards \(found.shards), not \(there), nor those with \(change)"
    }

    private func isApplied(_ change: Resharding, to shape: [ShardDescription], _ found: StreamDescription) -> Bool {
        let unchanged = shape.filter { !change.parents.contains($0.id) }
        guard found.shards.map(\.id) == (shape.map(\.id) + change.children.map(\.id)),
            unchanged.allSatisfy({ found.shard($0.id) == $0 }), change.parents.allSatisfy({ found.shard($0)?.endOffset != nil })
        else { return false }
        return change.children.allSatisfy { child in
            guard let shard = found.shard(child.id) else { return false }
            let continued = change.parents.compactMap { found.shard($0) }.first { $0.lane == child.lane }
            return shard.hashKeyRange == child.hashKeyRange && shard.lane == child.lane && shard.parent == child.parent
                && shard.adjacentParent == child.adjacentParent && shard.startOffset == continued?.endOffset ?? 0
                && shard.endOffset == nil && shard.createdSecond > (continued?.createdSecond ?? -1)
        }
    }

    /// The change that was not answered is there. Returns what is wrong with it.
    mutating func reshaped(_ index: Int, _ found: StreamDescription) -> String? {
        let stream = streams[index]
        let there = stream.shape.filter { $0.endOffset == nil || found.shard($0.id) != nil }
        var wrong: String?
        if let change = stream.openChange, !isApplied(change, to: there, found) {
            wrong = "has the shards \(found.shards) after \(change)"
        }
        streams[index].openChange = nil
        streams[index].take(shape: found)
        return wrong
    }
}
