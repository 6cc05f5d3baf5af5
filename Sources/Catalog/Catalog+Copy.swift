/// A copy of the catalog as of one moment, for backups.

import GRDB
import GRDBSQLite

extension Catalog {
    /// The database's bytes, checked, and what `moment` gives: no change of the catalog is committed between the two.
    ///
    /// The catalog is small; the copy is made in memory while changes wait.
    /// - Parameter moment: is called while nothing in the catalog changes; it must not call the catalog.
    /// - Throws: `.damaged` when the catalog is, for a copy of that would be no backup.
    public func copy<Moment: Sendable>(
        at moment: @escaping @Sendable () -> Moment
    ) async throws(CatalogError) -> (bytes: [UInt8], moment: Moment) {
        let path = path
        return try await read { db in
            let now = moment()
            let problems = try String.fetchAll(db, sql: "PRAGMA quick_check(3)")
            guard problems == ["ok"] else { throw CatalogError.damaged(path: path, detail: problems.joined(separator: "; ")) }
            var size: sqlite3_int64 = 0
            guard let copy = sqlite3_serialize(db.sqliteConnection, "main", &size, 0) else {
                throw CatalogError.failed(path: path, detail: "there is no memory for a copy")
            }
            defer { sqlite3_free(copy) }
            return (bytes: [UInt8](UnsafeBufferPointer(start: copy, count: Int(size))), moment: now)
        }
    }
}
