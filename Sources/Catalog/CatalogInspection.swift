/// Looks at a catalog without changing it, whoever else has it open.

import Dispatch
import Foundation
import GRDB

/// What a catalog holds and what is wrong with it.
public struct CatalogInspection: Sendable {
    /// Nil when it cannot be read.
    public var contents: CatalogContents?
    /// What is wrong.
    public var problem: CatalogError?

    /// Checks the database's pages, its schema and every row.
    ///
    /// A change that was cut short has left a rollback journal, which only a writer may apply; then a copy in the system's temporary
    /// directory is looked at.
    public static func inspect(path: String) async -> CatalogInspection {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: inspectBlocking(path)) }
        }
    }

    private static func inspectBlocking(_ path: String) -> CatalogInspection {
        do {
            return try look(path, readOnly: true)
        } catch let error as DatabaseError
            where [.SQLITE_READONLY, .SQLITE_CANTOPEN].contains(error.resultCode)
            && FileManager.default.fileExists(atPath: path + "-journal")
        {
            return inspectCopy(path)
        } catch {
            return CatalogInspection(problem: CatalogError(error, path: path))
        }
    }

    private static func look(_ path: String, readOnly: Bool) throws -> CatalogInspection {
        var configuration = Configuration()
        configuration.label = "millrace.catalog.inspection"
        configuration.readonly = readOnly
        configuration.busyMode = .timeout(5)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        do {
            let current = try queue.read { db -> CatalogInspection? in
                if try CatalogSchema.check(db, path: path) { return CatalogInspection() }
                guard try CatalogSchema.migrator.hasCompletedMigrations(db) else { return nil }
                return CatalogInspection(contents: try Catalog.contents(db, path: path))
            }
            if let current { return current }
            // An earlier build's is looked at as the next start will have it, in memory.
            let migrated = try DatabaseQueue()
            try queue.backup(to: migrated)
            try CatalogSchema.migrator.migrate(migrated)
            return try migrated.read { db in CatalogInspection(contents: try Catalog.contents(db, path: path)) }
        } catch let error as CatalogError {
            return CatalogInspection(problem: error)
        }
    }

    private static func inspectCopy(_ path: String) -> CatalogInspection {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let copy = directory.appendingPathComponent("catalog.sqlite").path
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            for suffix in ["", "-journal"] { try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix) }
            return try look(copy, readOnly: false)
        } catch {
            return CatalogInspection(problem: CatalogError(error, path: path))
        }
    }
}
