/// Lanes: chains of shards whose offsets go on from one to the next, which is what a Kafka client calls a partition.

/// A lane's number in its stream, counted from 0 and never given again.
public struct LaneID: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    public var index: UInt32
    public init(_ index: UInt32) { self.index = index }
    public static func < (a: Self, b: Self) -> Bool { a.index < b.index }
    public var description: String { String(index) }
}

/// A lane as it stands (DESIGN, decision 10).
///
/// The lower child of a split goes on with its parent's lane and offsets, the upper one opens a new lane at offset 0. The child of a merge goes
/// on with the lower of its parents' lanes; the other one ends, and what is still addressed to it goes to the lane of the child.
public struct LaneDescription: Hashable, Sendable, Codable {
    public var id: LaneID
    /// One past the lane's last offset once no shard will go on with it; nil while one does.
    public var endOffset: Int64?
    /// Where what is addressed to the lane goes after a merge; nil while the lane is open, and after a close without children.
    public var successor: LaneID?

    public init(id: LaneID, endOffset: Int64? = nil, successor: LaneID? = nil) {
        self.id = id
        self.endOffset = endOffset
        self.successor = successor
    }
}

extension StreamDescription {
    /// The shards of a lane that are still there, in order of offset: each begins where the one before ends.
    public func shards(of lane: LaneID) -> [ShardDescription] {
        shards.filter { $0.lane == lane }.sorted { ($0.startOffset, $0.id) < ($1.startOffset, $1.id) }
    }

    /// The shard of a lane that an offset belongs to: for the lane's end, and past it, the last one. Nil when the offset lies before all shards that
    /// are still there, or there are none.
    public func shard(of lane: LaneID, at offset: Int64) -> ShardDescription? {
        shards(of: lane).last { $0.startOffset <= offset }
    }

    /// The open shard that takes what is addressed to a lane: the lane's own, or after a merge that of the lane it was merged into. Nil for
    /// a lane that does not exist or was closed without children.
    public func openShard(of lane: LaneID) -> ShardDescription? {
        var next: LaneID? = lane
        // A lane's successor has a lower number, so this ends.
        while let current = next, Int(current.index) < lanes.count {
            if let open = shards.last(where: { $0.lane == current && $0.endOffset == nil }) { return open }
            next = lanes[Int(current.index)].successor.flatMap { $0 < current ? $0 : nil }
        }
        return nil
    }

    /// Where a shard that the stream does not tell of any more has ended, as far as its children tell: the one that goes on with its lane begins
    /// there, or its lane has ended there. After a merge these are the ends of both parents' lanes, and of those merged into them before. Empty when
    /// the children are gone too, or there were none.
    public func possibleEnds(ofRetired shard: ShardID) -> [Int64] {
        let children = children(of: shard)
        guard let child = children.first else { return [] }
        if child.adjacentParent == nil { return children.map(\.startOffset).max().map { [$0] } ?? [] }
        return [child.startOffset] + lanes.filter { $0.successor == child.lane }.compactMap(\.endOffset)
    }

    /// The children of a split or a merge of a shard, by rising number.
    public func children(of shard: ShardID) -> [ShardDescription] {
        shards.filter { $0.parent == shard || $0.adjacentParent == shard }
    }
}

extension LaneDescription {
    /// The lanes of a stream.
    /// - Parameters:
    ///   - shards: those that are still there.
    ///   - ended: the lanes that have ended, as far as that is known otherwise: of some no shard may be left.
    public static func all(of shards: [ShardDescription], ended: [LaneDescription] = []) -> [LaneDescription] {
        guard let highest = (shards.map(\.lane.index) + ended.map(\.id.index)).max() else { return [] }
        var lanes = (0...highest).map { LaneDescription(id: LaneID($0)) }
        for shard in shards {
            guard let end = shard.endOffset else { continue }
            let children = shards.filter { $0.parent == shard.id || $0.adjacentParent == shard.id }
            guard !children.contains(where: { $0.lane == shard.lane }) else { continue }
            lanes[Int(shard.lane.index)].endOffset = end
            lanes[Int(shard.lane.index)].successor = children.map(\.lane).min()
        }
        for lane in ended { lanes[Int(lane.id.index)] = lane }
        return lanes
    }
}
