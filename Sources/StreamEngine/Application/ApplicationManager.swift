/// Keeps the applications: their definitions in the store, their runs as tasks.

public import Host
public import Logging
import StreamSQL
public import StreamStore

/// All applications of a node: create, update, start, stop, delete, and bring back what ran before a restart.
public actor ApplicationManager {
    let environment: RunEnvironment
    let functions: (any RecordFunctions)?
    nonisolated var store: any StreamStore { environment.store }
    nonisolated var time: any TimeSource { environment.time }
    nonisolated var resolve: SourceResolver { environment.resolve }
    nonisolated var limits: ApplicationRun.Limits { environment.limits }
    nonisolated var logger: Logger { environment.logger }
    /// What applications read alike.
    package let decodeCache: DecodeCache
    var definitions: [String: ApplicationDefinition] = [:]
    var runs: [String: RunTask] = [:]
    /// Applications between two states. Set before the first suspension of a call, so that no other call comes between.
    var transitions: [String: ApplicationStatus] = [:]
    /// What is known of starts that did not come to an end.
    var guards: [String: StartGuard] = [:]
    /// Names that are being created, or whose remains are being removed.
    private var takenNames: Set<String> = []
    /// Names whose stored definition cannot be read: they are taken.
    private var unreadable: Set<String> = []
    private(set) var isClosing = false
    /// Starts the applications that are started one after the other.
    private var inTurn: Task<Void, Never>?

    /// - Parameters:
    ///   - references: where the objects of reference tables are; nil for nowhere.
    ///   - functions: what inputs' records may go through; nil for nothing.
    ///   - stateBytes: what the open windows, held rows and forests of one application may take; nil for 1 GiB.
    ///   - snapshotBytes: after how much input a state is written; nil for 32 MiB.
    ///   - decompressedBytes: what a record may become that its producer compressed; 0 to take records as they are; nil for 16 MiB.
    public init(
        store: any StreamStore, time: any TimeSource, random: any RandomSource, resolve: @escaping SourceResolver,
        references: (any ReferenceFiles)? = nil, functions: (any RecordFunctions)? = nil, stateBytes: Int? = nil,
        snapshotBytes: Int? = nil, decompressedBytes: Int? = nil, logger: Logger
    ) {
        var limits = ApplicationRun.Limits()
        if let stateBytes { limits.stateBytes = stateBytes }
        if let snapshotBytes { limits.snapshotBytes = snapshotBytes }
        if let decompressedBytes { limits.decompressedBytes = decompressedBytes }
        let cache = DecodeCache()
        decodeCache = cache
        self.functions = functions
        environment = RunEnvironment(
            store: store, time: time, random: random, resolve: resolve, references: references,
            functions: functions, limits: limits, cache: cache, logger: logger)
    }

    // MARK: Life of the node

    /// Reads the definitions and goes on with the applications that were running.
    /// - Parameter afterCrash: whether the process before this one ended by a fault of its own, not by being asked to or killed.
    /// - Throws: `.unknownFormat` when a definition or the state of an application has a version that this build does not know, before any of them
    ///   runs; `.store`.
    public func open(afterCrash: Bool = false) async throws(ApplicationError) {
        let stored: [(name: String, value: [UInt8])]
        do throws(StoreError) { stored = try await store.definitions(.application) } catch { throw .store(error) }
        for (name, value) in stored {
            do throws(StoredDefinition.Failure) {
                if StartGuard.isOne(name) {
                    guards[StartGuard.application(of: name)] = try StartGuard(stored: value)
                } else if StoredVersion.isOne(name) {
                    // Read when it is asked for; here only whether it can be.
                    _ = try StoredVersion.definition(value)
                } else {
                    definitions[name] = try ApplicationDefinition(stored: value)
                }
            } catch {
                try keepUnreadable(name, error)
            }
        }
        for definition in definitions.values { try await checkState(of: definition.name) }
        let started = try await guarded(definitions.values.filter(\.isStarted).map(\.name), afterCrash: afterCrash)
        for name in started.atOnce { if let definition = definitions[name] { launch(definition, start: nil) } }
        if !started.oneByOne.isEmpty { inTurn = Task { await self.launchInTurn(started.oneByOne) } }
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
        for run in runs.values { run.stop() }
        await inTurn?.value
        let all = runs
        for run in all.values { run.stop() }
        for run in all.values { await run.ended() }
        runs = [:]
        await closeGuards()
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

    func status(of definition: ApplicationDefinition) -> ApplicationStatus {
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
        try await checkFunctions(of: definition)
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
        try await update(name, version: version, as: .update, change).state
    }

    /// The same, as an operation of a kind.
    func update(
        _ name: String, version: Int64, as kind: ApplicationHistory.Operation.Kind,
        _ change: @Sendable (inout ApplicationDefinition) throws(ApplicationError) -> Void
    ) async throws(ApplicationError) -> (state: StateCarryOver, operation: String) {
        let begun = time.wallMilliseconds()
        let before = try idle(name)
        guard version == before.version else { throw .staleVersion(given: version, current: before.version) }
        var definition = before
        try change(&definition)
        transitions[name] = .updating
        defer { transitions[name] = nil }
        try await checkFunctions(of: definition)
        let stateChange = try Self.stateChange(from: before, to: definition)
        definition.version += 1
        definition.updatedMilliseconds = time.wallMilliseconds()
        definition.describe(stateChange, isRunning: runs[name] != nil)
        let operation = definition.note(
            kind, from: begun, to: definition.updatedMilliseconds, versions: (before.version, definition.version))
        // Stored first: when that fails the old one runs on, and when the node fails after it the new one goes on from the last append.
        try await save(definition, after: before)
        definitions[name] = definition
        if let running = runs[name] {
            await end(running, of: name)
            // From where it is; one whose start is not durable yet begins where that start asked for.
            launch(definition, start: nil)
        }
        report(stateChange, of: definition)
        return (stateChange, operation)
    }

    private static func stateChange(
        from before: ApplicationDefinition, to definition: ApplicationDefinition
    ) throws(ApplicationError) -> StateCarryOver {
        // A stored definition that a newer build no longer accepts can be changed all the same.
        let states = (try? CompiledApplication(before))?.states ?? [:]
        let compiled = try CompiledApplication(definition)
        // An input that is taken back leaves the state without a meaning: it is of positions in all of them.
        let isShorter = definition.inputs.count < before.inputs.count
        return StateCarryOver(from: states, to: isShorter ? [:] : compiled.states)
    }

    private func report(_ change: StateCarryOver, of definition: ApplicationDefinition) {
        let name = definition.name
        logger.info(
            "application updated",
            metadata: [
                "application": "\(name)", "version": "\(definition.version)", "kept": "\(change.kept.joined(separator: " "))",
            ])
        if change.lost.isEmpty { return }
        logger.warning(
            "the update lets go of state",
            metadata: [
                "application": "\(name)", "lost": "\(change.lost.joined(separator: " "))",
                "kept": "\(change.kept.joined(separator: " "))",
            ])
    }

    /// Starts an application that is READY. Returns when the start position is durable and reading has begun, or, with the application
    /// still STARTING, when a trouble delays that (`trouble`).
    /// - Parameters:
    ///   - positions: by input id; an input that is not named begins with what arrives from now on.
    ///   - snapshot: the name of a snapshot to begin with; the positions are then its own.
    /// - Returns: the operation's id.
    /// - Throws: `.configuration` also when it cannot run from there at all; it is READY again then.
    @discardableResult
    public func start(
        _ name: String, positions: [String: StartingPosition], from snapshot: String? = nil
    ) async throws(ApplicationError) -> String {
        let begun = time.wallMilliseconds()
        var definition = try idle(name)
        guard runs[name] == nil else { throw .inUse(name, status(of: definition)) }
        if definition.inputs.isEmpty { throw .configuration("The application has no input configured.") }
        for id in positions.keys where !definition.inputs.contains(where: { $0.id == id }) {
            throw .configuration("There is no input with id \(id).")
        }
        if let snapshot, !definition.snapshots.contains(where: { $0.name == snapshot }) { throw .noSuch("snapshot \(snapshot)") }
        for index in definition.inputs.indices {
            let position = positions[definition.inputs[index].id] ?? .now
            definition.inputs[index].startingPosition = snapshot == nil ? position : .lastStoppedPoint
        }
        definition.isStarted = true
        definition.stopReason = nil
        definition.keptState = nil
        definition.lostState = nil
        definition.restoredSnapshot = snapshot
        definition.startNumber += 1
        transitions[name] = .starting
        let operation = definition.note(.start, from: begun, to: time.wallMilliseconds())
        let run = try await begin(definition)
        await run?.begun()
        if let run, let reason = run.failure {
            await run.ended()
            throw .configuration("The application cannot run: \(reason)")
        }
        let position = definition.inputs.map { $0.startingPosition?.rawValue ?? "" }.joined(separator: " ")
        logger.info("application started", metadata: ["application": "\(name)", "position": "\(snapshot ?? position)"])
        return operation
    }

    /// Stops a running application; its state is kept for LAST_STOPPED_POINT.
    /// - Returns: the operation's id.
    @discardableResult
    public func stop(_ name: String) async throws(ApplicationError) -> String {
        let begun = time.wallMilliseconds()
        var definition = try idle(name)
        guard let run = runs[name] else { throw .inUse(name, .ready) }
        transitions[name] = .stopping
        defer { transitions[name] = nil }
        definition.isStarted = false
        let operation = definition.note(.stop, from: begun, to: time.wallMilliseconds())
        try await save(definition)
        definitions[name] = definition
        await end(run, of: name)
        logger.info("application stopped", metadata: ["application": "\(name)"])
        return operation
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
        try await removeDefinition(of: name)
        definitions[name] = nil
        guards[name] = nil
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
        try await removeDefinition(of: name)
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
    func absent(_ name: String) -> ApplicationError { unreadable.contains(name) ? .unreadable(name) : .notFound(name) }

    func idle(_ name: String) throws(ApplicationError) -> ApplicationDefinition {
        guard let definition = definitions[name] else { throw absent(name) }
        if let transition = transitions[name] { throw .inUse(name, transition) }
        return definition
    }

    /// Makes a start durable and launches it; ends the transition to it.
    private func begin(_ definition: ApplicationDefinition) async throws(ApplicationError) -> RunTask? {
        defer { transitions[definition.name] = nil }
        try await checkStreams(of: definition)
        try await checkFunctions(of: definition)
        try await save(definition)
        definitions[definition.name] = definition
        return launch(definition, start: definition.inputs.first?.startingPosition ?? .now)
    }

    /// Stops a run; it stays listed, and `close` waits for it, until it has ended.
    private func end(_ run: RunTask, of name: String) async {
        run.stop()
        await run.ended()
        runs[name] = nil
    }

    /// A run has ended for good by itself: the application is READY again, with the reason, also after a restart of the node.
    func failed(_ name: String, _ run: RunTask, _ reason: String) async {
        logger.error("application stopped: it cannot go on", metadata: ["application": "\(name)", "reason": "\(reason)"])
        // A stop, an update or a deletion that is under way knows better what comes next.
        guard runs[name] === run, transitions[name] == nil, var definition = definitions[name] else { return }
        transitions[name] = .stopping
        defer { transitions[name] = nil }
        definition.isStarted = false
        definition.stopReason = reason
        definition.history?.lastFailed(reason, at: time.wallMilliseconds())
        do throws(ApplicationError) {
            try await save(definition)
        } catch {
            // A restarted node will try it once more, and come to the same end.
            logger.warning("that it stopped is not kept", metadata: ["application": "\(name)", "reason": "\(error)"])
        }
        definitions[name] = definition
        runs[name] = nil
    }

    /// Removes the hidden streams of an application: that of its state, and those of its snapshots.
    private func removeState(of name: String) async throws(ApplicationError) {
        do throws(StoreError) {
            let prefix = ApplicationSnapshot.prefix(of: name)
            for stream in try await store.streams(in: .application)
            where stream.key.name == name || stream.key.name.hasPrefix(prefix) {
                do throws(StoreError) { try await store.deleteStream(stream.key) } catch .streamNotFound {
                    // It has gone meanwhile.
                }
            }
        } catch {
            throw .store(error)
        }
    }

    /// An application starts only when its streams are there; one that goes away later is waited for.
    private func checkStreams(of definition: ApplicationDefinition) async throws(ApplicationError) {
        do throws(StoreError) {
            for input in definition.inputs { _ = try await store.stream(await resolve(input.source)) }
            for output in definition.outputs { _ = try await store.stream(output.destination.key) }
        } catch .streamNotFound(let key) {
            throw .configuration("There is no stream named \(key.name).")
        } catch {
            throw .store(error)
        }
    }

    /// A function that nobody can call would hold the records for ever.
    private func checkFunctions(of definition: ApplicationDefinition) async throws(ApplicationError) {
        for function in definition.inputs.compactMap({ $0.processing?.functionARN }) {
            guard await functions?.knows(function) ?? false else {
                throw .configuration(
                    "The function \(function) of an InputProcessingConfiguration is not known here: the server's setting `functions` says "
                        + "which command or address stands for an ARN.")
            }
        }
    }

    private func check(_ definition: ApplicationDefinition) throws(ApplicationError) {
        _ = try CompiledApplication(definition)
    }

    func save(_ definition: ApplicationDefinition) async throws(ApplicationError) {
        do throws(StoreError) {
            try await store.setDefinitions([(DefinitionKey(.application, definition.name), definition.stored())])
        } catch {
            throw .store(error)
        }
    }

    @discardableResult
    func launch(_ definition: ApplicationDefinition, start: StartingPosition?) -> RunTask? {
        guard !isClosing else { return nil }
        let name = definition.name
        let run = RunTask(definition, start: start, environment) { [weak self] in
            await self?.settled(name)
        } failed: { [weak self] run, reason in
            await self?.failed(name, run, reason)
        }
        runs[definition.name] = run
        return run
    }
}
