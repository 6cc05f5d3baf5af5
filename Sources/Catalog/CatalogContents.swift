/// What the catalog tells when it is loaded.

public import StreamStore

/// A stream's definition with the time of its last change of status.
public struct CatalogStream: Sendable {
    /// With the status that was last written: CREATING and DELETING streams may be past it by now.
    public var description: StreamDescription
    /// Milliseconds since 1970-01-01 UTC.
    public var statusChangedMilliseconds: Int64
    /// Whether its logs were made while the node had a journal: from then on a journal that is not there was lost.
    public var hasLogs: Bool
    /// The children of a split or a merge that was begun: whether they exist, and where they begin, is told by the journal.
    public var plannedShards: [ShardDescription]

    public init(
        description: StreamDescription, statusChangedMilliseconds: Int64, hasLogs: Bool, plannedShards: [ShardDescription] = []
    ) {
        self.plannedShards = plannedShards
        self.description = description
        self.statusChangedMilliseconds = statusChangedMilliseconds
        self.hasLogs = hasLogs
    }
}

/// Everything that the embedded store keeps in memory.
public struct CatalogContents: Sendable {
    /// By rising id.
    public var streams: [CatalogStream]
    /// Shards of removed streams whose log may still have files.
    public var removedShards: Set<ShardReference>
    /// The newest epoch of each owner.
    public var fences: [String: UInt64]
}
