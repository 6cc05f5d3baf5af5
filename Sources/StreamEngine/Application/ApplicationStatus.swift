/// What is told of applications, and what is refused.

public import Host
public import StreamSQL
public import StreamStore

/// What the API tells of an application's state (Kinesis Analytics API, ApplicationStatus).
public enum ApplicationStatus: String, Sendable {
    case ready = "READY"
    case starting = "STARTING"
    case running = "RUNNING"
    case stopping = "STOPPING"
    case updating = "UPDATING"
    case deleting = "DELETING"
}

/// What the manager refuses.
public enum ApplicationError: Error, Sendable {
    case notFound(String)
    case exists(String)
    /// There is a definition of that name that cannot be read. It is left as it is; only `delete` ends it.
    case unreadable(String)
    /// The name of a new application has a definition that cannot be read, or state whose definition is gone. Only `delete` frees it.
    case taken(String)
    /// A definition or a state has a version that this build does not know.
    case unknownFormat(UnknownFormat)
    /// The state does not allow the call.
    case inUse(String, ApplicationStatus)
    /// Another change came first; the caller's version is stale.
    case staleVersion(given: Int64, current: Int64)
    /// The code is wrong: every error with its place.
    case code([SQLError])
    /// An input, output or start configuration that cannot work, in words.
    case configuration(String)
    /// There is no snapshot, version or operation of that name.
    case noSuch(String)
    /// There is one already.
    case snapshotExists(String)
    /// More than there may be, in words.
    case limit(String)
    case store(StoreError)
}

/// What is known of a running application, for metrics.
public struct ApplicationStatistics: Sendable {
    public var name: String
    public var status: ApplicationStatus
    public var rowsIn: Int64
    public var rowsOut: Int64
    public var errorRows: Int64
    /// Milliseconds since 1970-01-01 UTC; 0 before the first cycle.
    public var watermarkMilliseconds: Int64
    public var stateBytes: Int
    /// Why it does not get on, or why it was stopped without being asked to.
    public var trouble: String?
}
