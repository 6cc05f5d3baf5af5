/// What named consumers take and give: names, positions, leases, errors.

public import LatestValues
public import StreamStore

/// A consumer of a stream. One of a stream that was deleted is never taken for one of a stream that got the same name.
public struct ConsumerKey: Hashable, Sendable, Comparable {
    public var stream: StreamID
    /// 1...128 of `[a-zA-Z0-9_.-]`, as Kinesis names its own consumers (RegisterStreamConsumer, ConsumerName).
    public var name: String

    public init(_ stream: StreamID, _ name: String) {
        self.stream = stream
        self.name = name
    }

    public static func < (a: Self, b: Self) -> Bool { (a.stream, a.name) < (b.stream, b.name) }
}

/// How far a consumer has come in a shard.
public struct ShardPosition: Hashable, Sendable {
    /// All records before this offset are done with.
    public var nextOffset: Int64
    /// When the record before `nextOffset` arrived, in seconds since 1970-01-01 UTC: part of its sequence number. 0 where the consumer began here.
    public var arrivalSecond: Int64
    /// When it came here, in milliseconds since 1970-01-01 UTC.
    public var changedMilliseconds: Int64
    /// Whether the shard is closed and all of it is done with: its children may be read.
    public var isEnded: Bool

    public init(nextOffset: Int64, arrivalSecond: Int64 = 0, changedMilliseconds: Int64, isEnded: Bool = false) {
        self.nextOffset = nextOffset
        self.arrivalSecond = arrivalSecond
        self.changedMilliseconds = changedMilliseconds
        self.isEnded = isEnded
    }

    /// The sequence number after which the consumer goes on; nil where it goes on from the shard's beginning.
    public func sequenceNumber(in shard: ShardDescription) -> SequenceNumber? {
        guard nextOffset > 0 else { return nil }
        return SequenceNumber(
            offset: nextOffset - 1, shardIndex: shard.id.index, shardCreatedSecond: shard.createdSecond,
            arrivalSecond: arrivalSecond > 0 ? arrivalSecond : shard.createdSecond)
    }
}

/// Where a consumer begins in the shards that a stream has when it is made; in those that come later it begins with their first record.
public enum ConsumerStart: Hashable, Sendable {
    case trimHorizon
    /// Behind what is there when the consumer is made, not when it first reads.
    case latest
    /// Milliseconds since 1970-01-01 UTC.
    case atTimestamp(Int64)
    /// In its own shard with this record; the others from their beginning.
    case atSequenceNumber(SequenceNumber)
}

/// A shard that a member of a consumer may read, until it is told otherwise or has not been heard of for the lease's time.
public struct HeldLease: Hashable, Sendable {
    public var shard: ShardID
    /// Rises with each change of hands; what is done under an older one is refused.
    public var epoch: UInt64
    public var position: ShardPosition
    /// Another member waits for it: checkpoint what is done and release it.
    public var isToBeReleased: Bool
}

/// What a member says that it has done.
public struct LeaseCheckpoint: Sendable {
    /// How far.
    public enum Progress: Hashable, Sendable {
        case after(SequenceNumber)
        /// All of a closed shard.
        case end
        /// Nothing new: for a release.
        case unchanged
    }
    public var shard: ShardID
    public var epoch: UInt64
    public var progress: Progress
    /// Whether the lease is given back with it.
    public var releases: Bool

    public init(_ shard: ShardID, epoch: UInt64, _ progress: Progress, releases: Bool = false) {
        self.shard = shard
        self.epoch = epoch
        self.progress = progress
        self.releases = releases
    }
}

/// A record that a member writes together with its checkpoints: both are durable, or neither happens.
public struct OutputRecord: Sendable {
    public var stream: StreamKey
    public var partitionKey: [UInt8]
    public var data: [UInt8]

    public init(to stream: StreamKey, partitionKey: [UInt8], data: [UInt8]) {
        self.stream = stream
        self.partitionKey = partitionKey
        self.data = data
    }
}

/// What a member is told when it says that it lives.
public struct Membership: Sendable, Hashable {
    /// How long it may be silent before it holds nothing any more, in milliseconds.
    public var leaseMilliseconds: Int64
    /// After how long it should say again that it lives, in milliseconds.
    public var renewAfterMilliseconds: Int64
    /// All that it holds now. What it held before and is not among these is lost.
    public var leases: [HeldLease]
    /// How many members there are.
    public var members: Int
}

/// How a consumer stands in a shard.
public struct ShardProgress: Sendable, Hashable {
    public var shard: ShardID
    public var owner: String?
    public var epoch: UInt64
    public var position: ShardPosition
    /// Nil where the consumer goes on from the shard's beginning.
    public var checkpoint: SequenceNumber?
    /// Its parents are not done with yet.
    public var waitsForParents: Bool
    /// How many records it has before it.
    public var lagRecords: Int64
    /// For how long the first of them has been there, in milliseconds.
    public var lagMilliseconds: Int64
    /// Since when it has had records before it and has not moved, in milliseconds since 1970-01-01 UTC; nil when there are none.
    public var stuckSince: Int64?
}

/// A consumer as it stands.
public struct ConsumerDescription: Sendable {
    public var name: String
    public var stream: StreamKey
    public var createdMilliseconds: Int64
    public var leaseMilliseconds: Int64
    /// Those that were heard of within the lease's time, in the order in which they came.
    public var members: [String]
    public var shards: [ShardProgress]
}

/// What named consumers refuse or fail with.
public enum ConsumerError: Error, Hashable, Sendable {
    case consumerNotFound(String)
    case memberNotFound(String)
    /// The lease has another owner, or is being handed over. Whoever is told so must let go of the shard.
    case leaseLost(ShardID, member: String, epoch: UInt64, owner: String?, current: UInt64)
    /// It has members that live.
    case inUse(String, members: Int)
    /// An operator took the member's leases away; it is told so once, and may come again.
    case kicked(member: String)
    /// A value breaks a rule, in words.
    case invalid(String)
    /// One bound of how many consumers, members or bytes there may be, in words.
    case limitExceeded(String)
    /// The table was written by a version that this build does not know.
    case unknownFormat(found: Int, known: Int)
    case table(LatestError)
    case store(StoreError)
}
