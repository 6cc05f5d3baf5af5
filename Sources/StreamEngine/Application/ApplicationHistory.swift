/// What was done to an application: the operations that version 2 of the API lists.

/// The last operations of an application, oldest first.
public struct ApplicationHistory: Codable, Sendable {
    /// An operation that was carried out (Kinesis Analytics API, ApplicationOperationInfoDetails).
    public struct Operation: Codable, Sendable {
        public enum Kind: String, Codable, Sendable {
            case start = "StartApplication"
            case stop = "StopApplication"
            case update = "UpdateApplication"
            case rollback = "RollbackApplication"
        }

        public var id: String
        public var kind: Kind
        /// Milliseconds since 1970-01-01 UTC.
        public var startMilliseconds: Int64
        public var endMilliseconds: Int64
        /// Versions of the configuration before and after, where it changed.
        public var versionBefore: Int64?
        public var versionAfter: Int64?
        /// Why it failed; nil when it did not.
        public var failure: String?
    }

    /// How many are kept.
    public static let limit = 50

    public private(set) var operations: [Operation] = []
    private var count: Int64 = 0
    /// Set by a rollback, until the next change: the versions it went from and to.
    public var rolledBackFrom: Int64?
    public var rolledBackTo: Int64?

    public init() {}

    /// Notes an operation.
    /// - Returns: its id.
    mutating func note(
        _ kind: Operation.Kind, from start: Int64, to end: Int64, versions: (before: Int64, after: Int64)? = nil,
        failure: String? = nil
    ) -> String {
        count += 1
        let id = "operation-\(count)"
        operations.append(
            Operation(
                id: id, kind: kind, startMilliseconds: start, endMilliseconds: max(start, end), versionBefore: versions?.before,
                versionAfter: versions?.after, failure: failure))
        if operations.count > Self.limit { operations.removeFirst(operations.count - Self.limit) }
        return id
    }

    /// The operation that was noted last did not come to what it was to.
    mutating func lastFailed(_ reason: String, at end: Int64) {
        guard let last = operations.indices.last else { return }
        operations[last].failure = reason
        operations[last].endMilliseconds = max(operations[last].startMilliseconds, end)
    }
}
