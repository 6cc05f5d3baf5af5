/// Appends as callers see them: by tasks, by threads that lead the commit themselves, and without waiting.

public import Host
public import RecordBatch

extension StreamLog {
    /// Appends batches to one or several logs, all or nothing; returns when they are durable and readable.
    ///
    /// The results stand in the order of the entries. All entries of an append have the same arrival time.
    /// - Throws: `.logNotFound`, `.ended`, `.overloaded`, `.readOnly`, `.closed`, `.failed` for a batch whose CRC is wrong; then nothing was appended, except that
    ///   after a failed sync (`.readOnly`) the append may be found after the next start.
    public func append(_ entries: [(log: LogID, batch: RecordBatch)]) async throws(LogError) -> [LogAppended] {
        try await append(LogAppend(entries))
    }

    /// As the other `append`, under conditions.
    /// - Throws: as that, and `.conditionFailed`.
    public func append(_ append: LogAppend) async throws(LogError) -> [LogAppended] {
        try await answer { submit(append, at: pool, $0) }
    }

    /// Appends in the order of the calls: of two submits by one thread the first is appended first. Returns at once, unless the place lends its thread
    /// (`AnswerPlace.mayCommit`): where nothing is under way that thread then does the commit, as no other could be woken so soon.
    /// - Parameters:
    ///   - place: where `answer` is called, once, with what `append` would return or throw. The answers of one commit that belong to one place are
    ///     one piece of work there. Nil: whoever commits calls it, or this call does.
    public func submit(
        _ append: LogAppend, at place: (any AnswerPlace)?,
        _ answer: @escaping @Sendable (Result<[LogAppended], LogError>) -> Void
    ) {
        let refusal: Result<[LogAppended], LogError>
        do throws(LogError) {
            let bytes = try StreamLog.prepare(append)
            if bytes > 0 || append.isConditional {
                let request = AppendRequest(append, bytes: bytes, place: place, reply: answer)
                let isLent = place?.mayCommit ?? false
                let task = try node.withLock { state throws(LogError) -> JournalTask? in
                    try state.offer(request)
                    if isLent, let task = state.lendJournal(options) { return task }
                    if !state.journalIsTaken { node.wake(NodeCondition.journal) }
                    return nil
                }
                if let task { releaseJournal(perform(task)) }
                return
            }
            refusal = .success([])
        } catch {
            refusal = .failure(error)
        }
        guard let place else { return answer(refusal) }
        place.run { answer(refusal) }
    }

    /// As `append`, for callers on threads of their own, which it blocks: never call it on the cooperative pool.
    ///
    /// A caller that finds no commit under way does the write and the sync itself, for all who wait, so that no thread must be woken first. That is
    /// the quickest way to make a single record durable.
    /// - Throws: as `append`.
    public func appendAndWait(_ entries: [(log: LogID, batch: RecordBatch)]) throws(LogError) -> [LogAppended] {
        if entries.isEmpty { return [] }
        let append = LogAppend(entries)
        let bytes = try StreamLog.prepare(append)
        let caller = WaitingCaller()
        let request = AppendRequest(append, bytes: bytes, place: nil, caller: caller) { caller.finish($0) }
        var task = try node.withLock { state throws(LogError) in
            try state.offer(request)
            return state.takeJournal()
        }
        while true {
            if let led = task {
                releaseJournal(perform(led))
            }
            switch caller.wait() {
            case .done(let result): return try result.get()
            case .lead: task = node.withLock { $0.takeJournal() }
            }
        }
    }

    /// Checks an append, on the caller's time.
    /// - Returns: what it counts for.
    private static func prepare(_ append: LogAppend) throws(LogError) -> Int {
        var bytes = append.marks.reduce(0) { $0 + $1.name.count + ($1.mark?.value.count ?? 0) }
        for (log, batch) in append.entries {
            bytes += LogItem.byteCount(batch)
            // The batch's CRC is all that will tell whether it is right: what is wrong now would be found as damage later.
            guard batch.checkCRC() else { throw .failed("the batch for log \(log) does not have the CRC that it states") }
        }
        guard bytes < Int(UInt32.max) - 1 << 20 else {
            throw .failed("an append of \(bytes) bytes is larger than a journal frame can be")
        }
        return bytes
    }
}

extension NodeState {
    /// How long syncs may have taken of late, in nanoseconds, where a thread does one that others need soon.
    private static var longestLoan: UInt64 { 1_000_000 }
    /// The most bytes that such a thread writes.
    private static var largestLoan: Int { 64 << 10 }

    /// As `takeJournal`, for a thread that is needed again soon: one small write, while the disk is known to be quick and no file is to be begun.
    mutating func lendJournal(_ options: LogOptions) -> JournalTask? {
        guard removals.isEmpty, sealRequest == nil, commit.waitingCount == 1, commit.pendingBytes <= Self.largestLoan,
            statistics.syncCount > 0, statistics.recentSyncNanoseconds <= Self.longestLoan, !mayRoll(options)
        else { return nil }
        return takeJournal()
    }

    /// Whether the next frame may be the first of a new file.
    private func mayRoll(_ options: LogOptions) -> Bool {
        guard let last = files.all.last, last.bytes > 0, last.prewritten > 0 || files.spares.isEmpty else { return true }
        return last.bytes + UInt64(2 * Self.largestLoan) > options.journalFileBytes
    }
}
