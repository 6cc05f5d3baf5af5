/// Turns rows into values, trusting nothing about them: what a row cannot mean is damage.

import Foundation
import GRDB
import StreamStore

/// Gathers the contents of the catalog from rows: shards first, then their streams.
struct CatalogReader {
    let path: String
    private(set) var contents = CatalogContents(streams: [], removedShards: [], fences: [:])
    private var shards: [StreamID: [ShardDescription]] = [:]

    init(path: String) {
        self.path = path
    }

    mutating func addShard(_ row: Row) throws {
        guard let stream = row.natural("stream"), let index = row.shardID("shard"),
            let start = row.text("hash_start").flatMap({ UInt128($0) }),
            let end = row.text("hash_end").flatMap({ UInt128($0) }), start <= end,
            let createdSecond = row.integer("created_second")
        else { throw damaged("a row of table shard", row) }
        shards[StreamID(stream), default: []].append(
            ShardDescription(
                id: index, hashKeyRange: HashKeyRange(start: start, end: end), createdSecond: createdSecond,
                parent: row.shardID("parent"), adjacentParent: row.shardID("adjacent_parent"),
                endOffset: row.integer("end_offset")))
    }

    mutating func addStream(_ row: Row) throws {
        guard let id = row.natural("id"),
            let namespace = row.text("namespace").flatMap(StreamNamespace.init(rawValue:)),
            let name = row.text("name"), let status = row.text("status").flatMap(StreamStatus.init(rawValue:)),
            let changed = row.integer("status_changed"), let created = row.integer("created"),
            let mode = row.text("mode").flatMap(StreamMode.init(rawValue:)),
            let retention = row.integer("retention_hours").flatMap(Int.init(exactly:)),
            let maxRecord = row.integer("max_record_kib").flatMap(Int.init(exactly:)), let tagText = row.text("tags"),
            let tags = try? JSONDecoder().decode([String: String].self, from: Data(tagText.utf8)),
            let shards = shards[StreamID(id)], let hasLogs = row.integer("has_logs")
        else { throw damaged("a row of table stream", row) }
        contents.streams.append(
            CatalogStream(
                description: StreamDescription(
                    id: StreamID(id), key: StreamKey(name, in: namespace), status: status, createdMilliseconds: created,
                    mode: mode, retentionHours: retention, maxRecordKiB: maxRecord, tags: tags, shards: shards),
                statusChangedMilliseconds: changed, hasLogs: hasLogs != 0))
    }

    mutating func addRemovedShard(_ row: Row) throws {
        guard let stream = row.natural("stream"), let shard = row.shardID("shard") else {
            throw damaged("a row of table removed_shard", row)
        }
        contents.removedShards.insert(ShardReference(StreamID(stream), shard))
    }

    mutating func addFence(_ row: Row) throws {
        guard let owner = row.text("owner"), let epoch = row.natural("epoch") else {
            throw damaged("a row of table fence", row)
        }
        contents.fences[owner] = epoch
    }

    private func damaged(_ what: String, _ row: Row) -> CatalogError {
        .damaged(path: path, detail: "\(what) makes no sense: \(row)")
    }
}

/// Column access that answers nil instead of trapping when a value has another type.
extension Row {
    func integer(_ column: String) -> Int64? {
        guard case .int64(let value) = (self[column] as DatabaseValue?)?.storage else { return nil }
        return value
    }

    func natural(_ column: String) -> UInt64? {
        integer(column).flatMap(UInt64.init(exactly:))
    }

    func text(_ column: String) -> String? {
        guard case .string(let value) = (self[column] as DatabaseValue?)?.storage else { return nil }
        return value
    }

    func shardID(_ column: String) -> ShardID? {
        integer(column).flatMap(UInt32.init(exactly:)).map { ShardID($0) }
    }
}
