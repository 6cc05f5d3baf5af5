/// Turns rows into values, trusting nothing about them: what a row cannot mean is damage.

import Foundation
import GRDB
import StreamStore

/// Gathers the contents of the catalog from rows: shards first, then their streams.
///
/// Rows are read by the position of their columns, and one after the other: there may be 100,000 of them, and names to look up and copies
/// to hold all at once would only cost time and memory.
struct CatalogReader {
    static let shardRows = """
        SELECT stream, shard, hash_start, hash_end, created_second, parent, adjacent_parent, end_offset, lane, start_offset, closed
        FROM shard
        ORDER BY stream, shard
        """
    static let streamRows = """
        SELECT id, namespace, name, status, status_changed, created, mode, retention_hours, max_record_kib, tags, has_logs FROM stream
        ORDER BY id
        """
    static let endedLaneRows = "SELECT stream, lane, end_offset, successor FROM ended_lane ORDER BY stream, lane"
    static let removedShardRows = "SELECT stream, shard FROM removed_shard"
    static let fenceRows = "SELECT owner, epoch FROM fence"

    let path: String
    private(set) var contents = CatalogContents(streams: [], removedShards: [], fences: [:])
    private var shards: [StreamID: [ShardDescription]] = [:]
    private var plannedShards: [StreamID: [ShardDescription]] = [:]
    private var endedLanes: [StreamID: [LaneDescription]] = [:]

    init(path: String) {
        self.path = path
    }

    mutating func addShard(_ row: Row) throws {
        guard let stream = row.natural(0), let index = row.shardID(1), let start = row.hashKey(2), let end = row.hashKey(3),
            start <= end, let createdSecond = row.integer(4), let lane = row.laneID(8)
        else { throw damaged("a row of table shard", row) }
        let startOffset = row.integer(9)
        let shard = ShardDescription(
            id: index, hashKeyRange: HashKeyRange(start: start, end: end), createdSecond: createdSecond,
            parent: row.shardID(5), adjacentParent: row.shardID(6), lane: lane, startOffset: startOffset ?? 0,
            endOffset: row.integer(7), closedMilliseconds: row.integer(10))
        guard shard.startOffset >= 0, shard.endOffset.map({ $0 >= shard.startOffset }) ?? true else {
            throw damaged("a row of table shard", row)
        }
        if startOffset == nil {
            plannedShards[StreamID(stream), default: []].append(shard)
        } else {
            shards[StreamID(stream), default: []].append(shard)
        }
    }

    mutating func addEndedLane(_ row: Row) throws {
        guard let stream = row.natural(0), let lane = row.laneID(1), let end = row.integer(2), end >= 0 else {
            throw damaged("a row of table ended_lane", row)
        }
        endedLanes[StreamID(stream), default: []].append(
            LaneDescription(id: lane, endOffset: end, successor: row.laneID(3)))
    }

    mutating func addStream(_ row: Row) throws {
        guard let id = row.natural(0),
            let namespace = row.text(1).flatMap(StreamNamespace.init(rawValue:)),
            let name = row.text(2), let status = row.text(3).flatMap(StreamStatus.init(rawValue:)),
            let changed = row.integer(4), let created = row.integer(5),
            let mode = row.text(6).flatMap(StreamMode.init(rawValue:)),
            let retention = row.integer(7).flatMap(Int.init(exactly:)),
            let maxRecord = row.integer(8).flatMap(Int.init(exactly:)), let tagText = row.text(9),
            let tags = try? JSONDecoder().decode([String: String].self, from: Data(tagText.utf8)),
            let shards = shards.removeValue(forKey: StreamID(id)), let hasLogs = row.integer(10)
        else { throw damaged("a row of table stream", row) }
        contents.streams.append(
            CatalogStream(
                description: StreamDescription(
                    id: StreamID(id), key: StreamKey(name, in: namespace), status: status, createdMilliseconds: created,
                    mode: mode, retentionHours: retention, maxRecordKiB: maxRecord, tags: tags, shards: shards,
                    lanes: try lanes(of: shards, StreamID(id), row)),
                statusChangedMilliseconds: changed, hasLogs: hasLogs != 0,
                plannedShards: plannedShards.removeValue(forKey: StreamID(id)) ?? []))
    }

    /// Lanes are numbered without gaps, one for each shard at most that the stream ever had.
    private mutating func lanes(of shards: [ShardDescription], _ stream: StreamID, _ row: Row) throws -> [LaneDescription] {
        let ended = endedLanes.removeValue(forKey: stream) ?? []
        let most = max(shards.last?.id.index ?? 0, UInt32(shards.count + ended.count))
        guard shards.allSatisfy({ $0.lane.index <= most }), ended.allSatisfy({ $0.id.index <= most }) else {
            throw damaged("a lane of a row of table stream", row)
        }
        return LaneDescription.all(of: shards, ended: ended)
    }

    mutating func addRemovedShard(_ row: Row) throws {
        guard let stream = row.natural(0), let shard = row.shardID(1) else {
            throw damaged("a row of table removed_shard", row)
        }
        contents.removedShards.insert(ShardReference(StreamID(stream), shard))
    }

    mutating func addFence(_ row: Row) throws {
        guard let owner = row.text(0), let epoch = row.natural(1) else {
            throw damaged("a row of table fence", row)
        }
        contents.fences[owner] = epoch
    }

    private func damaged(_ what: String, _ row: Row) -> CatalogError {
        .damaged(path: path, detail: "\(what) makes no sense: \(row)")
    }
}

/// Column access, by position, that answers nil instead of trapping when a value has another type.
extension Row {
    func integer(_ column: Int) -> Int64? {
        guard case .int64(let value) = (self[column] as DatabaseValue).storage else { return nil }
        return value
    }

    func natural(_ column: Int) -> UInt64? {
        integer(column).flatMap(UInt64.init(exactly:))
    }

    func text(_ column: Int) -> String? {
        guard case .string(let value) = (self[column] as DatabaseValue).storage else { return nil }
        return value
    }

    /// A BLOB; an empty one is stored as such and read back as such.
    func bytes(_ column: Int) -> [UInt8]? {
        guard case .blob(let data) = (self[column] as DatabaseValue).storage else { return nil }
        return [UInt8](data)
    }

    func shardID(_ column: Int) -> ShardID? {
        integer(column).flatMap(UInt32.init(exactly:)).map { ShardID($0) }
    }

    func laneID(_ column: Int) -> LaneID? {
        integer(column).flatMap(UInt32.init(exactly:)).map { LaneID($0) }
    }

    /// A bound of a range of hash keys, in decimal.
    func hashKey(_ column: Int) -> UInt128? {
        guard let text = text(column), case .key(let key) = HashKey.parse(explicit: text) else { return nil }
        return key
    }
}
