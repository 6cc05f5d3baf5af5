/// One run of a streaming application: reads its source, drives the dataflow, appends rows and progress together.

package import Host
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
    /// The function that records go through gives no answer. Nothing was computed: the same run may be tried again.
    case processing(String)
    /// The object of a reference table cannot be read now, and there are no rows of an earlier one. Nothing was computed.
    case reference(String)
}

/// What a run tells while it goes on.
struct RunProgress: Sendable {
    var rowsIn: Int64 = 0
    var rowsOut: Int64 = 0
    var errorRows: Int64 = 0
    /// The clock of the dataflow, milliseconds since 1970-01-01 UTC.
    var watermarkMilliseconds: Int64 = 0
    var lastSnapshotBytes: Int = 0
    /// What is not as it should be although it gets on.
    var trouble: String?
}

/// The state of a run. A value owned by one task; every suspension is a call of the store.
///
/// Exactly once (DESIGN, decision 9): all rows that the input up to a place gives, and that place, are one append under the run's fence, so what is
/// computed again up to that place after a crash is dropped as a whole. Input that gave no rows is not recorded at all: computing it again gives no
/// rows again.
///
/// Decoding (`PieceDecoding`), computing and appending (`RunAppender`) go on side by side. What decides is elsewhere: `RunStart` and `RunBeginning`
/// where to begin, `CommitQueue` what to append next, `SnapshotSchedule` when to write the state.
package struct ApplicationRun {
    /// How much is done at once.
    package struct Limits: Sendable {
        /// Input handed to the dataflow in one piece, in bytes of record data.
        package var pieceBytes = 1 << 20
        /// Input of one cycle, in bytes of batches: between two cycles a run can be stopped.
        package var cycleBytes = 8 << 20
        /// One append's output rows, in bytes; more go through the hidden stream.
        package var appendBytes = 4 << 20
        /// A snapshot is due when this much input was read since the last one (and no less than was written then), so that a restart
        /// computes little again ...
        package var snapshotBytes = 32 << 20
        /// ... or early enough that it ends this long after the beginning of the last one, where there is new input.
        package var snapshotNanoseconds: UInt64 = 60_000_000_000
        /// Bytes of a snapshot, or of rows on their way, in one record of the hidden stream.
        package var snapshotPartBytes = 512 << 10
        /// Bytes of a snapshot that are written at a time, between two pieces of input.
        package var snapshotStepBytes = 1 << 20
        /// What a restart may have to read beside twice the state, in bytes, before a snapshot is whole again.
        package var stateLogBytes = 16 << 20
        /// What open windows, held rows and forests may take together, in bytes; an application that needs more is stopped.
        package var stateBytes = Dataflow.Limits().stateBytes
        /// How many pieces are decoded at a time.
        package var decoders = min(4, Cores.count)
        /// What a record that its producer compressed may become, in bytes; 0 to take records as they are.
        package var decompressedBytes = RecordDecompression.mostBytes

        package init() {}
    }

    /// The longest wait: a reshard and the clock's progress are seen at this pace when nothing else happens.
    private static let idleMilliseconds: Int64 = 1000
    /// The wait for records that are read but not settled, which takes about one sync of the journal.
    private static let unsettledMilliseconds: Int64 = 5

    private let limits: Limits
    private let store: any StreamStore
    private let time: any TimeSource
    private let run: StateRecord.Run
    private let stop: StopSignal?
    private let reportGap: @Sendable (InputMerge.Gap) -> Void

    private var dataflow: Dataflow
    private var reader: SourceReader
    private var ahead: PieceDecoding
    private var encoder: OutputEncoder
    private var appender: RunAppender
    private var schedule: SnapshotSchedule
    /// Bytes of state records that the schedule knows of.
    private var notedStateBytes = 0
    /// The snapshot that is being written.
    private var writing: SnapshotProgress?
    /// Up to where the dataflow has computed.
    private var computed: InputProgress
    /// The state is one of another program's run, or in an old form: it is written before it is gone on from.
    private var mustWriteState = false
    private var isRecomputing = false
    private var references: RunReferences
    /// The materialized views, for those who read them.
    package let views: ViewBoard
    /// Rows of each in-application stream that were computed again.
    private var recomputedRows: [String: Int64] = [:]
    private(set) var progress = RunProgress()
    /// Rows of the source that this run has computed, those too that another one had computed before it died.
    package private(set) var rowsComputed: Int64 = 0

    /// Claims the application's fence and readies a run.
    ///
    /// - Parameters:
    ///   - start: where to begin; nil to go on after a crash or a restart of the node.
    ///   - cache: where runs share what they decode.
    ///   - processing: calls the functions of inputs that have one.
    ///   - stop: set by who wants the run to end.
    package init(
        _ definition: ApplicationDefinition, start: StartingPosition?, store: any StreamStore, time: any TimeSource,
        random: any RandomSource, resolve: SourceResolver, references files: (any ReferenceFiles)? = nil, limits: Limits = Limits(),
        cache: DecodeCache? = nil, processing: RecordProcessing? = nil, stop: StopSignal? = nil,
        reportGap: @escaping @Sendable (InputMerge.Gap) -> Void
    ) async throws {
        let begin = try await RunStart(definition, start: start, store: store, time: time, random: random, resolve: resolve)
        self.limits = limits
        self.store = store
        self.time = time
        self.reportGap = reportGap
        self.stop = stop
        run = begin.run
        dataflow = try begin.makeDataflow(limits)
        views = ViewBoard(dataflow.views)
        encoder = OutputEncoder(definition.outputs, begin.compiled)
        dataflow.wantedStreams = encoder.streamNames
        dataflow.stop = stop
        references = RunReferences(definition.references, files)
        // Rows that are not in the state are those of a table that the program is new to.
        let isNewTable = try await Self.loadTables(references, into: &dataflow)
        if begin.compiled.sources.contains(where: { $0.processor != nil }), processing == nil {
            throw RunFailure.configuration("an input has an InputProcessingConfiguration, and functions cannot be called here")
        }
        ahead = PieceDecoding(depth: limits.decoders, processing: processing, stop: stop)
        schedule = SnapshotSchedule(limits, now: time.monotonicNanoseconds())
        reader = try SourceReader(
            begin.compiled, sources: begin.sources, positions: begin.positions, clock: dataflow.clockMilliseconds,
            pieceBytes: limits.pieceBytes, decompressedBytes: limits.decompressedBytes, store: store, cache: cache)
        // The clock has no reading before the first row, which may be as old as the trim horizon.
        computed = InputProgress(at: begin.positions, clockMilliseconds: dataflow.clockMilliseconds)
        var end = begin.end
        if case .anew = begin.beginning {
            end = try await begin.stateLog.begin(run, at: computed, fence: begin.fence, writtenAt: time.wallMilliseconds())
        }
        appender = RunAppender(
            definition.outputs, store: store, stateLog: begin.stateLog, fence: begin.fence, nextOffset: end, limits: limits)
        if case .goOn(let state, _) = begin.beginning {
            mustWriteState = begin.mustWriteState || isNewTable
            let begun = max(state.base.clockMilliseconds, state.run.startMilliseconds)
            schedule.resume(state, ageMilliseconds: time.wallMilliseconds().subtractingReportingOverflow(begun).partialValue)
            appender.resume(state.outgoing, outputs: Set(definition.outputs.map(\.id)))
            try await recompute(through: state.last, sources: begin.sources.map(\.stream.id))
            try checkRows(of: state)
            // Until the hidden stream has it, another start would begin from the snapshot again: nobody may delete that before.
            if begin.isRestored { try await writeState(whole: true) }
        } else {
            // Computing again from the beginning needs the rows that it was computed with.
            mustWriteState = isNewTable
        }
        views.show(&dataflow, all: true)
    }

    /// - Returns: whether there were tables without rows.
    private static func loadTables(_ references: RunReferences, into dataflow: inout Dataflow) async throws(RunFailure) -> Bool {
        let versions = dataflow
        do {
            let loaded = try await references.load { versions.tableVersion($0) == "" }
            for contents in loaded { try dataflow.setTable(contents.table, to: contents.rows, version: contents.version) }
            return !loaded.isEmpty
        } catch let failure as ReferenceFailure {
            throw .reference(failure.message)
        } catch {
            throw .reference("\(error)")
        }
    }

    // MARK: Going on after a crash

    /// Computes the input between the last snapshot and the last commit again, for the state alone: the rows are durable.
    private mutating func recompute(through last: InputProgress, sources: [StreamID]) async throws {
        isRecomputing = true
        defer { isRecomputing = false }
        let ends = SourceReader.references(last.positions, in: sources)
        var bytes = 0
        // Everything up to the commit arrived at or before its clock, so this meets the records of the first time in their order.
        while true {
            while !ahead.isFull,
                let piece = try await reader.nextPiece(through: last.clockMilliseconds, limits: ends, bytesRead: &bytes)
            {
                ahead.add(piece)
            }
            if let (piece, positions) = try await nextDecoded() {
                try compute(piece, through: positions)
                appender.dropCuts()
            } else if reader.mustRaiseFloor {
                reader.raiseFloor()
            } else {
                break
            }
        }
        try advance(to: last.clockMilliseconds)
        appender.dropCuts()
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

    /// Reads what has arrived, or a cycle's share of it, closes what has ended, appends what came out. When it returns false, all that is durable.
    ///
    /// No row is ever older than the dataflow's clock. The clock moves to a settled time only when every record up to it was read; what
    /// arrives later, also in shards made later, arrives after it. Only a node that starts again with its wall clock set back can break
    /// that, and then such records are given the clock's time.
    /// - Returns: whether there may be more to do at once.
    /// - Throws: `RunFailure.destination`: nothing is lost, the next cycle goes on. After any other error the run is of no more use, as it
    ///   is not known what was appended.
    package mutating func cycle() async throws -> Bool {
        try await append()
        if mustWriteState { try await writeState(whole: true) }
        if !references.isEmpty { try await renewTables() }
        let settled = await store.settledTime()
        // After the settled time was asked for: a shard that is made from here on holds only records that arrive after it.
        try await reader.followReshards()
        let isCaughtUp = try await readAndCompute(through: settled)
        reader.takeGaps().forEach(reportGap)
        if isCaughtUp {
            try advance(to: settled)
            views.catchUp()
        }
        try await append()
        progress.watermarkMilliseconds = dataflow.clockMilliseconds
        try await goOnWithSnapshot()
        if !isCaughtUp || writing != nil { return true }
        try await appender.drain(at: time.wallMilliseconds())
        noteAppended()
        return false
    }

    /// Takes new rows of a reference table. What was computed before them is appended, and they are written with the state before anything is
    /// computed with them: a restart computes with the rows of the first time.
    private mutating func renewTables() async throws {
        let versions = dataflow
        let changed = await references.changed(version: { versions.tableVersion($0) }, now: time.monotonicNanoseconds())
        progress.trouble = references.trouble
        guard let changed else { return }
        // A snapshot that is being written is one of the rows before.
        while writing != nil { try await writePieces() }
        do throws(DataflowError) {
            try dataflow.setTable(changed.table, to: changed.rows, version: changed.version)
        } catch {
            references.refuse(changed.table, changed.version, "\(error)")
            progress.trouble = references.trouble
            return
        }
        try await writeState(whole: false)
    }

    /// While a piece is computed, the next ones are decoded, and appends of earlier ones are under way.
    /// - Returns: whether everything up to `settled` was read.
    private mutating func readAndCompute(through settled: Int64) async throws -> Bool {
        var bytes = 0
        while true {
            try await readAhead(through: settled, &bytes)
            if let (piece, positions) = try await nextDecoded() {
                try await readAhead(through: settled, &bytes)
                try compute(piece, through: positions)
                // What is ahead stays for the next cycle when a destination takes no rows now.
                if appender.queue.isFull { try await append() }
                if writing != nil { try await goOnWithSnapshot() }
                // What is ahead stays for the next cycle, too, so that no core waits where one cycle ends.
                if bytes >= limits.cycleBytes || stop?.isSet ?? false { return false }
                continue
            }
            guard reader.mustRaiseFloor else { return bytes < limits.cycleBytes }
            // A snapshot comes first, so that computing again does the same.
            try await writeState(whole: false)
            reader.raiseFloor()
        }
    }

    /// Has as many pieces decoded as there is room for.
    private mutating func readAhead(through settled: Int64, _ bytes: inout Int) async throws {
        while !ahead.isFull, bytes < limits.cycleBytes {
            let before = bytes
            guard let piece = try await reader.nextPiece(through: settled, bytesRead: &bytes) else { return }
            schedule.noteRead(bytes - before)
            ahead.add(piece)
        }
    }

    private mutating func nextDecoded() async throws(RunFailure) -> (piece: DecodedPiece, positions: [InputShard: Int64])? {
        do throws(ProcessingFailure) { return try await ahead.next() } catch { throw .processing(error.message) }
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

    private mutating func compute(_ piece: DecodedPiece, through positions: [InputShard: Int64]) throws {
        reader.noteUndecodable(piece.undecodable)
        var rows: [String: OutgoingRows] = [:]
        for part in piece.parts {
            progress.rowsIn += Int64(part.count)
            rowsComputed += Int64(part.count)
            do { try dataflow.insert(part) } catch { throw Self.failure(error) }
            collect(recordKeys: encoder.recordKeyColumns.isEmpty ? nil : part.column(encoder.recordKeyColumns), into: &rows)
        }
        if !isRecomputing { views.show(&dataflow) }
        finishCut(InputProgress(at: positions, clockMilliseconds: dataflow.clockMilliseconds), rows)
    }

    private static func failure(_ error: DataflowError) -> any Error {
        error == .stopped ? error : RunFailure.state("\(error)")
    }

    private mutating func advance(to milliseconds: Int64) throws {
        do { try dataflow.advance(to: milliseconds) } catch { throw Self.failure(error) }
        reader.advance(to: milliseconds)
        var rows: [String: OutgoingRows] = [:]
        collect(recordKeys: nil, into: &rows)
        if !isRecomputing { views.show(&dataflow) }
        finishCut(InputProgress(at: computed.positions, clockMilliseconds: dataflow.clockMilliseconds), rows)
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
        if !rows.isEmpty { appender.add(Cut(progress: reached, rows: rows)) }
    }

    // MARK: Appending

    private mutating func append() async throws {
        try await appender.append(at: time.wallMilliseconds())
        noteAppended()
    }

    private mutating func noteAppended() {
        progress.rowsOut = appender.rowsOut
        schedule.noteWritten(appender.stateBytes - notedStateBytes)
        notedStateBytes = appender.stateBytes
    }

    /// Appends what waits and writes the state, so that a restart begins here.
    /// - Throws: as `cycle`.
    package mutating func snapshot() async throws { try await writeState(whole: false) }

    // MARK: The state

    /// A snapshot on its way.
    private struct SnapshotProgress {
        var isWhole: Bool
        /// Of its head.
        var offset: Int64
        var pieces = 0
        var bytes: Int
    }

    /// Writes the state of this moment and returns when it is durable.
    private mutating func writeState(whole: Bool) async throws {
        // What is on its way is an earlier moment's. Changes behind it stand on it.
        while writing != nil { try await writePieces() }
        try await beginSnapshot(whole: whole)
        while writing != nil { try await writePieces() }
        try await appender.drain(at: time.wallMilliseconds())
        noteAppended()
        mustWriteState = false
    }

    /// The state of this moment, whole and frozen, with the record that stands before its pieces. All rows of what was computed are durable.
    mutating func stateForSnapshot() async throws -> (state: Dataflow, head: StateRecord) {
        while writing != nil { try await writePieces() }
        try await append()
        try await appender.drain(at: time.wallMilliseconds())
        noteAppended()
        // A copy: what the run itself has written of its state, and what has changed since, stays as it is.
        var copy = dataflow
        let head = copy.freezeState(whole: true)
        return (copy, .snapshotHead(run, computed, isWhole: true, bytes: head))
    }

    var snapshotPartBytes: Int { limits.snapshotPartBytes }
    var snapshotTime: Int64 { time.wallMilliseconds() }

    /// Writes the next pieces of a snapshot, or begins one when it is due.
    private mutating func goOnWithSnapshot() async throws {
        if writing != nil {
            try await writePieces()
        } else if schedule.isDue(at: time.monotonicNanoseconds()) {
            try await beginSnapshot(whole: false)
        }
    }

    /// The version of a reference table's rows; nil for a table that there is not.
    package func tableVersion(_ name: String) -> String? { dataflow.tableVersion(name) }
    /// What is not as it should be although it gets on.
    package var trouble: String? { progress.trouble }

    /// About how much memory the state takes.
    package var stateBytes: Int { dataflow.stateBytes }
    /// Bytes of state records that the run has written.
    package var stateLogBytes: Int { appender.stateBytes }
    /// Whether a snapshot is being written, cycle by cycle.
    package var isWritingSnapshot: Bool { writing != nil }

    /// Freezes the state. Rows go on at once; the pieces follow between them.
    package mutating func beginSnapshot(whole: Bool) async throws {
        // A snapshot without the rows that wait would lose them.
        try await append()
        let isWhole = whole || schedule.isWholeDue
        schedule.noteBegin(whole: isWhole, at: time.monotonicNanoseconds())
        let head = dataflow.freezeState(whole: isWhole)
        writing = SnapshotProgress(isWhole: isWhole, offset: appender.nextOffset, bytes: head.count)
        try await append([.snapshotHead(run, computed, isWhole: isWhole, bytes: head)], trim: nil)
    }

    private mutating func writePieces() async throws {
        guard var snapshot = writing else { return }
        // Rows that wait come first, and if they cannot leave now, nothing was taken of the snapshot.
        try await append()
        var records: [StateRecord] = []
        let before = snapshot.bytes
        var isEnd = false
        while !isEnd, snapshot.bytes - before < limits.snapshotStepBytes {
            if let piece = dataflow.nextPiece(bytes: limits.snapshotPartBytes) {
                snapshot.pieces += 1
                snapshot.bytes += piece.count
                records.append(.snapshotPiece(piece))
            } else {
                records.append(.snapshotEnd(pieces: snapshot.pieces))
                isEnd = true
            }
        }
        writing = isEnd ? nil : snapshot
        if isEnd {
            schedule.noteEnd(whole: snapshot.isWhole, bytes: snapshot.bytes, at: time.monotonicNanoseconds())
            progress.lastSnapshotBytes = snapshot.bytes
        }
        try await append(records, trim: isEnd && snapshot.isWhole ? snapshot.offset : nil)
    }

    private mutating func append(_ records: [StateRecord], trim: Int64?) async throws {
        try await appender.append(records, trim: trim, at: time.wallMilliseconds())
        noteAppended()
    }
}
