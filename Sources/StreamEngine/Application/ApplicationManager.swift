/// Keeps the applications: their definitions in the store, their runs as tasks.

public import Host
public import Logging
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
    /// The state does not allow the call.
    case inUse(String, ApplicationStatus)
    /// Another change came first; the caller's version is stale.
    case staleVersion(given: Int64, current: Int64)
    /// The code is wrong: every error with its place.
    case code([SQLError])
    /// An input, output or start configuration that cannot work, in words.
    case configuration(String)
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
    /// Why it does not get on, when it does not.
    public var trouble: String?
}

/// All applications of a node: create, update, start, stop, delete, and bring back what ran before a restart.
public actor ApplicationManager {
    private let store: any StreamStore
    private let time: any TimeSource
    private let random: any RandomSource
    private let resolve: SourceResolver
    private let logger: Logger
    private var definitions: [String: ApplicationDefinition] = [:]
    private var runs: [String: RunTask] = [:]
    /// Applications between two states.
    private var transitions: [String: ApplicationStatus] = [:]
    private var isClosing = false

    public init(
        store: any StreamStore, time: any TimeSource, random: any RandomSource, resolve: @escaping SourceResolver, logger: Logger
    ) {
        self.store = store
        self.resolve = resolve
        self.time = time
        self.random = random
        self.logger = logger
    }

    // MARK: Life of the node

    /// Reads the definitions and goes on with the applications that were running.
    public func open() async throws(ApplicationError) {
        let stored: [(name: String, value: [UInt8])]
        do throws(StoreError) { stored = try await store.definitions(.application) } catch { throw .store(error) }
        for (name, value) in stored {
            guard let definition = ApplicationDefinition(stored: value) else {
                logger.error("application definition cannot be read; it is left as it is", metadata: ["application": "\(name)"])
                continue
            }
            definitions[name] = definition
            if definition.isStarted { launch(definition, start: nil) }
        }
    }

    /// Stops the runs with a snapshot each; they go on when the node is back.
    public func close() async {
        isClosing = true
        let all = runs
        runs = [:]
        for run in all.values { run.stop() }
        for run in all.values { await run.ended() }
    }

    // MARK: What the API asks

    public func definition(_ name: String) throws(ApplicationError) -> (ApplicationDefinition, ApplicationStatus) {
        guard let definition = definitions[name] else { throw .notFound(name) }
        return (definition, status(of: definition))
    }

    /// All applications by name.
    public func list() -> [(ApplicationDefinition, ApplicationStatus)] {
        definitions.values.sorted { $0.name < $1.name }.map { ($0, status(of: $0)) }
    }

    public func statistics() -> [ApplicationStatistics] {
        list().map { definition, status in
            let progress = runs[definition.name]?.progress ?? RunProgress()
            return ApplicationStatistics(
                name: definition.name, status: status, rowsIn: progress.rowsIn, rowsOut: progress.rowsOut,
                errorRows: progress.errorRows, watermarkMilliseconds: progress.watermarkMilliseconds,
                stateBytes: progress.lastSnapshotBytes, trouble: runs[definition.name]?.trouble)
        }
    }

    private func status(of definition: ApplicationDefinition) -> ApplicationStatus {
        if let transition = transitions[definition.name] { return transition }
        guard let run = runs[definition.name] else { return .ready }
        return run.hasBegun ? .running : .starting
    }

    /// Stores a new application; its code is checked first.
    public func create(_ definition: ApplicationDefinition) async throws(ApplicationError) {
        guard definitions[definition.name] == nil else { throw .exists(definition.name) }
        try check(definition)
        definitions[definition.name] = definition
        do throws(ApplicationError) {
            try await save(definition)
        } catch {
            definitions[definition.name] = nil
            throw error
        }
        logger.info("application created", metadata: ["application": "\(definition.name)"])
    }

    /// Changes an application's configuration; a running one goes on with the new one from where it is.
    /// - Parameter version: what the caller believes the version to be.
    public func update(
        _ name: String, version: Int64, _ change: @Sendable (inout ApplicationDefinition) throws(ApplicationError) -> Void
    ) async throws(ApplicationError) {
        var definition = try idle(name)
        guard version == definition.version else { throw .staleVersion(given: version, current: definition.version) }
        try change(&definition)
        definition.version += 1
        definition.updatedMilliseconds = time.wallMilliseconds()
        try check(definition)
        transitions[name] = .updating
        defer { transitions[name] = nil }
        let running = runs.removeValue(forKey: name)
        running?.stop()
        await running?.ended()
        try await save(definition)
        definitions[name] = definition
        if running != nil { launch(definition, start: .lastStoppedPoint) }
        logger.info("application updated", metadata: ["application": "\(name)", "version": "\(definition.version)"])
    }

    /// Starts an application that is READY. Returns when the start position is durable and reading has begun.
    public func start(_ name: String, positions: [String: StartingPosition]) async throws(ApplicationError) {
        var definition = try idle(name)
        guard runs[name] == nil else { throw .inUse(name, status(of: definition)) }
        guard let input = definition.inputs.first else { throw .configuration("The application has no input configured.") }
        for id in positions.keys where id != input.id { throw .configuration("There is no input with id \(id).") }
        let position = positions[input.id] ?? .now
        definition.inputs[0].startingPosition = position
        definition.isStarted = true
        definition.startNumber += 1
        transitions[name] = .starting
        do throws(StoreError) {
            _ = try await store.stream(await resolve(input.source))
            for output in definition.outputs { _ = try await store.stream(output.destination.key) }
        } catch {
            transitions[name] = nil
            if case .streamNotFound(let key) = error { throw .configuration("There is no stream named \(key.name).") }
            throw .store(error)
        }
        do throws(ApplicationError) { try await save(definition) } catch {
            transitions[name] = nil
            throw error
        }
        definitions[name] = definition
        transitions[name] = nil
        let run = launch(definition, start: position)
        await run?.begun()
        logger.info("application started", metadata: ["application": "\(name)", "position": "\(position.rawValue)"])
    }

    /// Stops a running application; its state is kept for LAST_STOPPED_POINT.
    public func stop(_ name: String) async throws(ApplicationError) {
        var definition = try idle(name)
        guard let run = runs[name] else { throw .inUse(name, .ready) }
        transitions[name] = .stopping
        defer { transitions[name] = nil }
        definition.isStarted = false
        try await save(definition)
        definitions[name] = definition
        runs[name] = nil
        run.stop()
        await run.ended()
        logger.info("application stopped", metadata: ["application": "\(name)"])
    }

    /// Removes an application, its state and its run.
    public func delete(_ name: String) async throws(ApplicationError) {
        _ = try idle(name)
        transitions[name] = .deleting
        defer { transitions[name] = nil }
        if let run = runs.removeValue(forKey: name) {
            run.stop()
            await run.ended()
        }
        do throws(StoreError) {
            try await store.setDefinitions([(DefinitionKey(.application, name), nil)])
            definitions[name] = nil
            try await store.deleteStream(StreamKey(name, in: .application))
        } catch .streamNotFound {
            // It was never started.
        } catch {
            throw .store(error)
        }
        logger.info("application deleted", metadata: ["application": "\(name)"])
    }

    // MARK: Inside

    private func idle(_ name: String) throws(ApplicationError) -> ApplicationDefinition {
        guard let definition = definitions[name] else { throw .notFound(name) }
        if let transition = transitions[name] { throw .inUse(name, transition) }
        return definition
    }

    private func check(_ definition: ApplicationDefinition) throws(ApplicationError) {
        _ = try CompiledApplication(definition)
    }

    private func save(_ definition: ApplicationDefinition) async throws(ApplicationError) {
        do throws(StoreError) {
            try await store.setDefinitions([(DefinitionKey(.application, definition.name), definition.stored())])
        } catch {
            throw .store(error)
        }
    }

    @discardableResult
    private func launch(_ definition: ApplicationDefinition, start: StartingPosition?) -> RunTask? {
        guard !isClosing else { return nil }
        let run = RunTask(definition, start: start, store: store, time: time, random: random, resolve: resolve, logger: logger)
        runs[definition.name] = run
        return run
    }
}
