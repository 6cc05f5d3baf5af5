/// What a run begins with: its place in the source, its state, its fence.

import Host
import StreamStore

/// Claims the application's fence and finds out where to begin; `ApplicationRun` takes it from there.
struct RunStart {
    let compiled: CompiledApplication
    let key: StreamKey
    let source: StreamDescription
    let stateLog: StateLog
    let fence: Fence
    let beginning: RunBeginning
    let run: StateRecord.Run
    /// The first offset to read of each shard.
    let positions: [ShardID: Int64]
    /// What the next record of the hidden stream gets.
    let end: Int64

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
        guard let input = definition.inputs.first else { throw RunFailure.configuration("the application has no input") }
        key = await resolve(input.source)
        source = try await store.stream(key)
        stateLog = try await StateLog.open(application: definition.name, store: store)
        fence = try await store.claim(owner: "application/\(definition.name)")
        let recovered: RecoveredState?
        (recovered, end) = try await Self.recover(stateLog, start: start)
        beginning = RunBeginning(
            requested: start, stored: input.startingPosition, startNumber: definition.startNumber, recovered: recovered,
            program: compiled, source: source)
        switch beginning {
        case .goOn(let state, _):
            run = StateRecord.Run(
                startNumber: state.run.startNumber, programDigest: compiled.digest, seed: state.run.seed,
                startMilliseconds: state.run.startMilliseconds, source: source.id)
            positions = Self.positions(of: state, source)
        case .anew(let position, let kept):
            run = StateRecord.Run(
                startNumber: definition.startNumber, programDigest: compiled.digest, seed: random.next(),
                startMilliseconds: time.wallMilliseconds(), source: source.id)
            positions = try await Self.positions(position, kept: kept, source: source, store: store)
        }
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

    /// Shards that came into being after the snapshot were read from their beginning, which is where their lane's last shard ended.
    private static func positions(of state: RecoveredState, _ source: StreamDescription) -> [ShardID: Int64] {
        let later = state.last.positions.map { shard, _ in (shard, source.shard(shard)?.startOffset ?? 0) }
        return state.base.positions.merging(later) { old, _ in old }
    }

    private static func positions(
        _ start: StartingPosition, kept: RunBeginning.KeptPositions, source: StreamDescription, store: any StreamStore
    ) async throws(StoreError) -> [ShardID: Int64] {
        var positions: [ShardID: Int64] = [:]
        for shard in source.shards {
            let bounds = try await store.bounds(ShardReference(source.id, shard.id))
            positions[shard.id] = RunBeginning.position(start, kept: kept, shard: shard.id, bounds: bounds)
        }
        return positions
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
