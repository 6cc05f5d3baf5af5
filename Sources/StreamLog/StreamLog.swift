/// The node's log: many logs, one journal, acknowledged means synced (DESIGN, decision 3).

public import Host
public import RecordBatch

/// Append-only logs of record batches on one disk.
///
/// An append goes to the journal, is synced together with all others that wait, and is then readable from memory. A background thread
/// writes batches into segments and drops journal files that are covered. See <doc:FileFormat>.
/// All calls may be made from any task; none blocks the cooperative pool. Call `close()` when done: the log's threads hold the log.
public final class StreamLog<D: Disk>: Sendable {
    let disk: D
    let time: any TimeSource
    let options: LogOptions
    let node: Monitor<NodeState>
    let reader: SegmentReader<D>
    let readThreads: IOThreads

    init(disk: D, time: any TimeSource, options: LogOptions, state: NodeState) {
        self.disk = disk
        self.time = time
        self.options = options
        node = Monitor(state, conditions: NodeCondition.count)
        reader = SegmentReader(disk: disk, maxOpen: options.maxOpenSegments)
        readThreads = IOThreads(name: "log-read", count: options.readThreads)
    }

    /// Opens the log, recovering what is there.
    /// - Parameters:
    ///   - knownLogs: the logs that exist. One without a directory is created.
    ///   - removedLogs: logs that were removed; what is left of them is deleted. Directories of neither kind go to `quarantine/`.
    /// - Throws: `.failed` when the disk cannot be read.
    public static func open(
        disk: D, time: any TimeSource, options: LogOptions, knownLogs: Set<LogID>, removedLogs: Set<LogID>
    ) async throws(LogError) -> (log: StreamLog, report: RecoveryReport) {
        let recovery = IOThreads(name: "log-recover", count: 1)
        let result = await recovery.run { () -> Result<(StreamLog, RecoveryReport), LogError> in
            do throws(LogError) {
                var run = RecoveryRun(disk: disk, time: time, options: options, knownLogs: knownLogs, removedLogs: removedLogs)
                let (state, journal) = try run.recover()
                let log = StreamLog(disk: disk, time: time, options: options, state: state)
                log.start(journal)
                return .success((log, run.report))
            } catch {
                return .failure(error)
            }
        }
        recovery.close()
        return try result.get()
    }

    private func start(_ journal: JournalWriter<D>) {
        _ = IOThread(name: "log-journal") { [self] in runJournal(journal) }
        _ = IOThread(name: "log-segments") { [self] in runSegments() }
    }

    // MARK: Logs

    /// Creates a log, durable when it returns. Creating one that exists does nothing.
    /// - Throws: `.failed` for a name that was used before, `.readOnly`, `.closed`.
    public func createLog(_ id: LogID) async throws(LogError) {
        try await job(.create(id))
    }

    /// Removes a log and its records, durably.
    /// - Throws: `.logNotFound`, `.readOnly`, `.closed`.
    public func removeLog(_ id: LogID) async throws(LogError) {
        do throws(LogError) {
            try await journalRemoval(of: id)
        } catch .readOnly(let reason) {
            // On a full disk the removal itself makes the space that its record needs.
            guard node.withLock({ $0.failure == nil }) else { throw .readOnly(reason: reason) }
            try await trim(id, before: try bounds(id).highWatermark)
            try await journalRemoval(of: id)
        }
        try await job(.removeFiles(id))
    }

    private func journalRemoval(of id: LogID) async throws(LogError) {
        let result = await withCheckedContinuation { (reply: DoneReply) in
            let refusal = node.withLockAndWake { state -> LogError? in
                if state.phase != .open { return .closed }
                if let failure = state.failure { return .readOnly(reason: failure.reason) }
                guard let log = state.logs[id], !log.isRemoved else { return .logNotFound(id) }
                state.logs[id]?.isRemoved = true
                state.removals.append(Removal(log: id, reply: reply))
                return nil
            }
            if let refusal { reply.resume(returning: .failure(refusal)) }
        }
        try result.get()
    }

    /// Hands work to the segment thread and waits for it.
    private func job(_ work: SegmentJob.Work) async throws(LogError) {
        let result = await withCheckedContinuation { (reply: DoneReply) in
            let refusal = node.withLockAndWake { state -> LogError? in
                if state.phase != .open { return .closed }
                state.jobs.append(SegmentJob(work: work, reply: reply))
                return nil
            }
            if let refusal { reply.resume(returning: .failure(refusal)) }
        }
        try result.get()
    }

    // MARK: Appends

    /// Appends batches to one or several logs, all or nothing; returns when they are durable and readable.
    ///
    /// The results stand in the order of the entries. All entries of an append have the same arrival time.
    /// - Throws: `.logNotFound`, `.overloaded`, `.readOnly`, `.closed`; then nothing was appended, except that after a failed sync
    ///   (`.readOnly`) the append may be found after the next start.
    public func append(_ entries: [(log: LogID, batch: RecordBatch)]) async throws(LogError) -> [LogAppended] {
        if entries.isEmpty { return [] }
        var bytes = 0
        for entry in entries { bytes += LogItem.byteCount(entry.batch) }
        guard bytes < Int(UInt32.max) - 1 << 20 else {
            throw .failed("an append of \(bytes) bytes is larger than a journal frame can be")
        }
        let total = bytes
        let result = await withCheckedContinuation { (reply: AppendRequest.Reply) in
            let refusal = node.withLock { state -> LogError? in
                do throws(LogError) {
                    if state.phase != .open { throw .closed }
                    if let failure = state.failure { throw .readOnly(reason: failure.reason) }
                    for entry in entries { _ = try state.log(entry.log) }
                    let id = state.newID()
                    try state.commit.offer(id, bytes: total)
                    state.requests[id] = AppendRequest(entries: entries, bytes: total, reply: reply)
                    node.wake(NodeCondition.journal)
                    return nil
                } catch {
                    return error
                }
            }
            if let refusal { reply.resume(returning: .failure(refusal)) }
        }
        return try result.get()
    }

    /// Whether appends are accepted. A full disk shows here as `.readOnly` until an append succeeds again; try at any time.
    public var state: LogState {
        node.withLock { state in
            if let failure = state.failure { return .readOnly(reason: failure.reason) }
            return state.statistics.diskIsFull ? .readOnly(reason: "the disk is full") : .accepting
        }
    }

    /// A time T in milliseconds since 1970-01-01 UTC: every record with arrival <= T is readable, every later append arrives after T.
    ///
    /// Never decreases. It is now when no append is under way, else just before the arrival of that one.
    public func settledTime() -> Int64 {
        let (wall, monotonic) = (time.wallMilliseconds(), time.monotonicNanoseconds())
        return node.withLock { state in
            state.clock.settled(wall: wall, monotonic: monotonic, inFlight: state.inFlightArrival)
        }
    }

    // MARK: Retention

    /// Moves the start offset, durably, and drops segments that lie before it. An offset before the start does nothing.
    /// - Throws: `.offsetOutOfRange` past the high watermark, `.logNotFound`, `.readOnly`, `.closed`.
    public func trim(_ id: LogID, before offset: Int64) async throws(LogError) {
        let (start, end) = try bounds(id)
        guard offset <= end else { throw .offsetOutOfRange(id, offset: offset, startOffset: start, highWatermark: end) }
        if offset > start { try await job(.trim(id, before: offset)) }
    }

    /// As `trim`, to the first record that arrived at or after a time.
    public func applyRetention(_ id: LogID, arrivedBefore milliseconds: Int64) async throws(LogError) {
        try await trim(id, before: try await firstOffset(id, arrivedAtOrAfter: milliseconds))
    }

    // MARK: End

    /// Stops accepting, syncs what was accepted, writes out the segments, stops the threads. Calling it twice is harmless.
    public func close() async {
        await withCheckedContinuation { (reply: CheckedContinuation<Void, Never>) in
            let isClosed = node.withLockAndWake { state -> Bool in
                if state.phase == .closed { return true }
                if state.phase == .open { state.phase = .draining }
                state.closeReplies.append(reply)
                return false
            }
            if isClosed { reply.resume() }
        }
        let wakes = node.withLock { $0.waiters.removeAll() }
        for wake in wakes { wake.resume(returning: false) }
        // It waits for reads that are under way, so not here.
        _ = IOThread(name: "log-close") { [readThreads] in readThreads.close() }
    }

    /// Counts and sizes since `open`.
    public func statistics() -> LogStatistics {
        node.withLock { state in
            var statistics = state.statistics
            statistics.unflushedBytes = state.commit.unflushedBytes
            statistics.pendingBytes = state.commit.pendingBytes
            statistics.journalBytes = state.journals.reduce(0) { $0 + $1.bytes }
            statistics.segmentBytes = state.logs.values.reduce(0) { sum, log in log.segments.reduce(sum) { $0 + $1.fileBytes } }
            return statistics
        }
    }
}
