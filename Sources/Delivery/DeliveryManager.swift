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
    }

    private struct Inlet {
        var reference: ShardReference
        var shard: ShardDescription
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// Names that are being created.
        var creating: Set<String> = []
        var isClosing = false
    }

    private let state = Mutex(State())
    private let world: DeliveryWorld

    public init(store: any StreamStore, objects: any ObjectStore, time: any TimeSource, random: any RandomSource, logger: Logger) {
        world = DeliveryWorld(store: store, objects: objects, time: time, random: random, logger: logger)
    }

    // MARK: Life of the node

    /// Reads the definitions and goes on delivering; an object that a crash cut off is written again.
    /// A definition that cannot be read, or whose hidden stream is gone, is reported and left as it is.
    public func open() async throws(DeliveryError) {
        let stored: [(name: String, value: [UInt8])]
        let hidden: [StreamDescription]
        do throws(StoreError) {
            stored = try await world.store.definitions(.deliveryStream)
            hidden = try await world.store.streams(in: .delivery)
        } catch {
            throw .store(error)
        }
        for (name, value) in stored {
            guard let definition = DeliveryStreamDefinition(stored: value) else {
                world.logger.error("definition cannot be read; it is left as it is", metadata: ["delivery-stream": "\(name)"])
                continue
            }
            let inlet = hidden.first { $0.key == definition.streamKey }.flatMap(Self.inlet)
            if definition.source == .directPut, inlet == nil {
                world.logger.error("the delivery stream's records are gone; delete it", metadata: ["delivery-stream": "\(name)"])
            }
            admit(definition, inlet)
        }
        for stream in hidden where !stored.contains(where: { $0.name == stream.key.name }) {
            // Left by a creation or deletion that a crash cut off, or the definition was lost: nothing here can tell which.
            world.logger.warning(
                "hidden stream without a definition is left as it is", metadata: ["delivery-stream": "\(stream.key.name)"])
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
    }

    // MARK: What the API asks

    public func describe(_ name: String) throws(DeliveryError) -> DeliveryStreamDescription {
        guard let entry = state.withLock({ $0.entries[name] }) else { throw .notFound(name) }
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
    /// - Throws: `.exists`, `.busy`, `.name`, `.sourceNotFound`, `.store`.
    public func create(_ definition: DeliveryStreamDefinition) async throws(DeliveryError) {
        let name = definition.name
        do throws(ObjectNameError) { _ = try ObjectName(definition) } catch { throw .name(error) }
        let refusal = state.withLock { state -> DeliveryError? in
            if let entry = state.entries[name] { return entry.isDeleting ? .busy(name) : .exists(name) }
            return state.creating.insert(name).inserted ? nil : .exists(name)
        }
        if let refusal { throw refusal }
        defer { state.withLock { _ = $0.creating.remove(name) } }
        do throws(StoreError) {
            var changes: [(key: DefinitionKey, value: [UInt8]?)] = [(DefinitionKey(.deliveryStream, name), definition.stored())]
            var inlet: Inlet?
            switch definition.source {
            case .directPut:
                inlet = Self.inlet(try await makeHiddenStream(definition.streamKey))
                changes.append((DefinitionKey(.deliveryProgress, name), nil))
            case .stream:
                let source = try await world.store.stream(definition.streamKey)
                var positions: [UInt32: Int64] = [:]
                for shard in source.shards {
                    positions[shard.id.index] = try await world.store.bounds(ShardReference(source.id, shard.id)).highWatermark
                }
                let progress = DeliveryProgress(stream: source.id, positions: positions)
                changes.append((DefinitionKey(.deliveryProgress, name), progress.stored()))
            }
            try await world.store.setDefinitions(changes)
            admit(definition, inlet)
        } catch .streamNotFound(let key) {
            throw .sourceNotFound(key.name)
        } catch {
            throw .store(error)
        }
        world.logger.info("delivery stream created", metadata: ["delivery-stream": "\(name)"])
    }

    /// A crash between the hidden stream and the definition leaves a stream that nobody knows; it is made anew.
    private func makeHiddenStream(_ key: StreamKey) async throws(StoreError) -> StreamDescription {
        // It is trimmed as it is delivered. What cannot be delivered stays as long as a stream may keep anything.
        let wanted = StreamDefinition(key: key, shardCount: 1, retentionHours: 8760, maxRecordKiB: 10_240)
        do throws(StoreError) {
            return try await world.store.createStream(wanted)
        } catch .streamExists {
            try await world.store.deleteStream(key)
            return try await world.store.createStream(wanted)
        }
    }

    /// Deletes a delivery stream with what it has not delivered yet; objects stay. Returns when it is gone.
    /// - Throws: `.notFound`, `.busy`; `.store`, after which the delivery stream goes on as before.
    public func delete(_ name: String) async throws(DeliveryError) {
        let found = state.withLock { state -> Result<Entry, DeliveryError> in
            guard let entry = state.entries[name] else { return .failure(.notFound(name)) }
            guard !entry.isDeleting else { return .failure(.busy(name)) }
            state.entries[name]?.isDeleting = true
            state.entries[name]?.run = nil
            return .success(entry)
        }
        let entry = try found.get()
        entry.run?.stop()
        await entry.run?.ended()
        do throws(StoreError) {
            try await world.store.setDefinitions([
                (DefinitionKey(.deliveryStream, name), nil), (DefinitionKey(.deliveryProgress, name), nil),
            ])
        } catch {
            admit(entry.definition, entry.inlet)
            throw .store(error)
        }
        if entry.definition.source == .directPut {
            do throws(StoreError) { try await world.store.deleteStream(entry.definition.streamKey) } catch {
                // It is a stream that nobody knows now; one created under its name will replace it.
                world.logger.warning(
                    "records of a deleted delivery stream are left", metadata: ["delivery-stream": "\(name)", "reason": "\(error)"])
            }
        }
        state.withLock { $0.entries[name] = nil }
        world.logger.info("delivery stream deleted", metadata: ["delivery-stream": "\(name)"])
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
        guard let entry = state.withLock({ $0.entries[name] }), !entry.isDeleting else { throw .notFound(name) }
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
