/// Keeps the delivery streams: their definitions in the store, their runs as tasks, the way in for direct puts.

public import Host
public import Logging
public import RecordBatch
public import StreamStore
import Synchronization

/// What the manager refuses.
public enum DeliveryError: Error, Sendable {
    case notFound(String)
    case exists(String)
    /// It is being deleted.
    case busy(String)
    /// The source stream of a new delivery stream is not there.
    case sourceNotFound(String)
    /// Puts to a delivery stream that reads a stream.
    case notDirectPut(String)
    /// There is a definition of that name that cannot be read. Its records are untouched; only `delete` ends it.
    case unreadable(String)
    /// The name of a new delivery stream has a definition that cannot be read, or records whose definition is gone. Only `delete` frees it.
    case taken(String)
    /// A definition has a version that this build does not know.
    case unknownFormat(UnknownFormat)
    /// Another call changes it.
    case changing(String)
    /// The caller knows another version of it than there is.
    case wrongVersion(String, given: Int64, current: Int64)
    case name(ObjectNameError)
    case store(StoreError)
}

/// A delivery stream as it stands.
public struct DeliveryStreamDescription: Sendable {
    public var definition: DeliveryStreamDefinition
    public var isDeleting: Bool
    /// Why it does not get on, when it does not.
    public var trouble: String?
}

/// Where records lie that were put to a delivery stream.
public struct PlacedRecords: Sendable {
    public var appended: Appended
    public var shard: ShardDescription

    /// The number of the record at a place in the batch, unique for ever.
    public func number(_ index: Int) -> SequenceNumber {
        SequenceNumber(
            offset: appended.baseOffset &+ Int64(index), in: shard, arrivalMilliseconds: appended.arrivalMilliseconds)
    }
}

/// All delivery streams of a node.
public final class DeliveryManager: Sendable {
    private struct Entry {
        var definition: DeliveryStreamDefinition
        /// Where puts go, if it takes any.
        var inlet: Inlet?
        var run: DeliveryRun?
        var isDeleting = false
        /// The deletion failed on its way: it may be asked for again.
        var mayDeleteAgain = false
        var isChanging = false
    }

    private struct Inlet {
        var reference: ShardReference
        var shard: ShardDescription
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// Names that are being created, or whose remains are being removed.
        var creating: Set<String> = []
        /// Names whose definition cannot be read: they are taken.
        var unreadable: Set<String> = []
        var isClosing = false
    }

    private let state = Mutex(State())
    private let world: DeliveryWorld

    public init(store: any StreamStore, objects: any ObjectStore, time: any TimeSource, random: any RandomSource, logger: Logger) {
        world = DeliveryWorld(
            store: store, progress: ProgressBook(store: store, time: time), objects: objects, time: time, random: random,
            logger: logger)
    }

    // MARK: Life of the node

    /// Reads the definitions and goes on delivering; an object that a crash cut off is written again, a deletion that it cut off is ended.
    ///
    /// A definition that cannot be read, or whose hidden stream is gone, is reported and left as it is; so are records without a definition.
    /// - Throws: `.unknownFormat` when one has a version that this build does not know, before anything is done; `.store`.
    public func open() async throws(DeliveryError) {
        let stored: [(name: String, value: [UInt8])]
        let hidden: [StreamDescription]
        do throws(StoreError) {
            stored = try await world.store.definitions(.deliveryStream)
            hidden = try await world.store.streams(in: .delivery)
        } catch {
            throw .store(error)
        }
        var definitions: [DeliveryStreamDefinition] = []
        for (name, value) in stored {
            do throws(StoredDefinition.Failure) {
                definitions.append(try DeliveryStreamDefinition(stored: value))
            } catch {
                try keepUnreadable(name, error)
            }
        }
        try await checkProgress()
        for definition in definitions {
            let inlet = hidden.first { $0.key == definition.streamKey }.flatMap(Self.inlet)
            if definition.isDeleting == true {
                await endDeletion(definition, inlet)
                continue
            }
            if definition.source == .directPut, inlet == nil {
                world.logger.error(
                    "the delivery stream's records are gone; delete it", metadata: ["delivery-stream": "\(definition.name)"])
            }
            admit(definition, inlet)
        }
        for stream in hidden where !stored.contains(where: { $0.name == stream.key.name }) {
            // Left by a creation that a crash cut off, or the definition was lost.
            world.logger.warning(
                "hidden stream without a definition is left as it is", metadata: ["delivery-stream": "\(stream.key.name)"])
        }
    }

    private func checkProgress() async throws(DeliveryError) {
        let unknown: UnknownFormat?
        do throws(StoreError) { unknown = try await world.progress.unknownFormat() } catch {
            // Nothing is delivered until it can be read; puts are taken.
            world.logger.error("the progress of delivery streams cannot be read", metadata: ["reason": "\(error)"])
            return
        }
        if let unknown { throw .unknownFormat(unknown) }
    }

    private func keepUnreadable(_ name: String, _ failure: StoredDefinition.Failure) throws(DeliveryError) {
        switch failure {
        case .unknownFormat(let found, let known):
            throw .unknownFormat(
                UnknownFormat("the definition of delivery stream \(name)", found: "\(found)", known: "\(known)"))
        case .unreadable(let reason):
            world.logger.error(
                "definition cannot be read; it is left as it is, and so are its records",
                metadata: ["delivery-stream": "\(name)", "reason": "\(reason)"])
            state.withLock { _ = $0.unreadable.insert(name) }
        }
    }

    /// Ends a deletion that a stop of the node cut off.
    private func endDeletion(_ definition: DeliveryStreamDefinition, _ inlet: Inlet?) async {
        do throws(StoreError) {
            try await removeRemains(of: definition.name)
        } catch {
            world.logger.warning(
                "a deletion cannot be ended; it can be asked for again",
                metadata: ["delivery-stream": "\(definition.name)", "reason": "\(error)"])
            state.withLock {
                $0.entries[definition.name] = Entry(definition: definition, inlet: inlet, isDeleting: true, mayDeleteAgain: true)
            }
        }
    }

    /// Stops after the objects in hand; nothing is cut early, for the log keeps what is buffered. Puts are still taken.
    public func close() async {
        let runs = state.withLock { state in
            state.isClosing = true
            return state.entries.values.compactMap(\.run)
        }
        for run in runs { run.stop() }
        for run in runs { await run.ended() }
        await world.progress.close()
    }

    // MARK: What the API asks

    public func describe(_ name: String) throws(DeliveryError) -> DeliveryStreamDescription {
        guard let entry = state.withLock({ $0.entries[name] }) else { throw absent(name) }
        return DeliveryStreamDescription(
            definition: entry.definition, isDeleting: entry.isDeleting, trouble: entry.run?.statistics.trouble)
    }

    /// All delivery streams by name, in the order of the names' bytes.
    public func list() -> [DeliveryStreamDefinition] {
        state.withLock { $0.entries.values.map(\.definition) }.sorted { $0.name < $1.name }
    }

    public func statistics() -> [DeliveryStatistics] {
        state.withLock { $0.entries.values.compactMap(\.run) }.map(\.statistics).sorted { $0.name < $1.name }
    }

    /// The stream that holds a delivery stream's records.
    public func streamKey(_ name: String) -> StreamKey {
        state.withLock { $0.entries[name]?.definition.streamKey } ?? StreamKey(name, in: .delivery)
    }

    /// Creates a delivery stream. One with a stream as source delivers what arrives there from now on.
    /// - Throws: `.exists`, `.busy`, `.name`, `.sourceNotFound`, `.store`; `.taken` where something of that name is there that must not be written over.
    public func create(_ definition: DeliveryStreamDefinition) async throws(DeliveryError) {
        let name = definition.name
        do throws(ObjectNameError) { _ = try ObjectName(definition) } catch { throw .name(error) }
        let refusal = state.withLock { state -> DeliveryError? in
            if let entry = state.entries[name] { return entry.isDeleting ? .busy(name) : .exists(name) }
            if state.unreadable.contains(name) { return .taken(name) }
            return state.creating.insert(name).inserted ? nil : .exists(name)
        }
        if let refusal { throw refusal }
        defer { state.withLock { _ = $0.creating.remove(name) } }
        var inlet: Inlet?
        if definition.source == .directPut { inlet = Self.inlet(try await makeHiddenStream(definition.streamKey)) }
        do throws(StoreError) {
            switch definition.source {
            case .directPut: try await world.progress.save(nil, of: name)
            case .stream:
                let source = try await world.store.stream(definition.streamKey)
                var positions: [UInt32: Int64] = [:]
                for shard in source.shards {
                    positions[shard.id.index] = try await world.store.bounds(ShardReference(source.id, shard.id)).highWatermark
                }
                try await world.progress.save(DeliveryProgress(stream: source.id, positions: positions), of: name)
            }
            try await world.store.setDefinitions([(DefinitionKey(.deliveryStream, name), definition.stored())])
            admit(definition, inlet)
        } catch .streamNotFound(let key) {
            throw .sourceNotFound(key.name)
        } catch {
            throw .store(error)
        }
        world.logger.info("delivery stream created", metadata: ["delivery-stream": "\(name)"])
    }

    /// A crash between the hidden stream and the definition leaves a stream without records; it is taken as it is.
    private func makeHiddenStream(_ key: StreamKey) async throws(DeliveryError) -> StreamDescription {
        // It is trimmed as it is delivered. What cannot be delivered stays as long as a stream may keep anything.
        let wanted = StreamDefinition(key: key, shardCount: 1, retentionHours: 8760, maxRecordKiB: 10_240)
        do throws(StoreError) {
            return try await world.store.createStream(wanted)
        } catch .streamExists {
            // Looked at below.
        } catch {
            throw .store(error)
        }
        let found: StreamDescription
        var hasRecords = false
        do throws(StoreError) {
            found = try await world.store.stream(key)
            for shard in found.shards {
                let bounds = try await world.store.bounds(ShardReference(found.id, shard.id))
                hasRecords = hasRecords || bounds.highWatermark > 0
            }
        } catch {
            throw .store(error)
        }
        if hasRecords { throw .taken(key.name) }
        return found
    }

    /// Deletes a delivery stream with what it has not delivered yet; objects stay. Returns when it is gone.
    ///
    /// It is the one way, too, to be rid of a definition that cannot be read and of records without a definition.
    /// - Throws: `.notFound`, `.busy`; `.store`, after which the delivery stream goes on as before, or, where its deletion was noted already, may only be
    ///   deleted again.
    public func delete(_ name: String) async throws(DeliveryError) {
        let found = state.withLock { state -> Result<Entry?, DeliveryError> in
            guard let entry = state.entries[name] else {
                return state.creating.insert(name).inserted ? .success(nil) : .failure(.notFound(name))
            }
            guard !entry.isDeleting || entry.mayDeleteAgain else { return .failure(.busy(name)) }
            guard !entry.isChanging else { return .failure(.changing(name)) }
            state.entries[name]?.isDeleting = true
            state.entries[name]?.mayDeleteAgain = false
            state.entries[name]?.run = nil
            return .success(entry)
        }
        guard let entry = try found.get() else { return try await deleteRemains(of: name) }
        entry.run?.stop()
        await entry.run?.ended()
        var noted = entry.definition
        noted.isDeleting = true
        do throws(StoreError) {
            try await world.store.setDefinitions([(DefinitionKey(.deliveryStream, name), noted.stored())])
        } catch {
            if entry.isDeleting {
                state.withLock { $0.entries[name]?.mayDeleteAgain = true }
            } else {
                admit(entry.definition, entry.inlet)
            }
            throw .store(error)
        }
        do throws(StoreError) {
            try await removeRemains(of: name)
        } catch {
            state.withLock { $0.entries[name]?.mayDeleteAgain = true }
            throw .store(error)
        }
        state.withLock { $0.entries[name] = nil }
        world.logger.info("delivery stream deleted", metadata: ["delivery-stream": "\(name)"])
    }

    /// Changes a definition, durably. Where it says otherwise how objects are made, that holds from the object after the one in hand on, and its version
    /// is one more.
    /// - Parameter version: that the caller knows; nil where that does not matter.
    /// - Throws: `.notFound`, `.busy`, `.changing`, `.wrongVersion`, `.name`; `.store`, after which nothing is changed.
    public func change(
        _ name: String, version: Int64? = nil, _ change: @Sendable (inout DeliveryStreamDefinition) -> Void
    ) async throws(DeliveryError) {
        let old = try begin(name, version)
        defer { state.withLock { $0.entries[name]?.isChanging = false } }
        var new = old
        change(&new)
        let isRemade = new.destination != old.destination
        if isRemade {
            new.version += 1
            new.updatedMilliseconds = world.time.wallMilliseconds()
            do throws(ObjectNameError) { _ = try ObjectName(new) } catch { throw .name(error) }
        }
        do throws(StoreError) {
            try await world.store.setDefinitions([(DefinitionKey(.deliveryStream, name), new.stored())])
        } catch {
            throw .store(error)
        }
        guard isRemade, let entry = state.withLock({ $0.entries[name] }) else {
            return state.withLock { $0.entries[name]?.definition = new }
        }
        entry.run?.stop()
        await entry.run?.ended()
        admit(new, entry.inlet)
        world.logger.info("delivery stream updated", metadata: ["delivery-stream": "\(name)", "version": "\(new.version)"])
    }

    /// The definition that a change begins with; until it ends no other begins.
    private func begin(_ name: String, _ version: Int64?) throws(DeliveryError) -> DeliveryStreamDefinition {
        let found = state.withLock { state -> Result<DeliveryStreamDefinition, DeliveryError>? in
            guard let entry = state.entries[name] else { return nil }
            if entry.isDeleting { return .failure(.busy(name)) }
            if entry.isChanging { return .failure(.changing(name)) }
            let current = entry.definition.version
            if let version, version != current { return .failure(.wrongVersion(name, given: version, current: current)) }
            state.entries[name]?.isChanging = true
            return .success(entry.definition)
        }
        guard let found else { throw absent(name) }
        return try found.get()
    }

    /// Deletes what there is under a name that is no delivery stream.
    private func deleteRemains(of name: String) async throws(DeliveryError) {
        defer { state.withLock { _ = $0.creating.remove(name) } }
        do throws(StoreError) {
            if !state.withLock({ $0.unreadable.contains(name) }) {
                _ = try await world.store.stream(StreamKey(name, in: .delivery))
            }
            try await removeRemains(of: name)
        } catch .streamNotFound {
            throw .notFound(name)
        } catch {
            throw .store(error)
        }
        state.withLock { _ = $0.unreadable.remove(name) }
        world.logger.warning("remains of a delivery stream were deleted", metadata: ["delivery-stream": "\(name)"])
    }

    /// Records first: what a crash leaves is a definition that says what there is to be ended.
    private func removeRemains(of name: String) async throws(StoreError) {
        do throws(StoreError) { try await world.store.deleteStream(StreamKey(name, in: .delivery)) } catch .streamNotFound {
            // It reads a stream of somebody else's, or this was done before.
        } catch .streamBusy {
            // It is being deleted already.
        }
        try await world.progress.save(nil, of: name)
        // With what a build before the table may have kept there.
        try await world.store.setDefinitions([
            (DefinitionKey(.deliveryStream, name), nil), (DefinitionKey(.deliveryProgress, name), nil),
        ])
    }

    /// Why there is no delivery stream of a name.
    private func absent(_ name: String) -> DeliveryError {
        state.withLock { $0.unreadable.contains(name) } ? .unreadable(name) : .notFound(name)
    }

    // MARK: Records

    /// Appends records put to a delivery stream; durable when it returns.
    /// - Parameters:
    ///   - expectedBytes: room made for them at once.
    ///   - build: adds the records to a batch; not called when the delivery stream takes no puts.
    /// - Throws: `.notFound`, `.notDirectPut`, `.store`.
    public func put(
        _ name: String, expectedBytes: Int, _ build: (inout RecordBatchBuilder, _ timestamp: Int64) throws(RecordBatchError) -> Void
    ) async throws(DeliveryError) -> PlacedRecords {
        guard let entry = state.withLock({ $0.entries[name] }), !entry.isDeleting else { throw absent(name) }
        guard entry.definition.source == .directPut else { throw .notDirectPut(name) }
        guard let inlet = entry.inlet else { throw .store(.streamNotFound(entry.definition.streamKey)) }
        let now = world.time.wallMilliseconds()
        var builder = RecordBatchBuilder(baseTimestamp: now, expectedBytes: expectedBytes)
        let batch: RecordBatch
        do throws(RecordBatchError) {
            try build(&builder, now)
            batch = try builder.finish()
        } catch {
            throw .store(.failed("\(error)"))
        }
        do throws(StoreError) {
            let appended = try await world.store.append([ShardAppend(inlet.reference, batch)], fence: nil)
            guard let first = appended.first else { throw .failed("the store did not tell where the records lie") }
            return PlacedRecords(appended: first, shard: inlet.shard)
        } catch .streamNotFound {
            throw .notFound(name)
        } catch .shardNotFound {
            throw .notFound(name)
        } catch .streamBusy {
            throw .notFound(name)
        } catch {
            throw .store(error)
        }
    }

    // MARK: Inside

    private static func inlet(_ stream: StreamDescription) -> Inlet? {
        guard let shard = stream.shards.first else { return nil }
        return Inlet(reference: ShardReference(stream.id, shard.id), shard: shard)
    }

    private func admit(_ definition: DeliveryStreamDefinition, _ inlet: Inlet?) {
        var world = world
        world.logger[metadataKey: "delivery-stream"] = "\(definition.name)"
        let run = DeliveryRun(definition, world: world)
        state.withLock { state in
            state.entries[definition.name] = Entry(definition: definition, inlet: inlet, run: state.isClosing ? nil : run)
            if !state.isClosing { run.start() }
        }
    }
}
