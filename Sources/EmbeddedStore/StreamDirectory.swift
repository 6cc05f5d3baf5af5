/// What the store knows of its streams in memory: looked up by every append and read, changed by the control plane only.

import RecordBatch
import StreamStore

/// A stream as the store holds it.
struct StreamEntry: Sendable {
    /// With the status as it was last written; `status(at:)` tells the one that holds.
    var description: StreamDescription {
        didSet { settings = description.settings }
    }
    /// What the description's tags say; read once, for every append asks.
    private(set) var settings: StreamSettings
    /// Milliseconds since 1970-01-01 UTC.
    var statusChangedMilliseconds: Int64
    /// The journal knows more of its shards than the catalog.
    var isUnwritten = false
    /// When CREATING or UPDATING ends in ACTIVE, or DELETING in the stream's end; on the monotonic clock, in nanoseconds.
    var dueNanoseconds: UInt64?
    let counters: StreamCounters

    init(
        description: StreamDescription, statusChangedMilliseconds: Int64, dueNanoseconds: UInt64?, counters: StreamCounters
    ) {
        self.description = description
        settings = description.settings
        self.statusChangedMilliseconds = statusChangedMilliseconds
        self.dueNanoseconds = dueNanoseconds
        self.counters = counters
    }

    /// The status that holds; nil when the stream's deletion is complete.
    func status(at nanoseconds: UInt64) -> StreamStatus? {
        guard isDue(at: nanoseconds) else { return description.status }
        return description.status == .deleting ? nil : .active
    }

    func isDue(at nanoseconds: UInt64) -> Bool {
        dueNanoseconds.map { $0 <= nanoseconds } ?? false
    }

    /// The stream as it stands; nil when its deletion is complete.
    func described(at nanoseconds: UInt64) -> StreamDescription? {
        guard let status = status(at: nanoseconds) else { return nil }
        var described = description
        described.status = status
        return described
    }
}

/// All streams of the node.
struct StreamDirectory: Sendable {
    private(set) var entries: [StreamID: StreamEntry] = [:]
    private var ids: [StreamKey: StreamID] = [:]

    subscript(_ id: StreamID) -> StreamEntry? { entries[id] }

    subscript(_ key: StreamKey) -> StreamEntry? { ids[key].flatMap { entries[$0] } }

    mutating func put(_ entry: StreamEntry) {
        entries[entry.description.id] = entry
        ids[entry.description.key] = entry.description.id
    }

    mutating func remove(_ id: StreamID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        if ids[entry.description.key] == id { ids[entry.description.key] = nil }
    }

    /// The streams of a namespace that are not gone, by name.
    func streams(in namespace: StreamNamespace, at nanoseconds: UInt64) -> [StreamDescription] {
        entries.values.filter { $0.description.key.namespace == namespace }
            .compactMap { $0.described(at: nanoseconds) }.sorted { $0.key.name < $1.key.name }
    }

    /// Open shards of the streams that users created; hidden streams do not count toward the limit.
    func openShardCount(at nanoseconds: UInt64) -> Int {
        entries.values.reduce(0) { count, entry in
            guard entry.description.key.namespace == .stream, entry.status(at: nanoseconds) != nil else { return count }
            return count + entry.description.openShardCount
        }
    }

    /// The streams whose change of status is due, by rising id.
    func due(at nanoseconds: UInt64) -> [StreamEntry] {
        entries.values.filter { $0.isDue(at: nanoseconds) }.sorted { $0.description.id < $1.description.id }
    }

    /// The streams of which the journal knows more than the catalog, by rising id.
    var unwritten: [StreamEntry] {
        entries.values.filter(\.isUnwritten).sorted { $0.description.id < $1.description.id }
    }

    /// What a batch for a shard is to be compressed with if it is not yet.
    /// - Throws: why an append to the shard is refused.
    func admit(appendTo shard: ShardReference, at nanoseconds: UInt64) throws(StoreError) -> CompressionCodec {
        guard let entry = entries[shard.stream], let status = entry.status(at: nanoseconds),
            let description = entry.description.shard(shard.shard)
        else { throw .shardNotFound(shard) }
        guard status == .active || status == .updating else { throw .streamBusy(entry.description.key, status) }
        guard description.endOffset == nil else { throw .shardClosed(shard) }
        return entry.settings.compression
    }

    /// Whether a shard's records may be read.
    func holds(_ shard: ShardReference, at nanoseconds: UInt64) -> Bool {
        guard let entry = entries[shard.stream], entry.status(at: nanoseconds) != nil else { return false }
        return entry.description.shard(shard.shard) != nil
    }
}
