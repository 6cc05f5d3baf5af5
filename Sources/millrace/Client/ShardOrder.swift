/// In which order the shards of a stream are read, so that records with one partition key come in theirs: parents to their end, then children.

/// The shards that a reader is to read. It decides only; asking and reading is the caller's.
struct ShardOrder {
    /// Those that are to be read and were not read to their end.
    private var due: Set<String> = []
    private var begun: Set<String> = []

    /// - Parameter shards: those that are to be read, with the parents of each.
    /// - Returns: those to begin with: no parent of theirs is to be read.
    mutating func start(_ shards: [(id: String, parents: [String])]) -> [String] {
        due.formUnion(shards.map(\.id))
        let first = shards.filter { due.isDisjoint(with: $0.parents) }.map(\.id)
        begun.formUnion(first)
        return first
    }

    /// A shard was read to its end.
    /// - Parameter children: what it was split or merged into, with the parents of each.
    /// - Returns: those that are to be read from their beginning now; one that was merged waits for its other parent.
    mutating func ended(_ shard: String, children: [(id: String, parents: [String])]) -> [String] {
        due.remove(shard)
        due.formUnion(Set(children.map(\.id)).subtracting(begun))
        let next = children.filter { !begun.contains($0.id) && due.isDisjoint(with: $0.parents) }.map(\.id)
        begun.formUnion(next)
        return next
    }
}
