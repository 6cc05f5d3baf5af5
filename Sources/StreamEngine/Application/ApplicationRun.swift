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
    case destination(OutputWriter.Unavailable)
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
/// Exactly once (DESIGN, decision 7): the rows that leave, and how far the input was read to compute them, are one append under the run's
/// fence. Input that gave no rows is not recorded at all: computing it again gives no rows again.
package struct ApplicationRun {
    /// How much is done at once.
    package struct Limits: Sendable {
        /// Input handed to the dataflow in one piece, in bytes of record data.
        package var pieceBytes = 1 << 20
        /// Input of one cycle, in bytes of batches: between two cycles a run can be stopped, and a snapshot taken.
        package var cycleBytes = 8 << 20
        /// One append's output rows, in bytes of text; more are split over several appends.
        package var appendBytes = 4 << 20
        /// A snapshot is due when this much input was read since the last one (and no less than the state's own size), so that a restart
        /// computes little again ...
        package var snapshotBytes = 32 << 20
        /// ... or when this much time went by with new input.
        package var snapshotNanoseconds: UInt64 = 60_000_000_000
        /// Bytes of a snapshot in one record of the hidden stream.
        package var snapshotPartBytes = 512 << 10
        /// What open windows, held rows and forests may take together, in bytes; an application that needs more is stopped.
        package var stateBytes = Dataflow.Limits().stateBytes

        package init() {}
    }

    /// A snapshot that took long is not followed by another one before this many times its duration: the clock stands still meanwhile.
    private static let snapshotPauses: UInt64 = 20
    /// The longest wait: a reshard and the clock's progress are seen at this pace when nothing else happens.
    private static let idleMilliseconds: Int64 = 1000
    /// The wait for records that are read but not settled, which takes about one sync of the journal.
    private static let unsettledMilliseconds: Int64 = 5

    private let limits: Limits
    private let definition: ApplicationDefinition
    private let compiled: CompiledApplication
    private let store: any StreamStore
    private let time: any TimeSource
    private let stateLog: StateLog
    private let fence: Fence
    private let run: StateRecord.Run
    private let sourceKey: StreamKey
    private let source: StreamDescription
    private let reportGap: @Sendable (InputMerge.Gap) -> Void

    private var dataflow: Dataflow
    private var decoder: SourceDecoder
    private var merge: InputMerge
    private var writer: OutputWriter
    /// Rows of each in-application stream appended to its outputs since the run began.
    private var outputRows: [String: Int64]
    /// Rows computed but not yet appended, oldest first. While there are any, no input is read.
    private var waiting: [(stream: String, batch: ColumnBatch)] = []
    /// How many rows of the first batch that waits are appended already.
    private var appendedOfFirst = 0
    /// No row gets a ROWTIME before this: the clock of the state that computing again would begin from.
    private var rowtimeFloor = Int64.min
    private var bytesSinceSnapshot = 0
    private var lastSnapshot: UInt64
    private var lastSnapshotNanoseconds: UInt64 = 0
    private(set) var progress = RunProgress()

    /// Claims the application's fence and readies a run.
    ///
    /// - Parameter start: where to begin; nil to go on after a crash or a restart of the node.
    package init(
        _ definition: ApplicationDefinition, start: StartingPosition?, store: any StreamStore, time: any TimeSource,
        random: any RandomSource, resolve: SourceResolver, limits: Limits = Limits(),
        reportGap: @escaping @Sendable (InputMerge.Gap) -> Void
    ) async throws {
        self.limits = limits
        self.definition = definition
        self.store = store
        self.time = time
        self.reportGap = reportGap
        compiled = try CompiledApplication(definition)
        guard let input = definition.inputs.first else { throw RunFailure.configuration("the application has no input") }
        sourceKey = await resolve(input.source)
        source = try await store.stream(sourceKey)
        stateLog = try await StateLog.open(application: definition.name, store: store)
        fence = try await store.claim(owner: "application/\(definition.name)")

        let recovered: RecoveredState?
        do {
            recovered = try await stateLog.recover()
        } catch {
            // Who starts afresh does not need what cannot be read.
            guard let start, start != .lastStoppedPoint else { throw error }
            recovered = nil
        }
        let (digest, sourceID) = (compiled.digest, source.id)
        // State of another program, or of a source that was deleted and made anew, means nothing to this one.
        let usable = recovered.flatMap { $0.run.programDigest == digest && $0.run.source == sourceID ? $0 : nil }
        // A node that went down between a start and its first record has the start still to do.
        let isBegun = recovered?.run.startNumber == definition.startNumber
        let position = start ?? (isBegun ? nil : input.startingPosition) ?? .lastStoppedPoint
        let goesOn = position == .lastStoppedPoint
        if goesOn, let usable {
            run = usable.run
        } else {
            run = StateRecord.Run(
                startNumber: definition.startNumber, programDigest: digest, seed: random.next(),
                startMilliseconds: time.wallMilliseconds(), source: source.id)
        }
        dataflow = try compiled.makeDataflow(run, limits: Dataflow.Limits(stateBytes: limits.stateBytes))
        decoder = try SourceDecoder(compiled, source: source)
        writer = OutputWriter(
            outputs: definition.outputs, schemas: compiled.outputSchemas, store: store, firstRowNumber: random.next())
        lastSnapshot = time.monotonicNanoseconds()
        dataflow.wantedStreams = writer.streamNames

        if goesOn, let usable {
            outputRows = usable.base.outputRows
            var positions = usable.base.positions
            // Shards that came into being after the snapshot were read from their beginning.
            for shard in usable.last.positions.keys where positions[shard] == nil { positions[shard] = 0 }
            merge = InputMerge(store: store, positions: Self.references(positions, in: source.id))
            try await recompute(from: usable)
        } else {
            outputRows = [:]
            let kept: [ShardID: Int64]? =
                if recovered?.run.source == source.id {
                    recovered?.last.positions
                } else if let recovered, source.createdMilliseconds >= recovered.run.startMilliseconds {
                    // Made (anew) while the application ran: it has seen nothing of it yet.
                    [:]
                } else {
                    nil
                }
            let positions = try await Self.startPositions(position, source: source, kept: kept, store: store)
            merge = InputMerge(store: store, positions: Self.references(positions, in: source.id))
            // The clock has no reading yet: the first row may be as old as the trim horizon.
            let begin = InputProgress(positions: positions, clockMilliseconds: dataflow.clockMilliseconds)
            let batch = try StateLog.batch(.begin(run, begin), at: time.wallMilliseconds())
            let appended = try await store.append([ShardAppend(stateLog.shard, batch)], fence: fence)
            if let first = appended.first { try await store.trim(stateLog.shard, before: first.baseOffset) }
        }
    }

    private static func references(_ positions: [ShardID: Int64], in stream: StreamID) -> [ShardReference: Int64] {
        Dictionary(uniqueKeysWithValues: positions.map { (ShardReference(stream, $0.key), $0.value) })
    }

    private static func startPositions(
        _ start: StartingPosition, source: StreamDescription, kept: [ShardID: Int64]?, store: any StreamStore
    ) async throws(StoreError) -> [ShardID: Int64] {
        var positions: [ShardID: Int64] = [:]
        for shard in source.shards {
            let bounds = try await store.bounds(ShardReference(source.id, shard.id))
            switch start {
            case .now: positions[shard.id] = bounds.highWatermark
            case .trimHorizon: positions[shard.id] = bounds.startOffset
            case .lastStoppedPoint:
                positions[shard.id] = kept?[shard.id] ?? (kept == nil ? bounds.highWatermark : bounds.startOffset)
            }
        }
        return positions
    }

    private var currentProgress: InputProgress {
        InputProgress(
            positions: Dictionary(uniqueKeysWithValues: merge.positions.map { ($0.key.shard, $0.value) }),
            clockMilliseconds: dataflow.clockMilliseconds, outputRows: outputRows)
    }

    // MARK: Going on after a crash

    /// Computes the input between the last snapshot and the last commit again; only rows that were not appended stay.
    private mutating func recompute(from state: RecoveredState) async throws {
        if let snapshot = state.snapshot {
            do { try dataflow.restore(from: snapshot) } catch { throw RunFailure.state("its state cannot be restored: \(error)") }
        }
        rowtimeFloor = state.base.clockMilliseconds
        let ends = Self.references(state.last.positions, in: source.id)
        var appended = state.last.outputRows
        for (stream, rows) in state.base.outputRows { appended[stream, default: 0] -= rows }
        // Everything up to the commit arrived at or before its clock, so this merge meets the records of the first time in their order.
        while let item = try await merge.next(through: state.last.clockMilliseconds, limits: ends) {
            try decode(item)
            if decoder.byteCount >= limits.pieceBytes {
                try feed()
                drop(&appended)
            }
        }
        try feed()
        try advance(to: state.last.clockMilliseconds)
        drop(&appended)
        let gaps = merge.takeGaps()
        gaps.forEach(reportGap)
        // Without what retention took, other rows come out than the first time: counting cannot tell which were appended, and all but
        // the rest of one append were.
        if gaps.contains(where: { $0.reason == .retention }) { waiting = [] }
        outputRows = state.last.outputRows
        progress.rowsIn = 0
    }

    /// Drops rows that an earlier life of this run has appended.
    private mutating func drop(_ appended: inout [String: Int64]) {
        waiting = waiting.compactMap { output in
            let count = min(appended[output.stream] ?? 0, Int64(output.batch.count))
            appended[output.stream, default: 0] -= count
            guard count < output.batch.count else { return nil }
            return (output.stream, output.batch.slice(Int(count)..<output.batch.count))
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
        let settled = await store.settledTime()
        // After the settled time was asked for: a shard that is made from here on holds only records that arrive after it.
        try await followReshards()
        var bytes = 0
        var isCaughtUp = false
        while bytes < limits.cycleBytes {
            guard let item = try await merge.next(through: settled) else {
                isCaughtUp = true
                break
            }
            bytes += item.batch.batch.bytes.count
            if item.batch.arrivalMilliseconds < dataflow.clockMilliseconds, rowtimeFloor < dataflow.clockMilliseconds {
                try await raiseFloor(before: item)
            }
            try decode(item)
            if decoder.byteCount >= limits.pieceBytes {
                try feed()
                try await append()
            }
        }
        merge.takeGaps().forEach(reportGap)
        try feed()
        if isCaughtUp { try advance(to: settled) }
        try await append()
        progress.watermarkMilliseconds = dataflow.clockMilliseconds
        if isSnapshotDue { try await snapshot() }
        return !isCaughtUp
    }

    /// Makes the clock the least ROWTIME of the records from `item` on. A snapshot comes first, so that computing again does the same.
    private mutating func raiseFloor(before item: InputMerge.Item) async throws {
        try feed()
        try await append()
        var progress = currentProgress
        progress.positions[item.shard.shard] = item.batch.baseOffset + Int64(item.skip)
        try await writeSnapshot(at: progress)
        rowtimeFloor = dataflow.clockMilliseconds
    }

    private var isSnapshotDue: Bool {
        guard bytesSinceSnapshot > 0 else { return false }
        let elapsed = time.monotonicNanoseconds() &- lastSnapshot
        let (pause, overflow) = lastSnapshotNanoseconds.multipliedReportingOverflow(by: Self.snapshotPauses)
        guard !overflow, elapsed >= pause else { return false }
        return bytesSinceSnapshot >= max(limits.snapshotBytes, progress.lastSnapshotBytes) || elapsed >= limits.snapshotNanoseconds
    }

    /// What to wait for between two cycles, and how long at most.
    var rest: (positions: [ShardReference: Int64], timeout: Duration) {
        var milliseconds = merge.hasPending ? Self.unsettledMilliseconds : Self.idleMilliseconds
        if let deadline = dataflow.nextDeadlineMilliseconds {
            // The settled time may be a little behind the wall clock; without the least pause the wait would be a spin.
            let (until, overflow) = deadline.subtractingReportingOverflow(time.wallMilliseconds())
            if !overflow { milliseconds = min(milliseconds, max(2, until)) }
        }
        return (merge.readPositions, .milliseconds(milliseconds))
    }

    private mutating func decode(_ item: InputMerge.Item) throws {
        bytesSinceSnapshot += item.batch.batch.bytes.count
        do {
            try decoder.append(item, floor: rowtimeFloor)
        } catch is RecordBatchError {
            // It was stored as it came and will never be readable: the records before the bad one count, every time it is read.
            merge.noteUndecodable(item)
        }
    }

    private mutating func feed() throws {
        for rows in decoder.takeRows() {
            progress.rowsIn += Int64(rows.batch.count)
            do {
                try dataflow.insert(rows.batch, into: rows.stream, errors: rows.errors)
            } catch {
                throw RunFailure.state("\(error)")
            }
        }
        collect()
    }

    private mutating func advance(to milliseconds: Int64) throws {
        do { try dataflow.advance(to: milliseconds) } catch { throw RunFailure.state("\(error)") }
        collect()
    }

    private mutating func collect() {
        waiting += dataflow.takeOutput()
        progress.errorRows = Int64(dataflow.errorRowCount)
    }

    /// Appends the waiting rows with the progress they belong to, in as many appends as their size asks for.
    private mutating func append() async throws {
        while !waiting.isEmpty {
            var progress = currentProgress
            var rows: Int64 = 0
            var taken = 0
            var first = appendedOfFirst
            let now = time.wallMilliseconds()
            do { try await writer.begin(at: now) } catch { throw RunFailure.destination(error) }
            while taken < waiting.count, writer.byteCount < limits.appendBytes {
                let output = waiting[taken]
                let next = try writer.add(output.batch, from: first, of: output.stream, until: limits.appendBytes)
                rows += Int64(next - first)
                progress.outputRows[output.stream, default: 0] += Int64(next - first)
                first = next
                if next == output.batch.count {
                    taken += 1
                    first = 0
                }
            }
            var entries = try writer.takeAppends()
            entries.append(ShardAppend(stateLog.shard, try StateLog.batch(.commit(progress), at: now)))
            do throws(StoreError) {
                _ = try await store.append(entries, fence: fence)
            } catch {
                guard isOfDestination(error) else { throw error }
                throw RunFailure.destination(OutputWriter.Unavailable(output: nil, reason: error))
            }
            outputRows = progress.outputRows
            self.progress.rowsOut += rows
            waiting.removeFirst(taken)
            appendedOfFirst = first
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
        try await writeSnapshot(at: currentProgress)
    }

    private mutating func writeSnapshot(at progress: InputProgress) async throws {
        let begin = time.monotonicNanoseconds()
        let bytes = dataflow.snapshot()
        try await stateLog.writeSnapshot(
            bytes, run: run, at: progress, fence: fence, writtenAt: time.wallMilliseconds(), partBytes: limits.snapshotPartBytes)
        bytesSinceSnapshot = 0
        lastSnapshot = time.monotonicNanoseconds()
        lastSnapshotNanoseconds = lastSnapshot &- begin
        self.progress.lastSnapshotBytes = bytes.count
    }

    /// Begins to read shards that a split or a merge made.
    private mutating func followReshards() async throws {
        let current = try await store.stream(sourceKey)
        guard current.id == source.id else { throw RunFailure.sourceReplaced }
        for shard in current.shards where !merge.knows(ShardReference(source.id, shard.id)) {
            merge.add(ShardReference(source.id, shard.id), at: 0)
            decoder.add(shard)
        }
    }
}
