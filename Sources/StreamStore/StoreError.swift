/// What a store refuses or fails with.

/// What a store refuses or fails with.
public enum StoreError: Error, Sendable, Hashable {
    case streamNotFound(StreamKey)
    case shardNotFound(ShardReference)
    case streamExists(StreamKey)
    /// The stream's state forbids the change.
    case streamBusy(StreamKey, StreamStatus)
    /// The shard takes no records any more: it was split, merged or closed. What its hash keys belong to now is in the stream's description.
    case shardClosed(ShardReference)
    /// The new starting hash key is not both greater than one plus the shard's first hash key and less than its last.
    case hashKeyOutsideShard(ShardReference, key: UInt128, HashKeyRange)
    /// The ranges of the two shards do not adjoin, or they were given with the higher one first.
    case shardsNotAdjacent(ShardReference, ShardID)
    /// The shard limit of the node.
    case shardLimitExceeded(limit: Int, current: Int, requested: Int)
    /// What the append asked for does not hold; nothing was appended.
    case conditionFailed(ConditionFailure)
    /// A newer epoch was claimed.
    case fenced(Fence, current: UInt64)
    /// The offset lies before the trim horizon or past the high watermark.
    case offsetOutOfRange(ShardReference, offset: Int64, ShardBounds)
    /// Records in this range are damaged and quarantined; reading may go on at `through + 1`.
    case damaged(ShardReference, from: Int64, through: Int64)
    /// The node no longer accepts appends (a failed fsync, a full disk) and says why; reads go on.
    case readOnly(reason: String)
    /// Memory for pending appends is used up; try again.
    case overloaded
    /// A bug or a failing disk, in words.
    case failed(String)
}

/// Why the condition of an append, or of a change of states, does not hold.
public enum ConditionFailure: Sendable, Hashable {
    /// Another offset is next in the shard.
    case nextOffset(ShardReference, actual: Int64)
    /// The state has another version; 0 when there is none.
    case version(StateKey, actual: UInt64)
    /// A newer epoch of the idempotent producer has appended (Kafka's INVALID_PRODUCER_EPOCH, 47).
    case producerFenced(current: Int16)
    /// The batch does not follow the producer's last one (OUT_OF_ORDER_SEQUENCE_NUMBER, 45).
    case sequence(expected: Int32)
    /// The batch was appended so long ago that its offset is not remembered (DUPLICATE_SEQUENCE_NUMBER, 46).
    case duplicate
    /// What was asked for cannot be decided, in words.
    case misuse(String)
}
