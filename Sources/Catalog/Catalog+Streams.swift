/// Streams and shards in the catalog, and the tombstones of those that were removed.

import Foundation
import GRDB
public import StreamStore

extension Catalog {
    /// Everything that the store keeps in memory.
    /// - Throws: `.damaged` when a row says what no version of this program writes.
    public func load() async throws(CatalogError) -> CatalogContents {
        let path = path
        return try await read { db in try Catalog.contents(db, path: path) }
    }

    static func contents(_ db: Database, path: String) throws -> CatalogContents {
        var reader = CatalogReader(path: path)
        let shards = try Row.fetchCursor(db, sql: CatalogReader.shardRows)
        while let row = try shards.next() { try reader.addShard(row) }
        let lanes = try Row.fetchCursor(db, sql: CatalogReader.endedLaneRows)
        while let row = try lanes.next() { try reader.addEndedLane(row) }
        let streams = try Row.fetchCursor(db, sql: CatalogReader.streamRows)
        while let row = try streams.next() { try reader.addStream(row) }
        let removed = try Row.fetchCursor(db, sql: CatalogReader.removedShardRows)
        while let row = try removed.next() { try reader.addRemovedShard(row) }
        let fences = try Row.fetchCursor(db, sql: CatalogReader.fenceRows)
        while let row = try fences.next() { try reader.addFence(row) }
        return reader.contents
    }

    /// Adds a stream with its first shards, whose logs are still to be made; the catalog gives it an id that no stream had before.
    public func addStream(
        _ definition: StreamDefinition, status: StreamStatus, atMilliseconds now: Int64
    ) async throws(CatalogError) -> CatalogStream {
        let shards = ShardDescription.initial(count: definition.shardCount, createdSecond: now / 1000)
        return try await write { db in
            try db.execute(
                sql: """
                    INSERT INTO stream (namespace, name, status, status_changed, created, mode, retention_hours,
                        max_record_kib, tags, has_logs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
                    """,
                arguments: [
                    definition.key.namespace.rawValue, definition.key.name, status.rawValue, now, now,
                    definition.mode.rawValue, definition.retentionHours, definition.maxRecordKiB,
                    try Self.encode(tags: definition.tags),
                ])
            let id = StreamID(UInt64(db.lastInsertedRowID))
            try Self.insert(shards, of: id, in: db)
            return CatalogStream(
                description: StreamDescription(
                    id: id, key: definition.key, status: status, createdMilliseconds: now, mode: definition.mode,
                    retentionHours: definition.retentionHours, maxRecordKiB: definition.maxRecordKiB,
                    tags: definition.tags, shards: shards),
                statusChangedMilliseconds: now, hasLogs: false)
        }
    }

    /// Writes a stream's row, shards and lanes as they are now; shards that it no longer has become tombstones. Planned shards that are none of
    /// its shards stay planned.
    public func update(_ stream: CatalogStream) async throws(CatalogError) {
        try await write { db in
            let description = stream.description
            let id = description.id.rawValue
            try db.execute(
                sql: """
                    UPDATE stream SET status = ?, status_changed = ?, mode = ?, retention_hours = ?,
                        max_record_kib = ?, tags = ?, has_logs = ? WHERE id = ?
                    """,
                arguments: [
                    description.status.rawValue, stream.statusChangedMilliseconds, description.mode.rawValue,
                    description.retentionHours, description.maxRecordKiB, try Self.encode(tags: description.tags),
                    stream.hasLogs, id,
                ])
            let exists = "stream = ? AND start_offset IS NOT NULL"
            try db.execute(
                sql: "INSERT OR IGNORE INTO removed_shard SELECT stream, shard FROM shard WHERE \(exists)", arguments: [id])
            try db.execute(sql: "DELETE FROM shard WHERE \(exists)", arguments: [id])
            try Self.insert(description.shards, of: description.id, in: db)
            try Self.insert(description.lanes, of: description.id, in: db)
            try Self.forget(description.shards.map { ShardReference(description.id, $0.id) }, in: db)
        }
    }

    /// Adds shards that are planned, in place of those that were planned before: children of a split or a merge that is not in the journal yet.
    public func plan(_ children: [ShardDescription], of stream: StreamID) async throws(CatalogError) {
        try await write { db in
            try db.execute(
                sql: "DELETE FROM shard WHERE stream = ? AND start_offset IS NULL", arguments: [stream.rawValue])
            try Self.insert(children, of: stream, isPlanned: true, in: db)
        }
    }

    /// Replaces a stream's tags.
    public func setTags(_ tags: [String: String], of id: StreamID) async throws(CatalogError) {
        try await write(.tags) { db in
            try db.execute(
                sql: "UPDATE stream SET tags = ? WHERE id = ?", arguments: [try Self.encode(tags: tags), id.rawValue])
        }
    }

    /// Sets how long a stream's records stay readable.
    public func setRetention(hours: Int, of id: StreamID) async throws(CatalogError) {
        try await write { db in
            try db.execute(sql: "UPDATE stream SET retention_hours = ? WHERE id = ?", arguments: [hours, id.rawValue])
        }
    }

    /// Notes that the logs of streams were made.
    public func markLogsMade(_ ids: [StreamID]) async throws(CatalogError) {
        guard !ids.isEmpty else { return }
        try await write { db in
            for id in ids {
                try db.execute(sql: "UPDATE stream SET has_logs = 1 WHERE id = ?", arguments: [id.rawValue])
            }
        }
    }

    /// Removes a stream and leaves tombstones for its shards, until `forgetRemoved` is told that their logs are gone.
    public func removeStream(_ id: StreamID) async throws(CatalogError) {
        try await write(.streamRemoval) { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO removed_shard SELECT stream, shard FROM shard WHERE stream = ?",
                arguments: [id.rawValue])
            try db.execute(sql: "DELETE FROM shard WHERE stream = ?", arguments: [id.rawValue])
            try db.execute(sql: "DELETE FROM ended_lane WHERE stream = ?", arguments: [id.rawValue])
            try db.execute(sql: "DELETE FROM stream WHERE id = ?", arguments: [id.rawValue])
        }
    }

    /// Drops the tombstones of shards whose logs are gone.
    public func forgetRemoved(_ shards: [ShardReference]) async throws(CatalogError) {
        guard !shards.isEmpty else { return }
        try await write { db in
            try Self.forget(shards, in: db)
        }
    }

    /// Keeps ids up to this one from being given to new streams: for logs that were found without a stream.
    public func reserveStreamIDs(through id: StreamID) async throws(CatalogError) {
        try await write { db in
            let last = Int64(clamping: id.rawValue)
            try db.execute(sql: "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'stream'", arguments: [last])
            if db.changesCount == 0 {
                try db.execute(sql: "INSERT INTO sqlite_sequence (name, seq) VALUES ('stream', ?)", arguments: [last])
            }
        }
    }

    /// Adds rows of shards, with one statement for all.
    private static func insert(
        _ shards: [ShardDescription], of stream: StreamID, isPlanned: Bool = false, in db: Database
    ) throws {
        // In place of a planned one.
        let statement = try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO shard (stream, shard, hash_start, hash_end, created_second, parent, adjacent_parent, end_offset,
                    lane, start_offset, closed)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        for shard in shards {
            try statement.execute(arguments: [
                stream.rawValue, shard.id.index, HashKey.text(shard.hashKeyRange.start),
                HashKey.text(shard.hashKeyRange.end), shard.createdSecond, shard.parent?.index,
                shard.adjacentParent?.index, shard.endOffset, shard.lane.index, isPlanned ? nil : shard.startOffset,
                shard.closedMilliseconds,
            ])
        }
    }

    /// Notes which lanes have ended; that of the others is told by their shards.
    private static func insert(_ lanes: [LaneDescription], of stream: StreamID, in db: Database) throws {
        let ended = lanes.filter { $0.endOffset != nil }
        if ended.isEmpty { return }
        let statement = try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO ended_lane (stream, lane, end_offset, successor) VALUES (?, ?, ?, ?)")
        for lane in ended {
            try statement.execute(arguments: [stream.rawValue, lane.id.index, lane.endOffset, lane.successor?.index])
        }
    }

    /// Drops tombstones, with one statement for all.
    private static func forget(_ shards: [ShardReference], in db: Database) throws {
        let statement = try db.cachedStatement(sql: "DELETE FROM removed_shard WHERE stream = ? AND shard = ?")
        for shard in shards { try statement.execute(arguments: [shard.stream.rawValue, shard.shard.index]) }
    }

    private static func encode(tags: [String: String]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(tags), as: UTF8.self)
    }
}
