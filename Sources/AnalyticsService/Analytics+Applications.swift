/// The calls to the application manager, with its errors as the API names them.

import AWSWire
import StreamEngine
import StreamSQL
import StreamStore

/// A value that passed the rules of its type but cannot be: field, value and rule in words.
struct InvalidArgument: Error {
    var message: String
    init(_ message: String) { self.message = message }
}

extension Analytics {
    /// - Throws: `.resourceNotFound`.
    func definition(_ name: String) async throws(AWSError) -> (ApplicationDefinition, ApplicationStatus) {
        do throws(ApplicationError) { return try await applications.definition(name) } catch { throw AWSError(error) }
    }

    /// Changes a configuration.
    /// - Throws: `updateErrors`.
    func update(
        _ name: String, version: Int64, _ change: @Sendable (inout ApplicationDefinition) throws(InvalidArgument) -> Void
    ) async throws(AWSError) {
        do throws(ApplicationError) {
            try await applications.update(name, version: version) { (definition) throws(ApplicationError) in
                do throws(InvalidArgument) { try change(&definition) } catch { throw .configuration(error.message) }
            }
        } catch {
            throw AWSError(error)
        }
    }

    /// What `update` may throw.
    static let updateErrors: [AWSError.Name] = [
        .resourceNotFound, .resourceInUse, .invalidArgument, .concurrentModification, .codeValidation, .serviceUnavailable,
    ]

    /// Reserves the memory of an answer that describes an application: it may be far larger than its request.
    func reserve(_ definition: ApplicationDefinition, _ call: AWSCall) throws(AWSError) {
        let schemas = definition.inputs.map(\.schema) + definition.references.map(\.schema)
        var columns = 0
        for column in schemas.flatMap(\.recordColumns) {
            columns += column.name.utf8.count + (column.mapping?.utf8.count ?? 0) + column.sqlType.utf8.count + 64
        }
        // The answer once, and once more for what grows by being escaped.
        guard call.memory.extend(by: 2 * (definition.code.utf8.count + columns) + 8_192) else {
            throw AWSError(.serviceUnavailable, "The node has too many requests in memory. Try again later.")
        }
    }
}

extension AWSError {
    init(_ error: InvalidArgument) { self.init(.invalidArgument, error.message) }

    /// - Parameter configuration: the name for configurations that cannot work.
    init(_ error: ApplicationError, configuration: Name = .invalidArgument) {
        switch error {
        case .notFound(let name): self.init(.resourceNotFound, "Application \(name) not found.")
        case .unreadable(let name):
            self.init(
                .internalFailure,
                "The stored definition of application \(name) cannot be read. Its state is kept; DeleteApplication removes both.")
        case .taken(let name):
            self.init(
                .resourceInUse,
                "There is state of an earlier application \(name), whose definition is gone or cannot be read. DeleteApplication removes it."
            )
        case .unknownFormat(let format): self.init(.internalFailure, "\(format)")
        case .exists(let name): self.init(.resourceInUse, "Application \(name) already exists.")
        case .inUse(let name, let status):
            self.init(.resourceInUse, "Application \(name) is in state \(status.rawValue), which does not allow this operation.")
        case .staleVersion(let given, let current):
            self.init(
                .concurrentModification,
                "CurrentApplicationVersionId \(given) is not the application's current version, which is \(current). "
                    + "Describe the application and try again.")
        case .code(let errors): self.init(.codeValidation, errors.map(\.description).joined(separator: "\n"))
        case .configuration(let message): self.init(configuration, message)
        case .noSuch(let what): self.init(.resourceNotFound, "There is no \(what) of this application.")
        case .snapshotExists(let name): self.init(.resourceInUse, "The application has a snapshot \(name) already.")
        case .limit(let message): self.init(.limitExceeded, message)
        case .store(let error): self.init(error)
        }
    }

    private init(_ error: StoreError) {
        switch error {
        case .overloaded: self.init(.serviceUnavailable, "The node has too much to write. Try again later.")
        case .readOnly(let reason): self.init(.serviceUnavailable, "The node accepts no changes: \(reason).")
        case .failed(let reason): self.init(.internalFailure, reason)
        case .streamNotFound, .shardNotFound, .streamExists, .streamBusy, .shardClosed, .shardLimitExceeded, .fenced,
            .conditionFailed,
            .offsetOutOfRange, .damaged, .hashKeyOutsideShard, .shardsNotAdjacent:
            self.init(.internalFailure, "\(error)")
        }
    }
}
