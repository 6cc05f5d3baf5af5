/// Which shards of a stream a listing names (Kinesis API, ShardFilter).

import AWSWire
import StreamStore

/// A ShardFilter, resolved: times are absolute, so that it means the same on every page.
enum ShardSelection: Equatable {
    case all
    case after(ShardID)
    /// Open now.
    case atLatest
    /// Open at a time (milliseconds since 1970-01-01 UTC).
    case at(Int64)
    /// Open at a time or made later.
    case from(Int64)

    func shards(of stream: StreamDescription) -> [ShardDescription] {
        switch self {
        case .all: return stream.shards
        case .after(let id): return stream.shards.filter { $0.id > id }
        case .atLatest: return stream.openShards
        case .at(let time):
            let opened = Self.openings(stream.shards)
            return stream.shards.filter { shard in
                opened[shard.id].map { $0 <= time } ?? true
                    && (shard.endOffset == nil || shard.closedMilliseconds.map { $0 > time } ?? true)
            }
        case .from(let time):
            return stream.shards.filter { $0.endOffset == nil || $0.closedMilliseconds.map { $0 >= time } ?? true }
        }
    }

    /// When each shard was opened, milliseconds since 1970-01-01 UTC: when its parents were closed, or with the stream. Its creation second, which
    /// leads its sequence numbers, may lie later than that. None for one whose parents are gone: that was before everything that is still there.
    private static func openings(_ shards: [ShardDescription]) -> [ShardID: Int64] {
        let closed = Dictionary(shards.map { ($0.id, $0.closedMilliseconds) }) { first, _ in first }
        var openings: [ShardID: Int64] = [:]
        for shard in shards {
            let parents = [shard.parent, shard.adjacentParent].compactMap { $0 }
            openings[shard.id] = parents.isEmpty ? shard.createdSecond * 1000 : parents.compactMap { closed[$0] ?? nil }.max()
        }
        return openings
    }

    // MARK: In tokens

    var encoded: (kind: UInt8, value: Int64) {
        switch self {
        case .all: (0, 0)
        case .after(let id): (1, Int64(id.index))
        case .atLatest: (2, 0)
        case .at(let time): (3, time)
        case .from(let time): (4, time)
        }
    }

    init?(kind: UInt8, value: Int64) {
        switch kind {
        case 0: self = .all
        case 1:
            guard let index = UInt32(exactly: value) else { return nil }
            self = .after(ShardID(index))
        case 2: self = .atLatest
        case 3: self = .at(value)
        case 4: self = .from(value)
        default: return nil
        }
    }
}
