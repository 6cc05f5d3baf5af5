/// How an embedded store is set up, and what its opening found.

public import Catalog
public import StreamLog

/// Settings of an `EmbeddedStore`.
public struct EmbeddedStoreOptions: Sendable {
    /// How long users' streams are CREATING and DELETING, in seconds; 0 changes them at once. Hidden streams change at once always.
    public var lifecycleDelaySeconds: Int
    /// How many open shards users' streams may have in all; `Int.max` is no limit.
    public var shardLimit: Int
    /// How often retention is applied, in seconds; nil starts no background work at all, so that `maintain` is the caller's.
    public var retentionSweepSeconds: Int?
    /// The log's own settings.
    public var log: LogOptions

    public init(
        lifecycleDelaySeconds: Int = 0, shardLimit: Int = .max, retentionSweepSeconds: Int? = 60,
        log: LogOptions = LogOptions()
    ) {
        self.lifecycleDelaySeconds = lifecycleDelaySeconds
        self.shardLimit = shardLimit
        self.retentionSweepSeconds = retentionSweepSeconds
        self.log = log
    }
}

/// What opening a store found and mended; for the server's log.
public struct StoreRecovery: Sendable {
    /// What the log's own recovery found.
    public var log: RecoveryReport
    /// The catalog was made new.
    public var catalogIsNew: Bool
    public var streamCount: Int
    /// Removed shards whose log was still there, because their removal was cut short.
    public var finishedRemovals: [LogID]
    /// What could not be mended, in words.
    public var problems: [String]
}

/// Why a store could not be opened.
public enum StoreOpenError: Error, Sendable, CustomStringConvertible {
    case catalog(CatalogError)
    case log(LogError)
    /// The log has records but the catalog, which names their streams, is missing or empty.
    case catalogMissing(path: String, files: Int)
    /// There are logs that the catalog neither knows nor has removed: it is older than the log, or another one's. Nothing was changed.
    case unknownLogs(path: String, directories: [String])
    /// The catalog's streams have logs, but there is no journal: the newest acknowledged records may be missing. Nothing was changed.
    case journalMissing

    public var description: String {
        switch self {
        case .catalog(let error): "\(error)"
        case .log(.unknownFormat(let format)): "\(format)"
        case .log(let error): "the log cannot be opened: \(error)"
        case .catalogMissing(let path, let files):
            "\(path) is missing or empty, but there are \(files) files of records beside it: restore the catalog from a backup, "
                + "or choose another data directory"
        case .journalMissing:
            "journal/ is missing or empty, though there are streams with logs: acknowledged records may be missing; nothing was changed: "
                + "put the journal's files back, or restore the whole data directory from a backup"
        case .unknownLogs(let path, let directories):
            "\(path) does not know the streams of \(directories.joined(separator: ", ")), so it is damaged or out of date; nothing was "
                + "changed: restore catalog.sqlite from a backup, or move those directories away to go on without their records"
        }
    }
}
