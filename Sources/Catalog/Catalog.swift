/// The definitions of streams, their shards, fences and the rooms' own definitions, in one SQLite file (DESIGN, decision 5).

import Dispatch
import GRDB
import Glibc

/// The catalog of one data directory.
///
/// Every change is one transaction and is on disk when its call returns (rollback journal, synchronous=EXTRA). Small ones, such as the removal of a
/// stream, succeed on a full disk. Calls run on GRDB's own queue, never on the cooperative pool, and a task's cancellation does not
/// interrupt them.
public final class Catalog: Sendable {
    /// The SQLite file.
    public let path: String
    /// Whether `open` found no catalog and made one.
    public let isNew: Bool
    private let queue: DatabaseQueue
    private let probe: CatalogProbe?

    private init(path: String, isNew: Bool, queue: DatabaseQueue, probe: CatalogProbe?) {
        self.path = path
        self.isNew = isNew
        self.queue = queue
        self.probe = probe
    }

    /// Whether there is a catalog file with something in it. `open` would make one where there is not.
    public static func exists(path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_size > 0
    }

    /// Opens the catalog, or makes it where there is none; checks its integrity and brings its tables up to date.
    /// - Throws: `.damaged`, `.newer` and `.foreign`, each before anything in the file was changed.
    public static func open(path: String) async throws(CatalogError) -> Catalog {
        try await open(path: path, probe: nil)
    }

    /// As `open(path:)`, with a simulator between the changes that are made from then on.
    package static func open(path: String, probe: CatalogProbe?) async throws(CatalogError) -> Catalog {
        let result: Result<Catalog, any Error> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: Result { try openBlocking(path: path, probe: probe) })
            }
        }
        do {
            return try result.get()
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    private static func openBlocking(path: String, probe: CatalogProbe?) throws -> Catalog {
        var configuration = Configuration()
        configuration.label = "millrace.catalog"
        configuration.busyMode = .timeout(5)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        do {
            let isNew = try queue.inDatabase { db in
                let isNew = try CatalogSchema.check(db, path: path)
                try CatalogSchema.makeDurable(db)
                return isNew
            }
            if try !queue.inDatabase({ db in try CatalogSchema.migrator.hasCompletedMigrations(db) }) {
                try CatalogSchema.migrator.migrate(queue)
            }
            try queue.inDatabase { db in try CatalogSchema.keepSpare(db) }
            return Catalog(path: path, isNew: isNew, queue: queue, probe: probe)
        } catch {
            try? queue.close()
            throw error
        }
    }

    /// Closes the file; further calls fail.
    public func close() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            DispatchQueue.global().async { [queue] in
                try? queue.close()
                continuation.resume()
            }
        }
    }

    /// Runs one transaction to its end, whatever becomes of the calling task.
    func write<T: Sendable>(
        _ change: CatalogChange = .other, _ work: @escaping @Sendable (Database) throws -> T
    ) async throws(CatalogError) -> T {
        if let probe { try await probe.beforeChange(change) }
        let isForgotten = probe?.forgets(change) ?? false
        let result: Result<T, any Error> = await withCheckedContinuation { continuation in
            if isForgotten { return forget(work) { continuation.resume(returning: $0) } }
            queue.asyncWrite(work) { _, result in continuation.resume(returning: result) }
        }
        if let probe, case .success = result { try await probe.afterChange(change) }
        do {
            return try result.get()
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    /// For a simulator: makes a change and takes it back.
    private func forget<T: Sendable>(
        _ work: @escaping @Sendable (Database) throws -> T, _ answer: @escaping @Sendable (Result<T, any Error>) -> Void
    ) {
        queue.asyncWriteWithoutTransaction { db in
            answer(
                Result {
                    var value: T?
                    try db.inTransaction {
                        value = try work(db)
                        return .rollback
                    }
                    guard let value else { throw CatalogError.failed(path: self.path, detail: "no transaction took place") }
                    return value
                })
        }
    }

    /// Runs reads that see one state: the queue has one connection, and nobody else writes.
    func read<T: Sendable>(_ work: @escaping @Sendable (Database) throws -> T) async throws(CatalogError) -> T {
        let result: Result<T, any Error> = await withCheckedContinuation { continuation in
            queue.asyncUnsafeRead { access in
                continuation.resume(returning: Result { try work(try access.get()) })
            }
        }
        do {
            return try result.get()
        } catch {
            throw CatalogError(error, path: path)
        }
    }

    /// The value of a pragma, for tests of durability.
    package func pragma(_ name: String) async throws(CatalogError) -> String? {
        try await read { db in
            try String.fetchOne(db, sql: "PRAGMA \(name)")
        }
    }
}
