/// Appends as values: what is handed in, and under which conditions.

public import RecordBatch

// Part of the seam's calls, and a matter of the host: the log below answers at the same places.
@_exported public import protocol Host.AnswerPlace

/// One batch for one shard. The store sets its base offset and compresses it where the stream says so (`StreamSettings`); all else stays as it
/// came.
public struct ShardAppend: Sendable {
    public var shard: ShardReference
    public var batch: RecordBatch
    public init(_ shard: ShardReference, _ batch: RecordBatch) {
        self.shard = shard
        self.batch = batch
    }
}

/// An append: batches for one or several shards, all or nothing, under a fence and a condition if there are any.
public struct Append: Sendable {
    public var entries: [ShardAppend]
    /// Proof of who may append on behalf of an owner; checked when the append is handed in.
    public var fence: Fence?
    /// Decided inside the commit, after every append that was handed in before.
    public var condition: AppendCondition?
    /// Small states that change in the same commit, or none of it happens.
    public var states: [StateChange]

    public init(
        _ entries: [ShardAppend], fence: Fence? = nil, condition: AppendCondition? = nil, states: [StateChange] = []
    ) {
        self.entries = entries
        self.fence = fence
        self.condition = condition
        self.states = states
    }
}

/// What must hold inside the commit for an append to take place: all of its requirements, or nothing is appended.
public struct AppendCondition: Sendable, Hashable {
    /// One thing that must hold.
    public enum Requirement: Sendable, Hashable {
        /// The next record of the shard gets this offset: nobody appended to it since the caller looked.
        case nextOffset(ShardReference, Int64)
        /// The append's one batch is the next of its idempotent producer in a partition (KIP-98, KIP-360); its header says which. One that is there
        /// already is not appended again, and is answered as it was the first time.
        ///
        /// The partition is the one that the producer addressed, named by the shard that began it, whatever shard the batch goes to.
        case producer(partition: ShardReference)
    }
    public var requirements: [Requirement]

    public init(_ requirements: [Requirement]) { self.requirements = requirements }
}
