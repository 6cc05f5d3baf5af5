/// One run of a streaming application: reads its source, drives the dataflow, appends rows and progress together.

package import Host
import RecordBatch
import StreamSQL
package import StreamStore

/// Why a run ended by itself.
enum RunFailure: Error, Sendable {
    /// The definition no longer compiles or names things that are not there.
    case configuration(String)
    case store(StoreError)
    /// The program's state outgrew its bound, or its snapshot cannot be read.
    case state(String)
    /// An output cannot take rows now; the run may be tried again.
    case destination(OutputWriter.Unavailable)
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
    /// Input handed to the dataflow in one piece, in bytes of record data.
    private static let pieceBytes = 1 << 20
    /// One append's output rows; more are split over several appends.
    private static let appendBytes = 4 << 20
    /// A snapshot is due when this much input was read since the last one, so that a restart computes at most this again ...
    private static let snapshotBytes = 32 << 20
    /// ... or when this much time went by with new input.
    private static let snapshotNanoseconds: UInt64 = 60_000_000_000

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
    /// Rows computed but not yet appended, oldest first.
    private var waiting: [(stream: String, batch: ColumnBatch)] = []
    private var bytesSinceSnapshot = 0
    private var lastSnapshot: UInt64
    private(set) var progress = RunProgress()

    /// Claims the application's fence and readies a run.
    ///
    /// - Parameter start: where to begin; nil to go on after a crash or a restart of the node.
    package init(
        _ definition: ApplicationDefinition, start: StartingPosition?, store: any StreamStore, time: any TimeSource,
        random: any RandomSource, resolve: SourceResolver, reportGap: @escaping @Sendable (InputMerge.Gap) -> Void
    ) async throws {
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

        let recovered = try await stateLog.recover()
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
        dataflow = try compiled.makeDataflow(run)
        decoder = try SourceDecoder(compiled, source: source)
        writer = OutputWriter(
            outputs: definition.outputs, schemas: compiled.outputSchemas, store: store, firstRowNumber: random.next())
        lastSnapshot = time.monotonicNanoseconds()
        dataflow.wantedStreams = writer.streamNames

        if goesOn, let usable {
            outputRows = usable.base.outputRows
            merge = InputMerge(store: store, positions: Self.references(usable.base.positions, in: source.id))
            try await recompute(from: usable)
        } else {
            outputRows = [:]
            let kept = recovered?.run.source == source.id ? recovered?.last.positions : nil
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
            case .lastStoppedPoint: positions[shard.id] = kept?[shard.id] ?? (kept == nil ? bounds.highWatermark : bounds.startOffset)
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
            do { try dataflow.restore(from: snapshot) } catch { throw RunFailure.state("snapshot: \(error)") }
        }
        let limits = Self.references(state.last.positions, in: source.id)
        var appended = state.last.outputRows
        for (stream, rows) in state.base.outputRows { appended[stream, default: 0] -= rows }
        // Everything up to the commit arrived at or before its clock, so this merge meets the records of the first time in their order.
        while let item = try await merge.next(through: state.last.clockMilliseconds, limits: limits) {
            try decode(item)
            if decoder.byteCount >= Self.pieceBytes {
                try feed()
                drop(&appended)
            }
        }
        try feed()
        try advance(to: state.last.clockMilliseconds)
        drop(&appended)
        outputRows = state.last.outputRows
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

    /// Reads what has arrived, closes what has ended, appends what came out.
    /// - Returns: whether there was input.
    package mutating func cycle() async throws -> Bool {
        try await append()
        let settled = await store.settledTime()
        var sawInput = false
        while let item = try await merge.next(through: settled) {
            sawInput = true
            try decode(item)
            if decoder.byteCount >= Self.pieceBytes {
                try feed()
                try await append()
            }
        }
        merge.takeGaps().forEach(reportGap)
        try feed()
        try advance(to: settled)
        try await append()
        progress.watermarkMilliseconds = dataflow.clockMilliseconds
        if bytesSinceSnapshot > 0,
            bytesSinceSnapshot >= Self.snapshotBytes || time.monotonicNanoseconds() &- lastSnapshot >= Self.snapshotNanoseconds
        {
            try await snapshot()
        }
        try await followReshards()
        return sawInput
    }

    /// Waits for input or for the next window's end, whichever is first.
    func awaitWork() async {
        let untilDeadline = dataflow.nextDeadlineMilliseconds.map { max(1, $0 - time.wallMilliseconds()) } ?? .max
        _ = await store.awaitRecords(merge.positions, timeout: .milliseconds(min(untilDeadline, 200)))
    }

    private mutating func decode(_ item: InputMerge.Item) throws {
        bytesSinceSnapshot += item.batch.batch.bytes.count
        try decoder.append(item)
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

    /// Appends the waiting rows with the progress they belong to.
    private mutating func append() async throws {
        while !waiting.isEmpty {
            var entries: [ShardAppend] = []
            var progress = currentProgress
            var rows: Int64 = 0
            var bytes = 0
            var taken = 0
            let now = time.wallMilliseconds()
            for output in waiting {
                let appends: [ShardAppend]
                do {
                    appends = try await writer.appends(for: output.batch, of: output.stream, at: now)
                } catch let error as OutputWriter.Unavailable {
                    throw RunFailure.destination(error)
                }
                entries += appends
                bytes += appends.reduce(0) { $0 + $1.batch.bytes.count }
                rows += Int64(output.batch.count)
                progress.outputRows[output.stream, default: 0] += Int64(output.batch.count)
                taken += 1
                if bytes >= Self.appendBytes { break }
            }
            entries.append(ShardAppend(stateLog.shard, try StateLog.batch(.commit(progress), at: now)))
            _ = try await store.append(entries, fence: fence)
            outputRows = progress.outputRows
            self.progress.rowsOut += rows
            waiting.removeFirst(taken)
        }
    }

    /// Writes the whole state, so that a restart begins here.
    package mutating func snapshot() async throws {
        let bytes = dataflow.snapshot()
        try await stateLog.writeSnapshot(bytes, run: run, at: currentProgress, fence: fence, writtenAt: time.wallMilliseconds())
        bytesSinceSnapshot = 0
        lastSnapshot = time.monotonicNanoseconds()
        progress.lastSnapshotBytes = bytes.count
    }

    /// Begins to read shards that a split or a merge made.
    private mutating func followReshards() async throws {
        let current = try await store.stream(sourceKey)
        guard current.id == source.id else { return }
        let known = merge.positions
        for shard in current.shards {
            let reference = ShardReference(source.id, shard.id)
            if known[reference] == nil { merge.add(reference, at: 0) }
        }
    }
}
