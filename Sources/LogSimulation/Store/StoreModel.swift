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

        var key: StreamKey { definition.key }
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
        for shard in found.shards {
            streams[index].books.append(model.books.count)
            model.books.append(LogModel.Book(id: LogID(stream: found.id.rawValue, shard: shard.id.index)))
        }
        return wrong
    }

    /// The stream and its records are gone for good.
    mutating func bury(_ index: Int, in model: inout LogModel) {
        streams[index].standing = .gone
        for book in streams[index].books { model.books[book].existence = .removed }
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
        if found.shards.map(\.id.index) != (0..<UInt32(wanted.shardCount)).map({ $0 }) || found.openShardCount != wanted.shardCount
        {
            return "has the shards \(found.shards.map(\.id.index)) of \(wanted.shardCount)"
        }
        if found.retentionHours != wanted.retentionHours || found.maxRecordKiB != wanted.maxRecordKiB || found.mode != wanted.mode {
            return "has other settings than it was made with"
        }
        if found.tags != stream.tags, !stream.openTags.contains(found.tags) {
            return "has the tags \(found.tags.sorted { $0.key < $1.key }), not \(stream.tags.sorted { $0.key < $1.key })"
        }
        return nil
    }
}
