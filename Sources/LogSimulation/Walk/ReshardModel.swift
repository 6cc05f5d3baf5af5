/// What the walk of splits and merges has been told by the store: shards, their ends, and the records in each.

internal import StreamStore

/// A stream as it must be.
struct ReshardModel {
    struct Shard {
        var description: ShardDescription
        /// The numbers of the records that were acknowledged, in their order.
        var records: [UInt64] = []
        /// Changed since it was last compared.
        var isNews = true

        var end: Int64 { description.startOffset + Int64(records.count) }
    }

    private(set) var shards: [ShardID: Shard] = [:]
    /// A put that was not answered: the record may be there, once, at the end of its shard.
    var openPut: (shard: ShardID, number: UInt64)?
    /// A change that was not answered: it may have taken place, as it was planned.
    var openChange: Resharding?

    var open: [ShardDescription] {
        shards.values.map(\.description).filter { $0.endOffset == nil }.sorted { $0.hashKeyRange.start < $1.hashKeyRange.start }
    }

    mutating func begin(_ stream: StreamDescription) {
        for shard in stream.shards { shards[shard.id] = Shard(description: shard) }
    }

    mutating func put(_ number: UInt64, in shard: ShardID) {
        shards[shard]?.records.append(number)
        shards[shard]?.isNews = true
    }

    mutating func compared(_ shard: ShardID) { shards[shard]?.isNews = false }

    /// A change has taken place: what it must have come to, compared with what the store says.
    /// - Returns: what is wrong.
    mutating func carryOut(_ change: Resharding, _ found: StreamDescription) -> String? {
        for parent in change.parents {
            guard let known = shards[parent], let now = found.shard(parent) else { return "shard \(parent) is gone" }
            guard now.endOffset == known.end else {
                return "shard \(parent) ends at \(now.endOffset.map(String.init) ?? "no offset"), it has records up to \(known.end)"
            }
            shards[parent]?.description = now
            shards[parent]?.isNews = true
        }
        for child in change.children {
            guard let now = found.shard(child.id) else { return "shard \(child.id) was not made" }
            let begun = (now.hashKeyRange, now.parent, now.adjacentParent, now.lane)
            guard begun == (child.hashKeyRange, child.parent, child.adjacentParent, child.lane), now.endOffset == nil else {
                return "shard \(child.id) is \(now), not \(child)"
            }
            let before = change.parents.compactMap { shards[$0] }.first { $0.description.lane == now.lane }
            guard now.startOffset == before?.end ?? 0 else { return "shard \(child.id) begins at \(now.startOffset)" }
            for parent in change.parents.compactMap({ shards[$0]?.description }) where now.createdSecond < parent.createdSecond {
                return "shard \(child.id) is older than its parent \(parent.id)"
            }
            shards[child.id] = Shard(description: now)
        }
        return nil
    }

    /// Compares a whole stream.
    /// - Returns: what is wrong.
    func check(_ found: StreamDescription) -> String? {
        guard Set(found.shards.map(\.id)) == Set(shards.keys) else {
            return "there are \(found.shards.count) shards, not \(shards.count)"
        }
        for shard in found.shards where shard != shards[shard.id]?.description {
            return "shard \(shard.id) is \(shard), not \(shards[shard.id].map { "\($0.description)" } ?? "there")"
        }
        var next: UInt128? = 0
        for shard in found.openShards.sorted(by: { $0.hashKeyRange.start < $1.hashKeyRange.start }) {
            guard shard.hashKeyRange.start == next else { return "the hash space is not covered once before shard \(shard.id)" }
            let (after, overflow) = shard.hashKeyRange.end.addingReportingOverflow(1)
            next = overflow ? nil : after
        }
        return next == nil ? nil : "the hash space is not covered to its end"
    }
}
