/// Verifies a whole data directory: the catalog and the log, with the names of streams.

import Catalog
public import Host
public import StreamLog
public import StreamStore

/// A finding with the names of what it concerns, as far as the catalog tells them.
public struct StoreFinding: Sendable {
    public var finding: VerificationFinding
    public var stream: StreamKey?
    public var shard: ShardID?
}

/// One scan of a data directory. Nothing is changed and no lock is taken, so it may run beside a server.
public enum StoreVerification {
    /// What is told while a scan runs, in order, from one thread.
    public enum Event: Sendable {
        case progress(VerificationProgress)
        case finding(StoreFinding)
    }

    /// Whether a directory looks like a data directory at all.
    public static func isStore<D: Disk>(_ disk: D) throws(DiskError) -> Bool {
        let names = try disk.list("")
        return !Set(names).isDisjoint(with: [StorePaths.catalog, "journal/", "logs/"])
    }

    /// Scans everything.
    /// - Parameters:
    ///   - disk: the data directory.
    ///   - directory: the same directory's path, for SQLite.
    /// - Throws: when a directory cannot be read.
    public static func run<D: Disk>(
        disk: D, directory: String, event: @escaping @Sendable (Event) -> Void
    ) async throws(DiskError) -> VerificationSummary {
        let thread = IOThreads(name: "verify", count: 1)
        defer { thread.close() }
        let run = Run(disk: disk, event: event)
        try await thread.run { run.result { () throws(DiskError) in try run.survey() } }.get()
        // After the survey, so that the catalog knows every log that was found.
        let path = "\(directory)/\(StorePaths.catalog)"
        let catalog = Catalog.exists(path: path) ? await CatalogInspection.inspect(path: path) : nil
        return try await thread.run { run.result { () throws(DiskError) in try run.run(catalog) } }.get()
    }

    /// The state of one scan. Its two parts run one after the other on one thread.
    private final class Run<D: Disk>: @unchecked Sendable {
        private let disk: D
        private let event: @Sendable (Event) -> Void
        private var names: [LogID: (stream: StreamKey, shard: ShardID)] = [:]
        private lazy var log = LogVerification(
            disk: disk, progress: { [unowned self] in event(.progress($0)) }, finding: { [unowned self] in tell($0) })

        init(disk: D, event: @escaping @Sendable (Event) -> Void) {
            self.disk = disk
            self.event = event
        }

        func result<Value>(_ body: () throws(DiskError) -> Value) -> Result<Value, DiskError> {
            do throws(DiskError) {
                return .success(try body())
            } catch {
                return .failure(error)
            }
        }

        func survey() throws(DiskError) { try log.survey() }

        func run(_ inspection: CatalogInspection?) throws(DiskError) -> VerificationSummary {
            var own = VerificationSummary()
            if let unknown = log.unknownFormat {
                own.unknownFormat = unknown
                return own
            }
            let contents = inspection?.contents
            for stream in contents?.streams ?? [] {
                for shard in stream.description.shards + stream.plannedShards {
                    names[LogID(ShardReference(stream.description.id, shard.id))] = (stream.description.key, shard.id)
                }
            }
            for finding in try catalogFindings(inspection) {
                own.count(finding)
                tell(finding)
            }
            var summary = try log.run(
                known: contents == nil ? nil : Set(names.keys), removed: Set((contents?.removedShards ?? []).map { LogID($0) }))
            summary.files += inspection == nil ? 0 : 1
            summary.damages += own.damages
            summary.notices += own.notices
            return summary
        }

        private func catalogFindings(_ inspection: CatalogInspection?) throws(DiskError) -> [VerificationFinding] {
            let file = StorePaths.catalog
            if let problem = inspection?.problem {
                // A newer version's catalog is as it should be, only not for this program.
                if case .newer = problem {
                    return [VerificationFinding(.notice, .catalog, file: file, "\(problem)")]
                }
                return [VerificationFinding(.damage, .catalog, file: file, "\(problem)")]
            }
            guard inspection?.contents == nil else { return [] }
            var records: [String] = []
            for directory in ["journal", "logs"] {
                do throws(DiskError) {
                    records += try disk.list(directory)
                } catch {
                    if error.kind != .notFound { throw error }
                }
            }
            if records.isEmpty { return [] }
            return [
                VerificationFinding(
                    .damage, .catalog, file: file,
                    "it is missing or empty, though there are files of records: no start will open them without it")
            ]
        }

        private func tell(_ finding: VerificationFinding) {
            let name = finding.log.flatMap { names[$0] }
            event(.finding(StoreFinding(finding: finding, stream: name?.stream, shard: name?.shard)))
        }
    }
}
