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

/// All applications of a node: create, update, start, stop, delete, and bring back what ran before a restart.
public actor ApplicationManager {
    let store: any StreamStore
    let time: any TimeSource
    private let random: any RandomSource
    let resolve: SourceResolver
    private let references: (any ReferenceFiles)?
    let limits: ApplicationRun.Limits
    private let logger: Logger
    /// What applications read alike.
    package let decodeCache = DecodeCache()
    private var definitions: [String: ApplicationDefinition] = [:]
    private var runs: [String: RunTask] = [:]
    /// Applications between two states. Set before the first suspension of a call, so that no other call comes between.
    private var transitions: [String: ApplicationStatus] = [:]
    /// Names that are being created, or whose remains are being removed.
    private var takenNames: Set<String> = []
    /// Names whose stored definition cannot be read: they are taken.
    private var unreadable: Set<String> = []
    private var isClosing = false

    /// - Parameters:
    ///   - references: where the objects of reference tables are; nil for nowhere.
    ///   - stateBytes: what the open windows, held rows and forests of one application may take; nil for 1 GiB.
    ///   - snapshotBytes: after how much input a state is written; nil for 32 MiB.
    public init(
        store: any StreamStore, time: any TimeSource, random: any RandomSource, resolve: @escaping SourceResolver,
        references: (any ReferenceFiles)? = nil, stateBytes: Int? = nil, snapshotBytes: Int? = nil, logger: Logger
    ) {
        var limits = ApplicationRun.Limits()
        if let stateBytes { limits.stateBytes = stateBytes }
        if let snapshotBytes { limits.snapshotBytes = snapshotBytes }
        self.limits = limits
        self.store = store
        self.resolve = resolve
        self.references = references
        self.time = time
        self.random = random
        self.logger = logger
    }

    // MARK: Life of the node

    /// Reads the definitions and goes on with the applications that were running.
    /// - Throws: `.unknownFormat` when a definition or the state of an application has a version that this build does not know, before any of them
    ///   runs; `.store`.
    public func open() async throws(ApplicationError) {
        let stored: [(name: String, value: [UInt8])]
        do throws(StoreError) { stored = try await store.definitions(.application) } catch { throw .store(error) }
        for (name, value) in stored {
            do throws(StoredDefinition.Failure) {
                definitions[name] = try ApplicationDefinition(stored: value)
            } catch {
                try keepUnreadable(name, error)
            }
        }
        for definition in definitions.values { try await checkState(of: definition.name) }
        for definition in definitions.values where definition.isStarted { launch(definition, start: nil) }
    }

    private func keepUnreadable(_ name: String, _ failure: StoredDefinition.Failure) throws(ApplicationError) {
        switch failure {
        case .unknownFormat(let found, let known):
            throw .unknownFormat(UnknownFormat("the definition of application \(name)", found: "\(found)", known: "\(known)"))
        case .unreadable(let reason):
            logger.error(
                "application definition cannot be read; it is left as it is, and so is its state",
                metadata: ["application": "\(name)", "reason": "\(reason)"])
            unreadable.insert(name)
        }
    }

    private func checkState(of name: String) async throws(ApplicationError) {
        let unknown: UnknownFormat?
        do throws(StoreError) {
            unknown = try await StateLog.unknownFormat(application: name, store: store)
        } catch {
            throw .store(error)
        }
        if let unknown { throw .unknownFormat(unknown) }
    }

    /// Stops the runs with a snapshot each; they go on when the node is back. Nothing works on the store any more when it returns.
    public func close() async {
        isClosing = true
        let all = runs
        for run in all.values { run.stop() }
        for run in all.values { await run.ended() }
        runs = [:]
    }

    // MARK: What the API asks

    public func definition(_ name: String) throws(ApplicationError) -> (ApplicationDefinition, ApplicationStatus) {
        guard let definition = definitions[name] else { throw absent(name) }
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
                stateBytes: progress.lastSnapshotBytes, trouble: trouble(definition.name))
        }
    }

    /// Why an application does not get on, or why it was stopped without being asked to; nil when neither is so.
    public func trouble(_ name: String) -> String? {
        runs[name].map(\.trouble) ?? definitions[name]?.stopReason
    }

    /// The materialized views of the applications that run, by the application's name.
    func runningViews() -> [(application: String, board: ViewBoard)] {
        runs.keys.sorted().compactMap { name in runs[name]?.views.map { (name, $0) } }
    }

    /// The names of the materialized views of an application; nil where there is no such application.
    func viewNames(of application: String) -> [String]? {
        definitions[application].map { (try? CompiledApplication($0).program.views.map(\.name)) ?? [] }
    }

    private func status(of definition: ApplicationDefinition) -> ApplicationStatus {
        if let transition = transitions[definition.name] { return transition }
        guard let run = runs[definition.name] else { return .ready }
        return run.hasBegun ? .running : .starting
    }

    /// Stores a new application; its code is checked first.
    public func create(_ definition: ApplicationDefinition) async throws(ApplicationError) {
        let name = definition.name
        if unreadable.contains(name) { throw .taken(name) }
        guard definitions[name] == nil, !takenNames.contains(name) else { throw .exists(name) }
        try check(definition)
        takenNames.insert(name)
        defer { takenNames.remove(name) }
        // A deletion takes the state before the definition, so state without one is of a definition that was lost.
        if try await hasState(name) { throw .taken(name) }
        try await save(definition)
        definitions[name] = definition
        logger.info("application created", metadata: ["application": "\(name)"])
    }

    /// Changes an application's configuration; a running one goes on with the new one from where it is. Its operators take the state that
    /// is theirs; what is lost is logged.
    /// - Parameter version: what the caller believes the version to be.
    /// - Returns: whose state is kept and whose is lost.
    @discardableResult
    public func update(
        _ name: String, version: Int64, _ change: @Sendable (inout ApplicationDefinition) throws(ApplicationError) -> Void
    ) async throws(ApplicationError) -> StateCarryOver {
        var definition = try idle(name)
        // A stored definition that a newer build no longer accepts can be changed all the same.
        let states = (try? CompiledApplication(definition))?.states ?? [:]
        guard version == definition.version else { throw .staleVersion(given: version, current: definition.version) }
        try change(&definition)
        definition.version += 1
        definition.updatedMilliseconds = time.wallMilliseconds()
        let stateChange = StateCarryOver(from: states, to: try CompiledApplication(definition).states)
        let isLosing = runs[name] != nil && !stateChange.lost.isEmpty
        definition.lostState =
            isLosing
            ? "the update to version \(definition.version) let go of the state of \(stateChange.lost.joined(separator: ", "))" : nil
        transitions[name] = .updating
        defer { transitions[name] = nil }
        // Stored first: when that fails the old one runs on, and when the node fails after it the new one goes on from the last append.
        try await save(definition)
        definitions[name] = definition
        if let running = runs[name] {
            await end(running, of: name)
            // From where it is; one whose start is not durable yet begins where that start asked for.
            launch(definition, start: nil)
        }
        logger.info("application updated", metadata: ["application": "\(name)", "version": "\(definition.version)"])
        if !stateChange.lost.isEmpty {
            logger.warning(
                "the update lets go of state",
                metadata: [
                    "application": "\(name)", "lost": "\(stateChange.lost.joined(separator: " "))",
                    "kept": "\(stateChange.kept.joined(separator: " "))",
                ])
        }
        return stateChange
    }

    /// Starts an application that is READY. Returns when the start position is durable and reading has begun, or, with the application
    /// still STARTING, when a trouble delays that (`trouble`).
    /// - Throws: `.configuration` also when it cannot run from there at all; it is READY again then.
    public func start(_ name: String, positions: [String: StartingPosition]) async throws(ApplicationError) {
        var definition = try idle(name)
        guard runs[name] == nil else { throw .inUse(name, status(of: definition)) }
        guard let input = definition.inputs.first else { throw .configuration("The application has no input configured.") }
        for id in positions.keys where id != input.id { throw .configuration("There is no input with id \(id).") }
        let position = positions[input.id] ?? .now
        definition.inputs[0].startingPosition = position
        definition.isStarted = true
        definition.stopReason = nil
        definition.lostState = nil
        definition.startNumber += 1
        transitions[name] = .starting
        let run = try await begin(definition, input, position)
        await run?.begun()
        if let run, let reason = run.failure {
            await run.ended()
            throw .configuration("The application cannot run: \(reason)")
        }
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
        await end(run, of: name)
        logger.info("application stopped", metadata: ["application": "\(name)"])
    }

    /// Removes an application, its state and its run. It is the one way, too, to be rid of a definition that cannot be read and of state
    /// without a definition.
    public func delete(_ name: String) async throws(ApplicationError) {
        if definitions[name] == nil, try await deleteRemains(of: name) { return }
        var definition = try idle(name)
        transitions[name] = .deleting
        defer { transitions[name] = nil }
        // In this order each failure leaves an application that is stopped and can be deleted again, and never state without one.
        if definition.isStarted {
            definition.isStarted = false
            try await save(definition)
            definitions[name] = definition
        }
        if let run = runs[name] { await end(run, of: name) }
        try await removeState(of: name)
        do throws(StoreError) {
            try await store.setDefinitions([(DefinitionKey(.application, name), nil)])
        } catch {
            throw .store(error)
        }
        definitions[name] = nil
        logger.info("application deleted", metadata: ["application": "\(name)"])
    }

    /// Whether there is something under a name that is no application: a definition that cannot be read, or state without one.
    public func hasRemains(of name: String) async -> Bool {
        if definitions[name] != nil { return false }
        if unreadable.contains(name) { return true }
        return (try? await hasState(name)) ?? false
    }

    // MARK: Inside

    /// - Returns: whether there was something.
    private func deleteRemains(of name: String) async throws(ApplicationError) -> Bool {
        guard takenNames.insert(name).inserted else { return false }
        defer { takenNames.remove(name) }
        if !unreadable.contains(name) {
            guard try await hasState(name) else { return false }
        }
        try await removeState(of: name)
        do throws(StoreError) { try await store.setDefinitions([(DefinitionKey(.application, name), nil)]) } catch {
            throw .store(error)
        }
        unreadable.remove(name)
        logger.warning("remains of an application were deleted", metadata: ["application": "\(name)"])
        return true
    }

    private func hasState(_ name: String) async throws(ApplicationError) -> Bool {
        do throws(StoreError) {
            _ = try await store.stream(StreamKey(name, in: .application))
            return true
        } catch .streamNotFound {
            return false
        } catch {
            throw .store(error)
        }
    }

    /// Why there is no application of a name.
    private func absent(_ name: String) -> ApplicationError { unreadable.contains(name) ? .unreadable(name) : .notFound(name) }

    private func idle(_ name: String) throws(ApplicationError) -> ApplicationDefinition {
        guard let definition = definitions[name] else { throw absent(name) }
        if let transition = transitions[name] { throw .inUse(name, transition) }
        return definition
    }

    /// Makes a start durable and launches it; ends the transition to it.
    private func begin(
        _ definition: ApplicationDefinition, _ input: ApplicationInput, _ position: StartingPosition
    ) async throws(ApplicationError) -> RunTask? {
        defer { transitions[definition.name] = nil }
        try await checkStreams(of: definition, input)
        try await save(definition)
        definitions[definition.name] = definition
        return launch(definition, start: position)
    }

    /// Stops a run; it stays listed, and `close` waits for it, until it has ended.
    private func end(_ run: RunTask, of name: String) async {
        run.stop()
        await run.ended()
        runs[name] = nil
    }

    /// A run has ended for good by itself: the application is READY again, with the reason, also after a restart of the node.
    private func failed(_ name: String, _ run: RunTask, _ reason: String) async {
        logger.error("application stopped: it cannot go on", metadata: ["application": "\(name)", "reason": "\(reason)"])
        // A stop, an update or a deletion that is under way knows better what comes next.
        guard runs[name] === run, transitions[name] == nil, var definition = definitions[name] else { return }
        transitions[name] = .stopping
        defer { transitions[name] = nil }
        definition.isStarted = false
        definition.stopReason = reason
        do throws(ApplicationError) {
            try await save(definition)
        } catch {
            // A restarted node will try it once more, and come to the same end.
            logger.warning("that it stopped is not kept", metadata: ["application": "\(name)", "reason": "\(error)"])
        }
        definitions[name] = definition
        runs[name] = nil
    }

    private func removeState(of name: String) async throws(ApplicationError) {
        do throws(StoreError) {
            try await store.deleteStream(StreamKey(name, in: .application))
        } catch .streamNotFound {
            // It was never started.
        } catch {
            throw .store(error)
        }
    }

    /// An application starts only when its streams are there; one that goes away later is waited for.
    private func checkStreams(of definition: ApplicationDefinition, _ input: ApplicationInput) async throws(ApplicationError) {
        do throws(StoreError) {
            _ = try await store.stream(await resolve(input.source))
            for output in definition.outputs { _ = try await store.stream(output.destination.key) }
        } catch .streamNotFound(let key) {
            throw .configuration("There is no stream named \(key.name).")
        } catch {
            throw .store(error)
        }
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
        let name = definition.name
        let run = RunTask(
            definition, start: start, store: store, time: time, random: random, resolve: resolve,
            references: references, limits: limits, cache: decodeCache, logger: logger
        ) { [weak self] run, reason in
            await self?.failed(name, run, reason)
        }
        runs[definition.name] = run
        return run
    }
}
