/// What splitting, merging and closing shards mean for a stream, as a value that every store applies in the same way.

/// One change of a stream's shards: parents end, children begin, in one step.
public struct Resharding: Hashable, Sendable {
    /// The shards that end, the one with the lower lane first.
    public var parents: [ShardID]
    /// The shards that begin. A child that goes on with a parent's lane begins at that parent's end, which is known only when the change is
    /// committed; the others begin at 0.
    public var children: [ShardDescription]

    public init(parents: [ShardID], children: [ShardDescription]) {
        self.parents = parents
        self.children = children
    }

    /// How many open shards there are more after it, or fewer.
    public var growth: Int { children.count - parents.count }
}

extension StreamDescription {
    /// What splits an open shard in two: [start, key - 1], which goes on with its lane, and [key, end] (Kinesis API, SplitShard).
    /// - Parameter now: seconds since 1970-01-01 UTC. Children are created then, or later where their sequence numbers would not lie above all
    ///   of the parent's otherwise.
    /// - Throws: `.shardNotFound`, `.shardClosed`, `.hashKeyOutsideShard` unless start + 1 < key < end (which is AWS's rule).
    public func split(_ shard: ShardID, at key: UInt128, now: Int64) throws(StoreError) -> Resharding {
        let parent = try openShard(shard)
        let range = parent.hashKeyRange
        guard key > range.start, key - range.start > 1, key < range.end else {
            throw .hashKeyOutsideShard(ShardReference(id, shard), key: key, range)
        }
        let second = creationSecond(after: [parent], now: now)
        let lower = ShardDescription(
            id: nextShardID, hashKeyRange: HashKeyRange(start: range.start, end: key - 1), createdSecond: second, parent: shard,
            lane: parent.lane)
        let upper = ShardDescription(
            id: ShardID(nextShardID.index + 1), hashKeyRange: HashKeyRange(start: key, end: range.end), createdSecond: second,
            parent: shard, lane: LaneID(UInt32(lanes.count)))
        return Resharding(parents: [shard], children: [lower, upper])
    }

    /// What merges two open shards whose ranges adjoin (Kinesis API, MergeShards).
    /// - Parameters:
    ///   - shard: the one with the lower range; the child's `parent`.
    ///   - adjacent: the other one; the child's `adjacentParent`.
    ///   - now: as for `split`.
    /// - Throws: `.shardNotFound`, `.shardClosed`, `.shardsNotAdjacent`.
    public func merge(_ shard: ShardID, with adjacent: ShardID, now: Int64) throws(StoreError) -> Resharding {
        let (lower, upper) = (try openShard(shard), try openShard(adjacent))
        guard lower.hashKeyRange.end < .max, lower.hashKeyRange.end + 1 == upper.hashKeyRange.start else {
            throw .shardsNotAdjacent(ShardReference(id, shard), adjacent)
        }
        let child = ShardDescription(
            id: nextShardID, hashKeyRange: HashKeyRange(start: lower.hashKeyRange.start, end: upper.hashKeyRange.end),
            createdSecond: creationSecond(after: [lower, upper], now: now), parent: shard, adjacentParent: adjacent,
            lane: min(lower.lane, upper.lane))
        return Resharding(parents: lower.lane < upper.lane ? [shard, adjacent] : [adjacent, shard], children: [child])
    }

    /// What closes an open shard without children: nobody takes its hash keys any more.
    /// - Throws: `.shardNotFound`, `.shardClosed`.
    public func close(_ shard: ShardID) throws(StoreError) -> Resharding {
        Resharding(parents: [try openShard(shard).id], children: [])
    }

    /// Takes in a change that was committed.
    /// - Parameters:
    ///   - ends: one past the last offset of each parent.
    ///   - milliseconds: when it was committed, since 1970-01-01 UTC.
    public mutating func apply(_ change: Resharding, ends: [ShardID: Int64], at milliseconds: Int64) {
        var changed = shards
        var lanes = lanes
        for index in changed.indices where change.parents.contains(changed[index].id) {
            let end = ends[changed[index].id] ?? changed[index].startOffset
            changed[index].endOffset = end
            changed[index].closedMilliseconds = milliseconds
            let lane = changed[index].lane
            if !change.children.contains(where: { $0.lane == lane }), Int(lane.index) < lanes.count {
                lanes[Int(lane.index)].endOffset = end
                lanes[Int(lane.index)].successor = change.children.map(\.lane).min()
            }
        }
        for var child in change.children where !changed.contains(where: { $0.id == child.id }) {
            let continued = changed.first { change.parents.contains($0.id) && $0.lane == child.lane }
            child.startOffset = continued?.endOffset ?? 0
            changed.append(child)
            while lanes.count <= Int(child.lane.index) { lanes.append(LaneDescription(id: LaneID(UInt32(lanes.count)))) }
        }
        self.lanes = lanes
        shards = changed
    }

    /// Takes out closed shards whose records are gone. The one with the highest number stays, so that no number is given twice.
    public mutating func forget(_ gone: Set<ShardID>) {
        let last = shards.last?.id
        shards.removeAll { gone.contains($0.id) && $0.endOffset != nil && $0.id != last }
    }

    private var nextShardID: ShardID { ShardID((shards.last?.id.index ?? 0) + 1) }

    private func openShard(_ shard: ShardID) throws(StoreError) -> ShardDescription {
        guard let found = self.shard(shard) else { throw .shardNotFound(ShardReference(id, shard)) }
        guard found.endOffset == nil else { throw .shardClosed(ShardReference(id, shard)) }
        return found
    }

    /// A sequence number begins with the second in which its shard was created, so that of a child must be a later one.
    private func creationSecond(after parents: [ShardDescription], now: Int64) -> Int64 {
        parents.reduce(now) { max($0, $1.createdSecond + 1) }
    }
}
