/// Earlier configurations of applications: kept beside the definitions, shown, gone back to.

import StreamStore

/// The stored form of an earlier configuration.
enum StoredVersion {
    /// How many are kept of an application, beside the current one.
    static let limit: Int64 = 100

    /// Names of applications have no slash.
    private static let mark = "/versions/"

    static func key(_ version: Int64, of application: String) -> DefinitionKey {
        DefinitionKey(.application, application + mark + String(version))
    }

    static func isOne(_ name: String) -> Bool { name.contains(mark) }

    static func definition(_ value: [UInt8]) throws(StoredDefinition.Failure) -> ApplicationDefinition {
        try ApplicationDefinition(stored: value)
    }
}

extension ApplicationDefinition {
    /// An ARN for events: the region and the account of the first input.
    var assumedARN: String {
        let parts = (inputs.first?.source.arn ?? "").split(separator: ":", omittingEmptySubsequences: false)
        let (region, account) = parts.count > 4 ? (parts[3], parts[4]) : ("us-east-1", "000000000000")
        return "arn:aws:kinesisanalytics:\(region):\(account):application/\(name)"
    }

    /// Says in words what an update means for state.
    mutating func describe(_ change: StateCarryOver, isRunning: Bool) {
        keptState = isRunning && !change.kept.isEmpty ? change.kept.joined(separator: ", ") : nil
        lostState =
            isRunning && !change.lost.isEmpty
            ? "the update to version \(version) let go of the state of \(change.lost.joined(separator: ", "))" : nil
        if var past = history {
            (past.rolledBackFrom, past.rolledBackTo) = (nil, nil)
            history = past
        }
    }

    /// - Returns: the operation's id.
    mutating func note(
        _ kind: ApplicationHistory.Operation.Kind, from start: Int64, to end: Int64, versions: (before: Int64, after: Int64)? = nil
    ) -> String {
        var past = history ?? ApplicationHistory()
        defer { history = past }
        return past.note(kind, from: start, to: end, versions: versions)
    }

    /// Takes the configuration of another version; what is no configuration stays.
    mutating func takeConfiguration(of earlier: ApplicationDefinition) {
        (code, inputs, outputs, references) = (earlier.code, earlier.inputs, earlier.outputs, earlier.references)
        (description, attributes) = (earlier.description, earlier.attributes)
    }
}

extension ApplicationManager {
    /// Stores a changed definition, and the one before it among the versions.
    func save(_ definition: ApplicationDefinition, after before: ApplicationDefinition) async throws(ApplicationError) {
        let name = definition.name
        var earlier = before
        // It is of the application, not of this version of it.
        (earlier.history, earlier.snapshots) = (nil, [])
        let changes: [(key: DefinitionKey, value: [UInt8]?)] = [
            (DefinitionKey(.application, name), definition.stored()),
            (StoredVersion.key(before.version, of: name), earlier.storedVersion()),
            (StoredVersion.key(before.version - StoredVersion.limit, of: name), nil),
        ]
        do throws(StoreError) { try await store.setDefinitions(changes) } catch { throw .store(error) }
    }

    /// Changes what is not the configuration, such as tags: there is no new version, and a run goes on.
    /// - Throws: `.notFound`, `.inUse`, what `change` throws, `.store`.
    public func amend(
        _ name: String, _ change: @Sendable (inout ApplicationDefinition) throws(ApplicationError) -> Void
    ) async throws(ApplicationError) {
        var definition = try idle(name)
        try change(&definition)
        transitions[name] = status(of: definition)
        defer { transitions[name] = nil }
        try await save(definition)
        definitions[name] = definition
    }

    /// Removes everything that is stored under an application's name.
    func removeDefinition(of name: String) async throws(ApplicationError) {
        do throws(StoreError) {
            let names = try await store.definitions(.application).map(\.name).filter { $0 == name || $0.hasPrefix(name + "/") }
            // The definition last: what is left of a deletion that was broken off can be deleted again.
            let ordered = names.filter { $0 != name } + [name]
            try await store.setDefinitions(ordered.map { (DefinitionKey(.application, $0), nil) })
        } catch {
            throw .store(error)
        }
    }

    /// The versions of an application that are kept, the newest first, the current one included.
    /// - Throws: `.notFound`, `.store`.
    public func versions(_ name: String) async throws(ApplicationError) -> [ApplicationDefinition] {
        let (current, _) = try definition(name)
        var versions = [current]
        let first = max(1, current.version - StoredVersion.limit)
        for version in stride(from: current.version - 1, through: first, by: -1) {
            if let earlier = try await stored(version, of: name) { versions.append(earlier) }
        }
        return versions
    }

    /// A version of an application.
    /// - Throws: `.notFound`, `.noSuch`, `.store`.
    public func version(_ number: Int64, of name: String) async throws(ApplicationError) -> ApplicationDefinition {
        let (current, _) = try definition(name)
        if number == current.version { return current }
        guard let earlier = try await stored(number, of: name) else { throw .noSuch("version \(number)") }
        return earlier
    }

    private func stored(_ version: Int64, of name: String) async throws(ApplicationError) -> ApplicationDefinition? {
        do throws(StoreError) {
            let value = try await store.definition(StoredVersion.key(version, of: name))
            return value.flatMap { try? StoredVersion.definition($0) }
        } catch {
            throw .store(error)
        }
    }

    /// Makes the configuration of the version before the current one the current one again, as a new version.
    /// - Parameter version: what the caller believes the version to be.
    /// - Returns: the operation's id.
    /// - Throws: as `update`; `.noSuch` when the version before is not kept.
    public func rollBack(_ name: String, version: Int64) async throws(ApplicationError) -> String {
        let (current, _) = try definition(name)
        // After a rollback the one before is what it came from.
        let target = current.history?.rolledBackTo.map { $0 - 1 } ?? current.version - 1
        guard target > 0 else { throw .noSuch("version before \(current.version)") }
        let earlier = try await self.version(target, of: name)
        let operation = try await update(name, version: version, as: .rollback) { $0.takeConfiguration(of: earlier) }.operation
        if var definition = definitions[name], var past = definition.history {
            (past.rolledBackFrom, past.rolledBackTo) = (version, target)
            definition.history = past
            definitions[name] = definition
            try await save(definition)
        }
        return operation
    }

    /// The last operations of an application, oldest first.
    /// - Throws: `.notFound`.
    public func operations(_ name: String) throws(ApplicationError) -> [ApplicationHistory.Operation] {
        try definition(name).0.history?.operations ?? []
    }
}
