/// The directory of streams: which there are, and how they are changed.

/// Streams by name, and the changes of them.
public protocol StreamRegistry: Sendable {
    /// Creates a stream; it is `.active` when the life-cycle delay has passed. Hidden streams know no delay and do not count toward the
    /// shard limit.
    /// - Throws: `.streamExists`, `.shardLimitExceeded`.
    func createStream(_ definition: StreamDefinition) async throws(StoreError) -> StreamDescription
    /// Deletes a stream and its records; it is gone when the life-cycle delay has passed. Until then reads go on.
    /// - Throws: `.streamNotFound`; `.streamBusy` when it is DELETING already.
    func deleteStream(_ key: StreamKey) async throws(StoreError)
    /// - Throws: `.streamNotFound`.
    func stream(_ key: StreamKey) async throws(StoreError) -> StreamDescription
    /// As `stream`, without waiting; nil where that has to ask elsewhere.
    /// - Throws: `.streamNotFound`.
    func currentStream(_ key: StreamKey) throws(StoreError) -> StreamDescription?
    /// Changes a stream's tags, durably and in one step: no other change of the stream comes between. Those that are settings
    /// (`StreamSettings`) hold for every append that begins after this returns.
    /// - Parameter change: is given the tags as they stand; returns false to leave them so.
    /// - Returns: what `change` returned.
    /// - Throws: `.streamNotFound`; `.streamBusy` while the stream is CREATING or DELETING.
    func changeTags(
        _ key: StreamKey, _ change: @escaping @Sendable (inout [String: String]) -> Bool
    ) async throws(StoreError) -> Bool
    /// Changes how long a stream's records stay readable, durably and in one step. Retention goes by it from its next look on.
    /// - Parameter change: is given the hours as they stand (24...8760); returns them as they are to be, or nil to leave them so.
    /// - Returns: the hours as they stand then.
    /// - Throws: `.streamNotFound`; `.streamBusy` unless the stream is ACTIVE.
    func changeRetention(_ key: StreamKey, _ change: @escaping @Sendable (Int) -> Int?) async throws(StoreError) -> Int
    /// All streams of a namespace, by name.
    func streams(in namespace: StreamNamespace) async throws(StoreError) -> [StreamDescription]
    /// Splits an open shard in two at a hash key. It ends and its children begin in one step, which is ordered with the appends: what was
    /// handed in before is in the parent, what comes after is refused with `.shardClosed` and belongs to a child. Users' streams are UPDATING
    /// until the life-cycle delay has passed; they take appends meanwhile.
    /// - Returns: the stream with the children.
    /// - Throws: `.streamNotFound`, `.streamBusy` unless the stream is ACTIVE, `.shardNotFound`, `.shardClosed`, `.hashKeyOutsideShard`,
    ///   `.shardLimitExceeded`, `.overloaded`, `.readOnly` (after a failed sync the split may be found at the next start).
    func splitShard(_ key: StreamKey, _ shard: ShardID, at newStartingHashKey: UInt128) async throws(StoreError)
        -> StreamDescription
    /// Merges two open shards whose ranges adjoin, the one with the lower range given first. All else as for `splitShard`.
    /// - Throws: `.shardsNotAdjacent`, and as `splitShard`.
    func mergeShards(_ key: StreamKey, _ shard: ShardID, _ adjacent: ShardID) async throws(StoreError) -> StreamDescription
    /// Closes an open shard without children. All else as for `splitShard`.
    func closeShard(_ key: StreamKey, _ shard: ShardID) async throws(StoreError) -> StreamDescription
}
