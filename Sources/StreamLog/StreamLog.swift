/// The node's log: many logs, one journal, acknowledged means synced (DESIGN, decision 3).

public import Host
internal import RecordBatch

/// Append-only logs of record batches on one disk.
///
/// An append goes to the journal, is synced together with all others that wait, and is then readable from memory. In the background
/// batches are written into segments and journal files that are covered are recycled. See <doc:FileFormat>.
/// All calls may be made from any task; none blocks the cooperative pool but those that say so. Call `close()` when done: the log's threads
/// hold the log.
///
/// The work is done in steps: the journal's and the segments'. Two threads take them, or in `openStepped` whoever calls `stepJournal` and
/// `stepSegments`, so that a simulator decides about every step.
public final class StreamLog<D: Disk>: Sendable {
    let disk: D
    let time: any TimeSource
    let options: LogOptions
    let node: Monitor<NodeState>
    /// What conditions are decided against; changed by whoever has set `NodeState.journalIsTaken`.
    let ledger: Monitor<CommitLedger>
    let reader: SegmentReader<D>
    /// Nil where a caller takes the steps, and reads wait for the disk.
    let readThreads: IOThreads?
    var isStepped: Bool { readThreads == nil }
    /// Where those are answered who did not name a place: they await. Nil: at once, by whoever takes the step.
    var pool: (any AnswerPlace)? { isStepped ? nil : TaskPool.shared }
    /// What the deadlines of those who wait for records are counted from.
    let began = ContinuousClock.now
    /// Used by whoever has set `NodeState.journalIsTaken`.
    let journal: JournalDesk<D>

    init(
        disk: D, time: any TimeSource, options: LogOptions, state: NodeState, ledger: CommitLedger, journal: JournalWriter<D>,
        isStepped: Bool
    ) {
        self.disk = disk
        self.time = time
        self.options = options
        self.journal = JournalDesk(journal)
        node = Monitor(state, conditions: NodeCondition.count)
        self.ledger = Monitor(ledger)
        reader = SegmentReader(disk: disk, maxOpen: options.maxOpenSegments, judge: options.judge)
        readThreads = isStepped ? nil : IOThreads(name: "log-read", count: options.readThreads)
    }

    /// Opens the log, recovering what is there.
    /// - Parameters:
    ///   - knownLogs: the logs that exist. One without anything on the disk is empty.
    ///   - removedLogs: logs that were removed; what is left of them is deleted. Directories of neither kind go to `quarantine/`.
    ///   - extents: of known logs that do not begin at 0 or have ended, as far as the caller knows. The log knows it itself; the caller's word
    ///     shows what was lost where the journal is damaged.
    /// - Throws: `.failed` when the disk cannot be read.
    public static func open(
        disk: D, time: any TimeSource, options: LogOptions, knownLogs: Set<LogID>, removedLogs: Set<LogID>,
        extents: [LogID: LogExtent] = [:]
    ) async throws(LogError) -> (log: StreamLog, report: RecoveryReport) {
        let recovery = IOThreads(name: "log-recover", count: 1)
        let result = await recovery.run { () -> Result<(StreamLog, RecoveryReport), LogError> in
            do throws(LogError) {
                let (log, report) = try recover(
                    disk: disk, time: time, options: options, knownLogs: knownLogs, removedLogs: removedLogs, extents: extents,
                    isStepped: false)
                _ = IOThread(name: "log-journal") { log.runJournal() }
                _ = IOThread(name: "log-segments") { log.runSegments() }
                return .success((log, report))
            } catch {
                return .failure(error)
            }
        }
        recovery.close()
        return try result.get()
    }

    /// Opens a log that has no threads: its work is done when `stepJournal` and `stepSegments` are called, or within the calls that wait.
    package static func openStepped(
        disk: D, time: any TimeSource, options: LogOptions, knownLogs: Set<LogID>, removedLogs: Set<LogID>,
        extents: [LogID: LogExtent] = [:]
    ) throws(LogError) -> (log: StreamLog, report: RecoveryReport) {
        try recover(
            disk: disk, time: time, options: options, knownLogs: knownLogs, removedLogs: removedLogs, extents: extents,
            isStepped: true)
    }

    private static func recover(
        disk: D, time: any TimeSource, options: LogOptions, knownLogs: Set<LogID>, removedLogs: Set<LogID>,
        extents: [LogID: LogExtent], isStepped: Bool
    ) throws(LogError) -> (StreamLog, RecoveryReport) {
        var run = RecoveryRun(
            disk: disk, time: time, options: options, knownLogs: knownLogs, removedLogs: removedLogs, extents: extents)
        let (state, journal) = try run.recover()
        return (
            StreamLog(
                disk: disk, time: time, options: options, state: state, ledger: run.ledger, journal: journal, isStepped: isStepped),
            run.report
        )
    }

    /// Takes steps, where there are no threads that do, until the answer to a call is there: on a full disk there is always another one to try.
    private func takeSteps(until answer: Answered) {
        while !answer.isGiven, stepJournal() || stepSegments() {}
        precondition(answer.isGiven, "a stepped log has nothing left to do and owes an answer")
    }

    // MARK: Logs

    /// Creates a log. Whoever knows of it makes that durable: an empty log has nothing on the disk. Creating one that exists does nothing.
    /// - Throws: `.failed` for a name that was used before, `.readOnly`, `.closed`.
    public func createLog(_ id: LogID) throws(LogError) {
        try createLogs([id])
    }

    /// Creates several logs.
    /// - Throws: as `createLog`; then none was created.
    public func createLogs(_ ids: [LogID]) throws(LogError) {
        try node.withLock { state throws(LogError) in try state.create(ids) }
    }

    /// Removes a log and its records, durably.
    /// - Returns: false when a snapshot keeps its files for now: then they go with the snapshot or at the next start, which has to be told of the
    ///   removal.
    /// - Throws: `.logNotFound`, `.readOnly`, `.closed`.
    @discardableResult
    public func removeLog(_ id: LogID) async throws(LogError) -> Bool {
        do throws(LogError) {
            try await answer { submitRemoval(id, reply: $0) }
        } catch .readOnly(let reason) {
            // On a full disk the removal itself makes the space that its record needs.
            guard node.withLock({ $0.failure == nil }) else { throw .readOnly(reason: reason) }
            try await trim(id, before: try bounds(id).highWatermark)
            try await answer { submitRemoval(id, reply: $0) }
        }
        try await answer { submitRemoveFiles(id, reply: $0) }
        return node.withLock { !$0.kept.logs.contains(id) }
    }

    /// The part of a removal that counts: its record in the journal.
    package func submitRemoval(_ id: LogID, reply: @escaping DoneReply) {
        offer(to: NodeCondition.journal, reply) { state throws(LogError) in try state.offer(Removal(log: id, reply: reply)) }
    }

    /// Hands work to one of the two workers, and wakes it.
    private func offer(
        to condition: Int, _ reply: DoneReply, _ body: (inout sending NodeState) throws(LogError) -> Void
    ) {
        do throws(LogError) {
            try node.withLock { state throws(LogError) in
                try body(&state)
                node.wake(condition)
            }
        } catch {
            reply(.failure(error))
        }
    }

    /// Deletes the files of a log whose removal is in the journal.
    package func submitRemoveFiles(_ id: LogID, reply: @escaping DoneReply) {
        submit(.removeFiles(id), reply: reply)
    }

    /// Hands work to the segments' side.
    func submit(_ work: SegmentJob.Work, reply: @escaping DoneReply) {
        offer(to: NodeCondition.segments, reply) { state throws(LogError) in try state.offer(SegmentJob(work: work, reply: reply)) }
    }

    /// Waits for the answer to what `submit` hands in.
    func answer<Value: Sendable>(
        _ submit: (@escaping @Sendable (Result<Value, LogError>) -> Void) -> Void
    ) async throws(LogError) -> Value {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, LogError>, Never>) in
            guard isStepped else { return submit { continuation.resume(returning: $0) } }
            let answered = Answered()
            submit {
                answered.isGiven = true
                continuation.resume(returning: $0)
            }
            takeSteps(until: answered)
        }
        return try result.get()
    }

    // MARK: State

    /// Whether appends are accepted. A full disk shows here as `.readOnly` until an append succeeds again; try at any time.
    public var state: LogState {
        node.withLock { state in
            if let failure = state.failure { return .readOnly(reason: failure.reason) }
            return state.statistics.diskIsFull ? .readOnly(reason: "the disk is full") : .accepting
        }
    }

    /// Whether a failed write or sync has sealed the log: appends are refused until the next start, which finds what the disk holds.
    public var isSealed: Bool { node.withLock { $0.failure != nil } }

    /// A time T in milliseconds since 1970-01-01 UTC: every record with arrival <= T is readable, every later append arrives after T.
    ///
    /// Never decreases. It is now when no append is under way, else just before the arrival of that one.
    public func settledTime() -> Int64 {
        let (wall, monotonic) = (time.wallMilliseconds(), time.monotonicNanoseconds())
        return node.withLock { $0.settledTime(wall: wall, monotonic: monotonic) }
    }

    /// The settled time, and how much of the log's time has jumped since the start, in milliseconds: the wall clock was set forward. What is in the
    /// log has arrived before a jump or after it, never in the middle.
    public func settledTimeAndJumps() -> (settled: Int64, jumped: Int64) {
        let (wall, monotonic) = (time.wallMilliseconds(), time.monotonicNanoseconds())
        return node.withLock { ($0.settledTime(wall: wall, monotonic: monotonic), $0.clock.jumped) }
    }

    /// Whether any log holds a record or has ended: whether there is anything here whose age counts.
    public var hasHistory: Bool {
        node.withLock { state in state.logs.values.contains { $0.highWatermark > $0.startOffset || $0.end != nil } }
    }

    // MARK: Retention

    /// Moves the start offset, durably, and drops segments that lie before it. An offset before the start does nothing.
    /// - Throws: `.offsetOutOfRange` past the high watermark, `.logNotFound`, `.readOnly`, `.closed`.
    public func trim(_ id: LogID, before offset: Int64) async throws(LogError) {
        try await answer { submitTrim(id, before: offset, reply: $0) }
    }

    /// As `trim`, for callers that do not wait.
    package func submitTrim(_ id: LogID, before offset: Int64, reply: @escaping DoneReply) {
        do throws(LogError) {
            let (start, end) = try bounds(id)
            guard offset <= end else { throw .offsetOutOfRange(id, offset: offset, startOffset: start, highWatermark: end) }
            guard offset > start else { return reply(.success(())) }
            submit(.trim(id, before: offset), reply: reply)
        } catch {
            reply(.failure(error))
        }
    }

    /// As `trim`, to the first record that arrived at or after a time.
    public func applyRetention(_ id: LogID, arrivedBefore milliseconds: Int64) async throws(LogError) {
        try await trim(id, before: try await firstOffset(id, arrivedAtOrAfter: milliseconds))
    }

    // MARK: End

    /// Stops accepting, syncs what was accepted, writes out the segments, stops the threads. Calling it twice is harmless.
    public func close() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            guard isStepped else { return submitClose { continuation.resume() } }
            let answered = Answered()
            submitClose {
                answered.isGiven = true
                continuation.resume()
            }
            takeSteps(until: answered)
        }
        // It waits for reads that are under way, so not here.
        if let readThreads { _ = IOThread(name: "log-close") { readThreads.close() } }
    }

    /// As `close`, for callers that do not wait.
    package func submitClose(reply: @escaping @Sendable () -> Void) {
        let (isClosed, wakes) = node.withLockAndWake { $0.close(reply) }
        for wake in wakes { wake.resume(returning: false) }
        if isClosed { reply() }
    }

    /// A small durable value, as of the last commit; nil when there is none of this name.
    public func mark(_ name: [UInt8]) -> Mark? { ledger.withLock { $0.mark(name) } }

    /// Counts and sizes since `open`.
    public func statistics() -> LogStatistics {
        node.withLock { state in
            var statistics = state.statistics
            statistics.unflushedBytes = state.commit.unflushedBytes
            statistics.pendingBytes = state.commit.pendingBytes
            statistics.journalBytes = state.files.all.reduce(0) { $0 + max($1.bytes, $1.prewritten) }
            statistics.segmentBytes = state.logs.values.reduce(0) { sum, log in log.segments.reduce(sum) { $0 + $1.fileBytes } }
            return statistics
        }
    }
}

/// Whether a call of a stepped log, all of which one thread makes, has its answer.
private final class Answered: @unchecked Sendable {
    var isGiven = false
}

/// The journal's writer, in the one place where threads take turns with it.
final class JournalDesk<D: Disk>: @unchecked Sendable {
    var writer: JournalWriter<D>
    /// The monotonic time before which no new file is tried.
    var nextRoll: UInt64 = 0
    init(_ writer: JournalWriter<D>) { self.writer = writer }
}
