/// What a run begins with: its place in the sources, its state, its fence.

import Host
import StreamStore

/// Claims the application's fence and finds out where to begin; `ApplicationRun` takes it from there.
struct RunStart {
    let compiled: CompiledApplication
    /// In the order of the inputs.
    let sources: [RunSource]
    let stateLog: StateLog
    let fence: Fence
    let beginning: RunBeginning
    let run: StateRecord.Run
    /// Whether the state is that of a named snapshot, which the hidden stream does not have yet.
    let isRestored: Bool
    /// The first offset to read of each shard.
    let positions: [InputShard: Int64]
    /// What the next record of the hidden stream gets.
    let end: Int64

    /// - Parameter start: where a start asked to begin, unless the definition says otherwise of an input; nil to go on.
    init(
        _ definition: ApplicationDefinition, start: StartingPosition?, store: any StreamStore, time: any TimeSource,
        random: any RandomSource, resolve: SourceResolver
    ) async throws {
        guard store.capabilities.contains(.multiShardAppends) else {
            throw RunFailure.configuration(
                "the store cannot append rows and the state they belong to together, which is what makes each row come out once")
        }
        var compiled = try CompiledApplication(definition)
        compiled.leaveOutUnreadColumns(definition.outputs)
        self.compiled = compiled
        sources = try await Self.sources(definition, store: store, resolve: resolve)
        let streams = sources.map(\.stream)
        stateLog = try await StateLog.open(application: definition.name, store: store)
        fence = try await store.claim(owner: "application/\(definition.name)")
        let recovered: RecoveredState?
        (recovered, end) = try await Self.recover(stateLog, start: start)
        if recovered?.run.startNumber != definition.startNumber, let name = definition.restoredSnapshot {
            let state = try await Self.snapshot(name, of: definition, streams, store: store)
            beginning = .goOn(state, isSameProgram: state.run.programDigest == compiled.digest)
            isRestored = true
        } else {
            beginning = RunBeginning(
                requested: start.map { start in
                    definition.inputs.enumerated().map { $0.offset == 0 ? start : $0.element.startingPosition ?? start }
                },
                stored: definition.inputs.map(\.startingPosition), startNumber: definition.startNumber, recovered: recovered,
                program: compiled, sources: streams)
            isRestored = false
        }
        (run, positions) = try await Self.place(
            beginning, definition, compiled, streams, isRestored: isRestored, store: store, time: time, random: random)
    }

    private static func sources(
        _ definition: ApplicationDefinition, store: any StreamStore, resolve: SourceResolver
    ) async throws -> [RunSource] {
        guard !definition.inputs.isEmpty else { throw RunFailure.configuration("the application has no input") }
        var sources: [RunSource] = []
        for input in definition.inputs {
            let key = await resolve(input.source)
            if sources.contains(where: { $0.key == key }) {
                throw RunFailure.configuration("two inputs read the stream \(key.name); one is enough for all that reads its rows")
            }
            sources.append(RunSource(key: key, stream: try await store.stream(key)))
        }
        return sources
    }

    private static func recover(
        _ stateLog: StateLog, start: StartingPosition?
    ) async throws -> (state: RecoveredState?, end: Int64) {
        do {
            return try await stateLog.recover()
        } catch {
            // Who starts afresh does not need what cannot be read.
            guard let start, start != .lastStoppedPoint else { throw error }
            return (nil, try await stateLog.end())
        }
    }

    /// The state of a named snapshot.
    private static func snapshot(
        _ name: String, of definition: ApplicationDefinition, _ streams: [StreamDescription], store: any StreamStore
    ) async throws -> RecoveredState {
        guard let log = try await StateLog.existing(ApplicationSnapshot.key(name, of: definition.name), store: store),
            var state = try await log.recover().state, !state.layers.isEmpty
        else { throw RunFailure.configuration("the snapshot \(name) is not there") }
        guard state.run.sources.count <= streams.count, zip(state.run.sources, streams).allSatisfy({ $0 == $1.id }) else {
            throw RunFailure.configuration(
                "the snapshot \(name) is of other source streams than the application reads now; what it says of positions means nothing there"
            )
        }
        (state.last, state.outgoing) = (state.base, OutgoingQueue())
        return state
    }

    private static func place(
        _ beginning: RunBeginning, _ definition: ApplicationDefinition, _ compiled: CompiledApplication,
        _ streams: [StreamDescription], isRestored: Bool, store: any StreamStore, time: any TimeSource, random: any RandomSource
    ) async throws -> (StateRecord.Run, [InputShard: Int64]) {
        let sources = streams.map(\.id)
        switch beginning {
        case .goOn(let state, _):
            let run = StateRecord.Run(
                startNumber: isRestored ? definition.startNumber : state.run.startNumber, programDigest: compiled.digest,
                seed: state.run.seed, startMilliseconds: state.run.startMilliseconds, sources: sources)
            var positions = Self.positions(of: state, streams)
            // Inputs that were added since.
            for input in streams.indices.dropFirst(state.run.sources.count) {
                let start = definition.inputs[input].startingPosition ?? .now
                try await Self.add(start, kept: .none, of: input, streams[input], store, to: &positions)
            }
            return (run, positions)
        case .anew(let starts):
            let run = StateRecord.Run(
                startNumber: definition.startNumber, programDigest: compiled.digest, seed: random.next(),
                startMilliseconds: time.wallMilliseconds(), sources: sources)
            var positions: [InputShard: Int64] = [:]
            for (input, (start, kept)) in starts.enumerated() {
                try await Self.add(start, kept: kept, of: input, streams[input], store, to: &positions)
            }
            return (run, positions)
        }
    }

    /// Shards that came into being after the snapshot were read from their beginning, which is where their lane's last shard ended.
    private static func positions(of state: RecoveredState, _ streams: [StreamDescription]) -> [InputShard: Int64] {
        let later = state.last.positions.map { place, _ in
            (place, streams.indices.contains(place.input) ? streams[place.input].shard(place.shard)?.startOffset ?? 0 : 0)
        }
        return state.base.positions.merging(later) { old, _ in old }
    }

    private static func add(
        _ start: StartingPosition, kept: RunBeginning.KeptPositions, of input: Int, _ source: StreamDescription,
        _ store: any StreamStore, to positions: inout [InputShard: Int64]
    ) async throws(StoreError) {
        for shard in source.shards {
            let bounds = try await store.bounds(ShardReference(source.id, shard.id))
            positions[InputShard(input, shard.id)] = RunBeginning.position(start, kept: kept, shard: shard.id, bounds: bounds)
        }
    }

    /// Whether the state must be written before anything is computed from it.
    var mustWriteState: Bool {
        guard case .goOn(let state, let isSameProgram) = beginning else { return false }
        return !isSameProgram || state.isOld || isRestored || state.run.sources.count != sources.count
    }

    /// The dataflow, with the state of the last run if it goes on from that.
    func makeDataflow(_ limits: ApplicationRun.Limits) throws -> Dataflow {
        var dataflow = try compiled.makeDataflow(run, limits: Dataflow.Limits(stateBytes: limits.stateBytes))
        guard case .goOn(let state, let isSameProgram) = beginning else { return dataflow }
        do {
            if let snapshot = state.snapshot {
                try dataflow.restore(from: snapshot, isSameProgram: isSameProgram)
            } else if !state.layers.isEmpty {
                try dataflow.restore(state.layers, isSameProgram: isSameProgram)
            }
        } catch {
            throw RunFailure.state("its state cannot be restored: \(error)")
        }
        return dataflow
    }
}
