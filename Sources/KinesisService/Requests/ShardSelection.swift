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
            let closings = Self.closings(stream.shards)
            return stream.shards.filter { $0.createdSecond <= time / 1000 && closings[$0.id].map { $0 > time / 1000 } ?? true }
        case .from(let time):
            let closings = Self.closings(stream.shards)
            return stream.shards.filter { closings[$0.id].map { $0 >= time / 1000 } ?? true }
        }
    }

    /// In which second each closed shard was closed: its children were made then.
    private static func closings(_ shards: [ShardDescription]) -> [ShardID: Int64] {
        var closings: [ShardID: Int64] = [:]
        for shard in shards {
            for parent in [shard.parent, shard.adjacentParent] {
                if let parent { closings[parent] = min(closings[parent] ?? .max, shard.createdSecond) }
            }
        }
        return closings
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
