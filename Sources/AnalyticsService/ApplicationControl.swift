/// What this room asks of the application manager; the tests put another one in its place.

public import StreamEngine

/// Keeps applications: the calls of `ApplicationManager` that the API needs, with the meaning and the errors described there.
public protocol ApplicationControl: Sendable {
    /// - Throws: `.notFound`.
    func definition(_ name: String) async throws(ApplicationError) -> (ApplicationDefinition, ApplicationStatus)
    /// Why an application does not get on, or why it was stopped without being asked to; nil when neither is so.
    func trouble(_ name: String) async -> String?
    /// All applications by name.
    func list() async -> [(ApplicationDefinition, ApplicationStatus)]
    /// - Throws: `.exists`, `.code`, `.configuration`, `.store`.
    func create(_ definition: ApplicationDefinition) async throws(ApplicationError)
    /// - Throws: `.notFound`, `.inUse`, `.staleVersion`, what `change` throws, `.code`, `.configuration`, `.store`.
    @discardableResult
    func update(
        _ name: String, version: Int64, _ change: @Sendable (inout ApplicationDefinition) throws(ApplicationError) -> Void
    ) async throws(ApplicationError) -> StateCarryOver
    /// Changes what is not the configuration: tags.
    /// - Throws: `.notFound`, `.inUse`, what `change` throws, `.store`.
    func amend(
        _ name: String, _ change: @Sendable (inout ApplicationDefinition) throws(ApplicationError) -> Void
    ) async throws(ApplicationError)
    /// - Parameters:
    ///   - positions: by input id.
    ///   - snapshot: the name of a snapshot to begin with.
    /// - Returns: the operation's id.
    /// - Throws: `.notFound`, `.noSuch`, `.inUse`, `.configuration`, `.store`.
    func start(
        _ name: String, positions: [String: StartingPosition], from snapshot: String?
    ) async throws(ApplicationError) -> String
    /// - Returns: the operation's id.
    /// - Throws: `.notFound`, `.inUse`, `.store`.
    func stop(_ name: String) async throws(ApplicationError) -> String
    /// - Throws: `.notFound`, `.inUse`, `.snapshotExists`, `.limit`, `.configuration`, `.store`.
    func takeSnapshot(_ snapshot: String, of name: String) async throws(ApplicationError)
    /// - Throws: `.notFound`, `.noSuch`, `.inUse`, `.store`.
    func deleteSnapshot(_ snapshot: String, of name: String, created: Int64) async throws(ApplicationError)
    /// The versions of an application that are kept, the newest first.
    /// - Throws: `.notFound`, `.store`.
    func versions(_ name: String) async throws(ApplicationError) -> [ApplicationDefinition]
    /// - Throws: `.notFound`, `.noSuch`, `.store`.
    func version(_ number: Int64, of name: String) async throws(ApplicationError) -> ApplicationDefinition
    /// - Returns: the operation's id.
    /// - Throws: as `update`, and `.noSuch`.
    func rollBack(_ name: String, version: Int64) async throws(ApplicationError) -> String
    /// - Throws: `.notFound`, `.inUse`, `.store`.
    func delete(_ name: String) async throws(ApplicationError)
    /// Whether there is something under a name that is no application: a definition that cannot be read, or state without one. `delete` removes it.
    func hasRemains(of name: String) async -> Bool
    /// Some records of a source as they are, to look at; none when none came in time.
    /// - Throws: `.configuration` when there is no such stream, `.store`.
    func sample(_ source: StreamTarget, from position: StartingPosition) async throws(ApplicationError) -> [[UInt8]]
    /// Begins a query over what streams hold.
    /// - Throws: `.code`, `.configuration`, `.store`.
    func query(_ request: QueryRequest) async throws(ApplicationError) -> StoredQuery
}

extension ApplicationControl {
    public func hasRemains(of name: String) async -> Bool { false }
    public func query(_ request: QueryRequest) async throws(ApplicationError) -> StoredQuery {
        throw .configuration("There is nothing to query here.")
    }
}

extension ApplicationManager: ApplicationControl {}
