/// Snapshots by name: taken of a running application, listed, deleted.

import Logging
import StreamStore

extension ApplicationManager {
    /// Keeps the state of a running application under a name. When it returns the snapshot is durable: all rows of what was read up to its moment have
    /// left, and a start from it computes what comes after, exactly.
    /// - Throws: `.notFound`, `.inUse` unless it is RUNNING, `.snapshotExists`, `.limit`, `.configuration` when it does not get on, `.store`.
    public func takeSnapshot(_ snapshot: String, of name: String) async throws(ApplicationError) {
        let definition = try idle(name)
        guard let run = runs[name], run.hasBegun else { throw .inUse(name, status(of: definition)) }
        if definition.snapshots.contains(where: { $0.name == snapshot }) { throw .snapshotExists(snapshot) }
        guard definition.snapshots.count < ApplicationSnapshot.limit else {
            throw .limit("The application has \(definition.snapshots.count) snapshots, which is the limit. Delete one first.")
        }
        // Nothing else changes the definition meanwhile; to others the application runs.
        transitions[name] = .running
        let result = await write(snapshot, of: definition, run)
        transitions[name] = nil
        // A failure that came meanwhile has waited.
        if let reason = run.failure { await failed(name, run, reason) }
        try result.get()
        logger.info("snapshot taken", metadata: ["application": "\(name)", "snapshot": "\(snapshot)"])
    }

    private func write(
        _ snapshot: String, of definition: ApplicationDefinition, _ run: RunTask
    ) async -> Result<Void, ApplicationError> {
        var definition = definition
        let key = ApplicationSnapshot.key(snapshot, of: definition.name)
        do throws(StoreError) {
            let log = try await StateLog.anew(key, store: store)
            if let reason = await run.writeSnapshot(to: log) {
                try await store.deleteStream(key)
                return .failure(.configuration("No snapshot can be taken now: \(reason)."))
            }
        } catch {
            return .failure(.store(error))
        }
        definition.snapshots.append(
            ApplicationSnapshot(
                name: snapshot, applicationVersion: definition.version, createdMilliseconds: time.wallMilliseconds()))
        // A stream whose snapshot is in no definition is written anew by the next one of its name.
        do throws(ApplicationError) { try await save(definition) } catch { return .failure(error) }
        definitions[definition.name] = definition
        return .success(())
    }

    /// Deletes a snapshot. An application that was started from it goes on.
    /// - Parameter created: when it was taken, as a description tells, to the second at least.
    /// - Throws: `.notFound`, `.noSuch`, `.inUse`, `.store`.
    public func deleteSnapshot(_ snapshot: String, of name: String, created: Int64) async throws(ApplicationError) {
        var definition = try idle(name)
        guard let index = definition.snapshots.firstIndex(where: { $0.name == snapshot }),
            definition.snapshots[index].createdMilliseconds / 1000 == created / 1000
        else { throw .noSuch("snapshot \(snapshot) of that CreateTimestamp") }
        let status = status(of: definition)
        transitions[name] = status
        defer { transitions[name] = nil }
        definition.snapshots.remove(at: index)
        try await save(definition)
        definitions[name] = definition
        do throws(StoreError) {
            try await store.deleteStream(ApplicationSnapshot.key(snapshot, of: name))
        } catch .streamNotFound {
            // A deletion that was broken off.
        } catch {
            throw .store(error)
        }
    }
}
