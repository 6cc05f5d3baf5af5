/// What a store can tell without waiting, for callers on an event loop. A store that has to ask elsewhere says nil.

extension StreamRegistry {
    /// Nil: only `stream` can tell.
    public func currentStream(_ key: StreamKey) throws(StoreError) -> StreamDescription? { nil }
}

extension RecordLog {
    /// Nil: only `read` can tell.
    public func readFromMemory(_ shard: ShardReference, from offset: Int64, maxBytes: Int) throws(StoreError) -> ShardRead? { nil }

    /// False: only `read` can wait.
    public func submitReads(_ work: @escaping @Sendable (_ read: BlockingRead) -> Void) -> Bool { false }
}
