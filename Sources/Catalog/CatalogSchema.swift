/// The catalog's tables, their migrations and the checks before anything is written.

import GRDB

enum CatalogSchema {
    /// "MILR" in ASCII, in the header field that SQLite reserves for the application.
    static let applicationID: Int64 = 0x4D49_4C52

    /// Migrations are only ever added; one that was released is never changed.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 streams, fences, definitions") { db in
            // AUTOINCREMENT: the number of a removed stream is never given again.
            // STRICT: a value of the wrong type is refused, and the integrity check finds one.
            try db.execute(
                sql: """
                    CREATE TABLE stream (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        status TEXT NOT NULL,
                        status_changed INTEGER NOT NULL,
                        created INTEGER NOT NULL,
                        mode TEXT NOT NULL,
                        retention_hours INTEGER NOT NULL,
                        max_record_kib INTEGER NOT NULL,
                        tags TEXT NOT NULL,
                        has_logs INTEGER NOT NULL,
                        UNIQUE (namespace, name)
                    ) STRICT;
                    CREATE TABLE shard (
                        stream INTEGER NOT NULL REFERENCES stream (id),
                        shard INTEGER NOT NULL,
                        hash_start TEXT NOT NULL,
                        hash_end TEXT NOT NULL,
                        created_second INTEGER NOT NULL,
                        parent INTEGER,
                        adjacent_parent INTEGER,
                        end_offset INTEGER,
                        PRIMARY KEY (stream, shard)
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE removed_shard (
                        stream INTEGER NOT NULL,
                        shard INTEGER NOT NULL,
                        PRIMARY KEY (stream, shard)
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE fence (
                        owner TEXT NOT NULL PRIMARY KEY,
                        epoch INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE definition (
                        kind TEXT NOT NULL,
                        name TEXT NOT NULL,
                        value BLOB NOT NULL,
                        PRIMARY KEY (kind, name)
                    ) STRICT;
                    """)
        }
        // No table changes. Definitions say their versions from here on, and builds from before, which would not look, refuse the file by name.
        migrator.registerMigration("2 versions on everything durable") { _ in }
        migrator.registerMigration("3 lanes, planned shards, node values") { db in
            // A shard whose start_offset is NULL is planned: whether it exists is told by the journal.
            try db.execute(
                sql: """
                    ALTER TABLE shard ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;
                    UPDATE shard SET lane = shard;
                    ALTER TABLE shard ADD COLUMN start_offset INTEGER DEFAULT 0;
                    ALTER TABLE shard ADD COLUMN closed INTEGER;
                    CREATE TABLE ended_lane (
                        stream INTEGER NOT NULL REFERENCES stream (id),
                        lane INTEGER NOT NULL,
                        end_offset INTEGER NOT NULL,
                        successor INTEGER,
                        PRIMARY KEY (stream, lane)
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE node_value (
                        name TEXT NOT NULL PRIMARY KEY,
                        value BLOB NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
        return migrator
    }

    /// Refuses a file that is damaged, foreign or newer, before anything in it changes.
    /// - Returns: whether the file is empty, so that a new catalog begins.
    static func check(_ db: Database, path: String) throws -> Bool {
        let problems = try String.fetchAll(db, sql: "PRAGMA integrity_check(20)")
        guard problems == ["ok"] else {
            throw CatalogError.damaged(path: path, detail: problems.joined(separator: "; "))
        }
        let tables = try String.fetchSet(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'")
        let application = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        if tables.isEmpty && application == 0 { return true }
        guard application == applicationID else { throw CatalogError.foreign(path: path) }
        let known = Set(migrator.migrations)
        let unknown = try migrator.appliedIdentifiers(db).subtracting(known)
        guard unknown.isEmpty else { throw CatalogError.newer(path: path, migrations: unknown.sorted()) }
        let dangling = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check")
        guard dangling.isEmpty else {
            throw CatalogError.damaged(path: path, detail: "\(dangling.count) shards of streams that do not exist")
        }
        return false
    }

    /// Every commit is on disk, and in the one file, before it is reported.
    ///
    /// DESIGN says WAL; the catalog left it because SQLite drops, without a word, what follows a damaged frame of a WAL: a damaged or deleted
    /// WAL made streams vanish. A rollback journal holds nothing that was committed. It is kept (PERSIST) so that its space is there on a
    /// full disk; a commit ends when the journal's header is zeroed and synced (sqlite.org/pragma.html#pragma_journal_mode). EXTRA syncs the
    /// directory too wherever SQLite deletes a journal all the same.
    /// Nothing is written when nothing differs, so that a store on a full disk can be opened for reading.
    static func makeDurable(_ db: Database) throws {
        let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode = PERSIST")
        guard mode == "persist" else {
            throw DatabaseError(message: "the journal mode is \(mode ?? "unknown"), not PERSIST")
        }
        try db.execute(sql: "PRAGMA synchronous = EXTRA")
        guard try Int64.fetchOne(db, sql: "PRAGMA application_id") != applicationID else { return }
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
    }

    /// Free pages that the file keeps, so that small changes need no space of the disk: to delete a stream is how a full one is emptied.
    static let sparePages: Int64 = 16

    /// Gives the file its spare pages, and its journal as many, where they are missing. Where the disk is full already they stay missing.
    static func keepSpare(_ db: Database) throws {
        let free = try Int64.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        let pageSize = try Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
        guard free < sparePages else { return }
        do {
            // Each statement is a transaction: the first writes the pages, the second copies them into the journal.
            try db.execute(sql: "CREATE TABLE IF NOT EXISTS spare AS SELECT zeroblob(\(sparePages * pageSize)) AS bytes")
            try db.execute(sql: "UPDATE spare SET bytes = randomblob(\(sparePages * pageSize))")
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            // The next opening tries again.
        }
        do {
            try db.execute(sql: "DROP TABLE IF EXISTS spare")
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            // Likewise; the table says nothing to anybody.
        }
    }
}
