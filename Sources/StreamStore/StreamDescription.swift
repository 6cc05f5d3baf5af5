/// What a stream and its shards are, as the store tells it.

/// Where a stream is in its life (Kinesis API, StreamStatus).
public enum StreamStatus: String, Sendable, Codable {
    case creating = "CREATING"
    case active = "ACTIVE"
    case updating = "UPDATING"
    case deleting = "DELETING"
}

/// PROVISIONED or ON_DEMAND (Kinesis API, StreamMode).
public enum StreamMode: String, Sendable, Codable {
    case provisioned = "PROVISIONED"
    case onDemand = "ON_DEMAND"
}

/// What a caller asks for when it creates a stream.
public struct StreamDefinition: Sendable {
    public var key: StreamKey
    /// How many shards share the hash space evenly; at least 1.
    public var shardCount: Int
    public var mode: StreamMode
    /// How long records stay readable, in hours (24...8760).
    public var retentionHours: Int
    /// The largest record, data and partition key together, in KiB (1024...10240).
    public var maxRecordKiB: Int
    public var tags: [String: String]

    public init(
        key: StreamKey, shardCount: Int, mode: StreamMode = .provisioned, retentionHours: Int = 24,
        maxRecordKiB: Int = 1024, tags: [String: String] = [:]
    ) {
        self.key = key
        self.shardCount = shardCount
        self.mode = mode
        self.retentionHours = retentionHours
        self.maxRecordKiB = maxRecordKiB
        self.tags = tags
    }
}

/// A stream as it stands.
public struct StreamDescription: Sendable {
    public var id: StreamID
    public var key: StreamKey
    public var status: StreamStatus
    /// Milliseconds since 1970-01-01 UTC.
    public var createdMilliseconds: Int64
    public var mode: StreamMode
    public var retentionHours: Int
    public var maxRecordKiB: Int
    public var tags: [String: String]
    /// Open and closed shards, by rising number.
    public var shards: [ShardDescription] {
        didSet { routing = ShardRouting(shards) }
    }
    /// Which open shard takes which hash key; kept in step with `shards`.
    public private(set) var routing: ShardRouting
    /// All lanes that the stream ever had, each at the index of its number; those whose shards are gone too.
    public internal(set) var lanes: [LaneDescription]

    /// - Parameter lanes: nil: what the shards tell of them.
    public init(
        id: StreamID, key: StreamKey, status: StreamStatus, createdMilliseconds: Int64, mode: StreamMode,
        retentionHours: Int, maxRecordKiB: Int, tags: [String: String], shards: [ShardDescription], lanes: [LaneDescription]? = nil
    ) {
        self.id = id
        self.key = key
        self.status = status
        self.createdMilliseconds = createdMilliseconds
        self.mode = mode
        self.retentionHours = retentionHours
        self.maxRecordKiB = maxRecordKiB
        self.tags = tags
        self.shards = shards
        routing = ShardRouting(shards)
        self.lanes = lanes ?? LaneDescription.all(of: shards)
    }

    public var openShards: [ShardDescription] { shards.filter { $0.endOffset == nil } }

    /// How many of them there are, without copying them.
    public var openShardCount: Int { routing.count }

    /// The shard with a number; nil when the stream has none such.
    public func shard(_ id: ShardID) -> ShardDescription? {
        var lower = 0
        var upper = shards.count
        while lower < upper {
            let middle = (lower + upper) / 2
            if shards[middle].id < id { lower = middle + 1 } else { upper = middle }
        }
        return lower < shards.count && shards[lower].id == id ? shards[lower] : nil
    }
}

/// A shard as it stands.
public struct ShardDescription: Sendable, Codable, Hashable {
    public var id: ShardID
    public var hashKeyRange: HashKeyRange
    /// Seconds since 1970-01-01 UTC; part of every sequence number of the shard.
    public var createdSecond: Int64
    public var parent: ShardID?
    public var adjacentParent: ShardID?
    /// The chain of shards that it is a link of.
    public var lane: LaneID
    /// The offset of its first record: where the shard before it on its lane ends, or 0.
    public var startOffset: Int64
    /// One past the last offset once the shard is closed; nil while it is open.
    public var endOffset: Int64?
    /// When it was closed, milliseconds since 1970-01-01 UTC; nil while it is open.
    public var closedMilliseconds: Int64?

    /// - Parameter lane: nil: the one of the shard's own number, as a stream begins.
    public init(
        id: ShardID, hashKeyRange: HashKeyRange, createdSecond: Int64, parent: ShardID? = nil,
        adjacentParent: ShardID? = nil, lane: LaneID? = nil, startOffset: Int64 = 0, endOffset: Int64? = nil,
        closedMilliseconds: Int64? = nil
    ) {
        self.id = id
        self.hashKeyRange = hashKeyRange
        self.createdSecond = createdSecond
        self.parent = parent
        self.adjacentParent = adjacentParent
        self.lane = lane ?? LaneID(id.index)
        self.startOffset = startOffset
        self.endOffset = endOffset
        self.closedMilliseconds = closedMilliseconds
    }

    /// The shards of a new stream: `count` of them, which share the hash space evenly.
    public static func initial(count: Int, createdSecond: Int64) -> [ShardDescription] {
        HashKeyRange.even(count).enumerated().map { index, range in
            ShardDescription(id: ShardID(UInt32(index)), hashKeyRange: range, createdSecond: createdSecond)
        }
    }
}
