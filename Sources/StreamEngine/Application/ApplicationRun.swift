/// One run of a streaming application: reads its source, drives the dataflow, appends rows and progress together.

package import Host
import RecordBatch
import StreamSQL
package import StreamStore

/// Why a run ended by itself.
package enum RunFailure: Error, Sendable {
    /// The definition no longer compiles or names things that are not there.
    case configuration(String)
    case store(StoreError)
    /// The program's state outgrew its bound, or its snapshot cannot be read.
    case state(String)
    /// An output cannot take rows now. Nothing was appended: the same run may be tried again.
    case destination(OutputRouter.Unavailable)
    /// The source was deleted and made anew: what this run knows of it means nothing any more.
    case sourceReplaced
}

/// What a run tells while it goes on.
struct RunProgress: Sendable {
    var rowsIn: Int64 = 0
    var rowsOut: Int64 = 0
    var errorRows: Int64 = 0
    /// The clock of the dataflow, milliseconds since 1970-01-01 UTC.
    var watermarkMilliseconds: Int64 = 0
    var lastSnapshotBytes: Int = 0
}

/// The state of a run. A value owned by one task; every suspension is a call of the store.
///
/// Exactly once (DESIGN, decision 9): all rows that the input up to a place gives, and that place, are one append under the run's fence, so what is
/// computed again up to that place after a crash is dropped as a whole. Input that gave no rows is not recorded at all: computing it again gives no
/// rows again. What decides is elsewhere: `RunBeginning` where to begin, `CommitQueue` what to append next, `SnapshotSchedule` when to write
/// the state.
package struct ApplicationRun {
    /// How much is done at once.
    package struct Limits: Sendable {
        /// Input handed to the dataflow in one piece, in bytes of record data.
        package var pieceBytes = 1 << 20
        /// Input of one cycle, in bytes of batches: between two cycles a run can be stopped, and a snapshot taken.
        package var cycleBytes = 8 << 20
        /// One append's output rows, in bytes; more go through the hidden stream.
        package var appendBytes = 4 << 20
        /// A snapshot is due when this much input was read since the last one (and no less than the state's own size), so that a restart
        /// computes little again ...
        package var snapshotBytes = 32 << 20
        /// ... or when this much time went by with new input.
        package var snapshotNanoseconds: UInt64 = 60_000_000_000
        /// Bytes of a snapshot, or of rows on their way, in one record of the hidden stream.
        package var snapshotPartBytes = 512 << 10
        /// What open windows, held rows and forests may take together, in bytes; an application that needs more is stopped.
        package var stateBytes = Dataflow.Limits().stateBytes

        package init() {}
    }

    /// The longest wait: a reshard and the clock's progress are seen at this pace when nothing else happens.
    private static let idleMilliseconds: Int64 = 1000
    /// The wait for records that are read but not settled, which takes about one sync of the journal.
    private static let unsettledMilliseconds: Int64 = 5
    /// Pieces smaller than this are decoded where they were read: another task would cost more.
    private static let smallPieceBytes = 64 << 10

    private let limits: Limits
    private let store: any StreamStore
    private let time: any TimeSource
    private let stateLog: StateLog
    private let fence: Fence
    private let run: StateRecord.Run
    private let reportGap: @Sendable (InputMerge.Gap) -> Void

    private var dataflow: Dataflow
    private var reader: SourceReader
    private var encoder: OutputEncoder
    private var router: OutputRouter
    private var queue: CommitQueue
    private var schedule: SnapshotSchedule
    /// Up to where the dataflow has computed.
    private var computed: InputProgress
    /// A piece that was read and is not computed yet.
    private var ahead: DecodingPiece?
    /// The state is one of another program's run, taken over: it is written before it is gone on from.
    private var mustWriteState: Bool
    private var isRecomputing = false
    /// Rows of each in-application stream that were computed again.
    private var recomputedRows: [String: Int64] = [:]
    private(set) var progress = RunProgress()

    /// Claims the application's fence and readies a run.
    ///
    /// - Parameter start: where to begin; nil to go on after a crash or a restart of the node.
    package init(
        _ definition: ApplicationDefinition, start: StartingPosition?, store: any StreamStore, time: any TimeSource,
        random: any RandomSource, resolve: SourceResolver, limits: Limits = Limits(),
        reportGap: @escaping @Sendable (InputMerge.Gap) -> Void
    ) async throws {
        guard store.capabilities.contains(.multiShardAppends) else {
            throw RunFailure.configuration(
                "the store cannot append rows and the state they belong to together, which is what makes each row come out once")
        }
        self.limits = limits
        self.store = store
        self.time = time
        self.reportGap = reportGap
        var compiled = try CompiledApplication(definition)
        compiled.leaveOutUnreadColumns(definition.outputs)
        guard let input = definition.inputs.first else { throw RunFailure.configuration("the application has no input") }
        let key = await resolve(input.source)
        let source = try await store.stream(key)
        stateLog = try await StateLog.open(application: definition.name, store: store)
        fence = try await store.claim(owner: "application/\(definition.name)")
        let beginning = RunBeginning(
            requested: start, stored: input.startingPosition, startNumber: definition.startNumber,
            recovered: try await Self.recover(stateLog, start: start), program: compiled, source: source)

        let positions: [ShardID: Int64]
        switch beginning {
        case .goOn(let state, _):
            run = StateRecord.Run(
                startNumber: state.run.startNumber, programDigest: compiled.digest, seed: state.run.seed,
                startMilliseconds: state.run.startMilliseconds, source: source.id)
            // Shards that came into being after the snapshot were read from their beginning, which is where their lane's last shard ended.
            let later = state.last.positions.map { shard, _ in (shard, source.shard(shard)?.startOffset ?? 0) }
            positions = state.base.positions.merging(later) { old, _ in old }
        case .anew(let position, let kept):
            run = StateRecord.Run(
                startNumber: definition.startNumber, programDigest: compiled.digest, seed: random.next(),
                startMilliseconds: time.wallMilliseconds(), source: source.id)
            positions = try await Self.positions(position, kept: kept, source: source, store: store)
        }
        dataflow = try compiled.makeDataflow(run, limits: Dataflow.Limits(stateBytes: limits.stateBytes))
        encoder = OutputEncoder(definition.outputs, compiled)
        router = OutputRouter(definition.outputs, store: store)
        queue = CommitQueue(appendBytes: limits.appendBytes, partBytes: limits.snapshotPartBytes)
        schedule = SnapshotSchedule(
            bytes: limits.snapshotBytes, nanoseconds: limits.snapshotNanoseconds, now: time.monotonicNanoseconds())
        dataflow.wantedStreams = encoder.streamNames
        mustWriteState = false
        if case .goOn(let state, let isSameProgram) = beginning {
            try Self.restore(&dataflow, from: state, isSameProgram: isSameProgram)
            mustWriteState = !isSameProgram || state.isFirst
            queue.resume(state.outgoing, outputs: Set(definition.outputs.map(\.id)))
        }
        reader = try SourceReader(
            compiled, source: source, key: key, positions: positions, clock: dataflow.clockMilliseconds,
            pieceBytes: limits.pieceBytes, store: store)
        // The clock has no reading before the first row, which may be as old as the trim horizon.
        computed = InputProgress(positions: positions, clockMilliseconds: dataflow.clockMilliseconds)
        switch beginning {
        case .goOn(let state, _):
            try await recompute(through: state.last, source: source.id)
            try checkRows(of: state)
        case .anew: try await stateLog.begin(run, at: computed, fence: fence, writtenAt: time.wallMilliseconds())
        }
    }

    private static func recover(_ stateLog: StateLog, start: StartingPosition?) async throws -> RecoveredState? {
        do {
            return try await stateLog.recover()
        } catch {
            // Who starts afresh does not need what cannot be read.
            guard let start, start != .lastStoppedPoint else { throw error }
            return nil
        }
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

    private static func restore(_ dataflow: inout Dataflow, from state: RecoveredState, isSameProgram: Bool) throws {
        guard let snapshot = state.snapshot else { return }
        do {
            try dataflow.restore(from: snapshot, isSameProgram: isSameProgram)
        } catch {
            throw RunFailure.state("its state cannot be restored: \(error)")
        }
    }

    // MARK: Going on after a crash

    /// Computes the input between the last snapshot and the last commit again, for the state alone: the rows are durable.
    private mutating func recompute(through last: InputProgress, source: StreamID) async throws {
        isRecomputing = true
        defer { isRecomputing = false }
        let ends = SourceReader.references(last.positions, in: source)
        var bytes = 0
        // Everything up to the commit arrived at or before its clock, so this meets the records of the first time in their order.
        while true {
            if let piece = try await reader.nextPiece(through: last.clockMilliseconds, limits: ends, bytesRead: &bytes) {
                try compute(piece.decoded(), through: piece.positions)
                queue.dropCuts()
            } else if reader.mustRaiseFloor {
                reader.raiseFloor()
            } else {
                break
            }
        }
        try advance(to: last.clockMilliseconds)
        queue.dropCuts()
        reader.takeGaps().forEach(reportGap)
        schedule.noteRead(bytes)
        progress.rowsIn = 0
    }

    /// State of version 1 was told how many rows were appended. What one append could not hold, and the next one was to bring, would be lost: this version
    /// drops all rows up to a commit.
    private func checkRows(of state: RecoveredState) throws(RunFailure) {
        guard let appended = state.last.appendedRows, let before = state.base.appendedRows else { return }
        for (stream, rows) in recomputedRows where rows > (appended[stream] ?? 0) - (before[stream] ?? 0) {
            throw .state(
                "its state is of version 1 and stops within rows of \(stream) that took several appends; let the build that wrote it go on, or start "
                    + "the application with NOW or TRIM_HORIZON")
        }
    }

    // MARK: The cycle

    /// Reads what has arrived, or a cycle's share of it, closes what has ended, appends what came out.
    ///
    /// No row is ever older than the dataflow's clock. The clock moves to a settled time only when every record up to it was read; what
    /// arrives later, also in shards made later, arrives after it. Only a node that starts again with its wall clock set back can break
    /// that, and then such records are given the clock's time.
    /// - Returns: whether there may be more to read at once.
    /// - Throws: `RunFailure.destination`: nothing is lost, the next cycle goes on. After any other error the run is of no more use, as it
    ///   is not known what was appended.
    package mutating func cycle() async throws -> Bool {
        try await append()
        if mustWriteState { try await writeSnapshot() }
        let settled = await store.settledTime()
        // After the settled time was asked for: a shard that is made from here on holds only records that arrive after it.
        try await reader.followReshards()
        let isCaughtUp = try await readAndCompute(through: settled)
        reader.takeGaps().forEach(reportGap)
        if isCaughtUp { try advance(to: settled) }
        try await append()
        progress.watermarkMilliseconds = dataflow.clockMilliseconds
        if schedule.isDue(at: time.monotonicNanoseconds()) { try await writeSnapshot() }
        return !isCaughtUp
    }

    /// While a piece is computed, the next one is decoded.
    /// - Returns: whether everything up to `settled` was read.
    private mutating func readAndCompute(through settled: Int64) async throws -> Bool {
        var bytes = 0
        if ahead == nil { ahead = try await nextPiece(through: settled, &bytes) }
        while true {
            if let piece = ahead {
                ahead = bytes < limits.cycleBytes ? try await nextPiece(through: settled, &bytes) : nil
                try compute(await piece.rows.value, through: piece.positions)
                // What is ahead stays for the next cycle when a destination takes no rows now.
                if queue.isFull { try await append() }
                continue
            }
            guard reader.mustRaiseFloor else { return bytes < limits.cycleBytes }
            // A snapshot comes first, so that computing again does the same.
            try await append()
            try await writeSnapshot()
            reader.raiseFloor()
            ahead = try await nextPiece(through: settled, &bytes)
        }
    }

    /// The rows of a piece, at hand or on their way.
    private enum DecodedPiece {
        case done([DecodedRows])
        case underWay(Task<[DecodedRows], Never>)

        var value: [DecodedRows] {
            get async {
                switch self {
                case .done(let rows): rows
                case .underWay(let task): await task.value
                }
            }
        }
    }

    private struct DecodingPiece {
        var positions: [ShardID: Int64]
        var rows: DecodedPiece
    }

    private mutating func nextPiece(through settled: Int64, _ bytes: inout Int) async throws -> DecodingPiece? {
        let before = bytes
        guard let piece = try await reader.nextPiece(through: settled, bytesRead: &bytes) else { return nil }
        schedule.noteRead(bytes - before)
        let isSmall = piece.byteCount < Self.smallPieceBytes
        return DecodingPiece(
            positions: piece.positions, rows: isSmall ? .done(piece.decoded()) : .underWay(Task { piece.decoded() }))
    }

    /// What to wait for between two cycles, and how long at most.
    var rest: (positions: [ShardReference: Int64], timeout: Duration) {
        var milliseconds = reader.hasPending ? Self.unsettledMilliseconds : Self.idleMilliseconds
        if let deadline = dataflow.nextDeadlineMilliseconds {
            // The settled time may be a little behind the wall clock; without the least pause the wait would be a spin.
            let (until, overflow) = deadline.subtractingReportingOverflow(time.wallMilliseconds())
            if !overflow { milliseconds = min(milliseconds, max(2, until)) }
        }
        return (reader.readPositions, .milliseconds(milliseconds))
    }

    private mutating func compute(_ pieces: [DecodedRows], through positions: [ShardID: Int64]) throws {
        var rows: [String: OutgoingRows] = [:]
        for piece in pieces {
            progress.rowsIn += Int64(piece.batch.count)
            do { try dataflow.insert(piece.batch, into: piece.stream, errors: piece.errors) } catch {
                throw RunFailure.state("\(error)")
            }
            collect(recordKeys: encoder.recordKeyColumn.map { piece.batch.columns[$0] }, into: &rows)
        }
        finishCut(InputProgress(positions: positions, clockMilliseconds: dataflow.clockMilliseconds), rows)
    }

    private mutating func advance(to milliseconds: Int64) throws {
        do { try dataflow.advance(to: milliseconds) } catch { throw RunFailure.state("\(error)") }
        reader.advance(to: milliseconds)
        var rows: [String: OutgoingRows] = [:]
        collect(recordKeys: nil, into: &rows)
        finishCut(InputProgress(positions: computed.positions, clockMilliseconds: dataflow.clockMilliseconds), rows)
    }

    private mutating func collect(recordKeys: Column?, into rows: inout [String: OutgoingRows]) {
        for batch in dataflow.takeOutputBatches() {
            if isRecomputing { recomputedRows[batch.stream, default: 0] += Int64(batch.rows.count) }
            encoder.encode(batch, recordKeys: recordKeys, into: &rows)
        }
        progress.errorRows = Int64(dataflow.errorRowCount)
    }

    private mutating func finishCut(_ reached: InputProgress, _ rows: [String: OutgoingRows]) {
        computed = reached
        if !rows.isEmpty { queue.add(Cut(progress: reached, rows: rows)) }
    }

    // MARK: Appending

    /// Appends what the queue asks for until it is empty.
    private mutating func append() async throws {
        while let step = queue.next() {
            let now = time.wallMilliseconds()
            var entries: [ShardAppend]
            do { entries = try await router.route(step.rows, at: now) } catch let error as OutputRouter.Unavailable {
                throw RunFailure.destination(error)
            }
            entries.append(try stateLog.entry(step.records, at: now))
            do throws(StoreError) {
                _ = try await store.append(entries, fence: fence)
            } catch {
                guard isOfDestination(error) else { throw error }
                throw RunFailure.destination(OutputRouter.Unavailable(output: nil, reason: error))
            }
            queue.appended(step)
            progress.rowsOut += Int64(step.rows.reduce(0) { $0 + $1.rows.count })
        }
    }

    /// Whether an append was refused as a whole for a reason that lies in a destination or passes by itself. Of all other errors it is
    /// not known what they left.
    private func isOfDestination(_ error: StoreError) -> Bool {
        switch error {
        case .overloaded: true
        case .streamBusy(let key, _): key.namespace != .application
        case .shardClosed(let shard), .shardNotFound(let shard): shard != stateLog.shard
        default: false
        }
    }

    /// Appends what waits and writes the whole state, so that a restart begins here.
    /// - Throws: as `cycle`.
    package mutating func snapshot() async throws {
        // A snapshot without the rows that wait would lose them.
        try await append()
        try await writeSnapshot()
    }

    private mutating func writeSnapshot() async throws {
        let begin = time.monotonicNanoseconds()
        let bytes = dataflow.snapshot()
        try await stateLog.writeSnapshot(
            bytes, run: run, at: computed, fence: fence, writtenAt: time.wallMilliseconds(), partBytes: limits.snapshotPartBytes)
        schedule.noteWritten(bytes.count, from: begin, to: time.monotonicNanoseconds())
        mustWriteState = false
        progress.lastSnapshotBytes = bytes.count
    }
}
