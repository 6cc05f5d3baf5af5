/// An application manager without streams: keeps definitions and states, refuses what it is told to.

import AnalyticsService
import StreamEngine

actor FakeApplications: ApplicationControl {
    private var applications: [String: (ApplicationDefinition, ApplicationStatus)] = [:]
    private var refusal: ApplicationError?
    /// The positions of the last start.
    private(set) var positions: [String: StartingPosition] = [:]
    /// The snapshot of the last start.
    private(set) var snapshot: String?
    private var earlier: [String: [ApplicationDefinition]] = [:]

    /// What every stream holds, and which was asked for last.
    private var records: [[UInt8]] = []
    private(set) var sampled: (source: StreamTarget, position: StartingPosition)?

    func hold(_ records: [[UInt8]]) { self.records = records }

    func sample(_ source: StreamTarget, from position: StartingPosition) -> [[UInt8]] {
        sampled = (source, position)
        return records
    }

    /// The next call that changes something is refused with this.
    func refuse(_ error: ApplicationError) { refusal = error }

    func setStatus(_ name: String, _ status: ApplicationStatus) { applications[name]?.1 = status }

    /// The application was stopped for this reason.
    func fail(_ name: String, _ reason: String) {
        applications[name]?.0.stopReason = reason
        applications[name]?.1 = .ready
    }

    func trouble(_ name: String) -> String? { applications[name]?.0.stopReason }

    func definition(_ name: String) throws(ApplicationError) -> (ApplicationDefinition, ApplicationStatus) {
        guard let application = applications[name] else { throw .notFound(name) }
        return application
    }

    func list() -> [(ApplicationDefinition, ApplicationStatus)] { applications.values.sorted { $0.0.name < $1.0.name } }

    func create(_ definition: ApplicationDefinition) throws(ApplicationError) {
        guard applications[definition.name] == nil else { throw .exists(definition.name) }
        try throwRefusal()
        applications[definition.name] = (definition, .ready)
    }

    func update(
        _ name: String, version: Int64, _ change: @Sendable (inout ApplicationDefinition) throws(ApplicationError) -> Void
    ) throws(ApplicationError) -> StateCarryOver {
        var (definition, status) = try definition(name)
        guard version == definition.version else { throw .staleVersion(given: version, current: definition.version) }
        let before = definition
        try change(&definition)
        definition.version += 1
        definition.updatedMilliseconds += 1_500
        try throwRefusal()
        earlier[name, default: []].append(before)
        applications[name] = (definition, status)
        return StateCarryOver()
    }

    func amend(
        _ name: String, _ change: @Sendable (inout ApplicationDefinition) throws(ApplicationError) -> Void
    ) throws(ApplicationError) {
        var (definition, status) = try definition(name)
        try change(&definition)
        try throwRefusal()
        applications[name] = (definition, status)
    }

    func start(
        _ name: String, positions: [String: StartingPosition], from snapshot: String?
    ) throws(ApplicationError) -> String {
        var (definition, status) = try definition(name)
        guard status == .ready else { throw .inUse(name, status) }
        guard !definition.inputs.isEmpty else { throw .configuration("The application has no input configured.") }
        try throwRefusal()
        self.positions = positions
        definition.inputs[0].startingPosition = positions.values.first
        self.snapshot = snapshot
        definition.restoredSnapshot = snapshot
        applications[name] = (definition, .running)
        return "start"
    }

    func stop(_ name: String) throws(ApplicationError) -> String {
        let (definition, status) = try definition(name)
        guard status == .running else { throw .inUse(name, status) }
        try throwRefusal()
        applications[name] = (definition, .ready)
        return "stop"
    }

    func takeSnapshot(_ snapshot: String, of name: String) throws(ApplicationError) {
        var (definition, status) = try definition(name)
        guard status == .running else { throw .inUse(name, status) }
        if definition.snapshots.contains(where: { $0.name == snapshot }) { throw .snapshotExists(snapshot) }
        try throwRefusal()
        definition.snapshots.append(
            ApplicationSnapshot(name: snapshot, applicationVersion: definition.version, createdMilliseconds: Client.now))
        applications[name] = (definition, status)
    }

    func deleteSnapshot(_ snapshot: String, of name: String, created: Int64) throws(ApplicationError) {
        var (definition, status) = try definition(name)
        guard let index = definition.snapshots.firstIndex(where: { $0.name == snapshot && $0.createdMilliseconds == created })
        else { throw .noSuch("snapshot \(snapshot)") }
        definition.snapshots.remove(at: index)
        applications[name] = (definition, status)
    }

    func versions(_ name: String) throws(ApplicationError) -> [ApplicationDefinition] {
        let (definition, _) = try definition(name)
        return [definition] + (earlier[name] ?? []).reversed()
    }

    func version(_ number: Int64, of name: String) throws(ApplicationError) -> ApplicationDefinition {
        guard let found = try versions(name).first(where: { $0.version == number }) else { throw .noSuch("version \(number)") }
        return found
    }

    func rollBack(_ name: String, version: Int64) throws(ApplicationError) -> String {
        let target = try self.version(version - 1, of: name)
        _ = try update(name, version: version) { $0.code = target.code }
        return "rollback"
    }

    func delete(_ name: String) throws(ApplicationError) {
        _ = try definition(name)
        try throwRefusal()
        applications[name] = nil
    }

    private func throwRefusal() throws(ApplicationError) {
        guard let error = refusal else { return }
        refusal = nil
        throw error
    }
}
