/// The journal's work: forms groups, writes and syncs them, tells those who wait.

internal import Host
internal import RecordBatch

extension StreamLog {
    /// The journal thread.
    func runJournal() {
        // An appender that sends one record after the other comes back before a thread could be woken.
        var spin = BriefSpin()
        while true {
            let task = node.wait(on: NodeCondition.journal, after: &spin) { state -> JournalTask? in
                state.takeJournal(isThread: true)
            }
            releaseJournal(perform(task))
            if case .stop = task { return }
            awaitCompany()
        }
    }

    /// Lets those who were answered together come back together: the first of them would have a sync to itself, and all others wait for it.
    ///
    /// Nobody waits longer for it than a small part of a sync; one appender that is alone does not at all.
    private func awaitCompany() {
        let (isMeant, limit) = node.withLock { state in
            (state.phase == .open && state.commit.lastGroupCount > 1, state.statistics.recentSyncNanoseconds / 8)
        }
        guard isMeant else { return }
        BriefSpin.look(atMost: min(limit, BriefSpin.nanoseconds)) {
            node.withLock { state in
                state.phase != .open || state.commit.waitingCount >= state.commit.lastGroupCount || state.journalIsTaken
            }
        }
    }

    /// Does one piece of the journal's work, if there is one.
    package func stepJournal() -> Bool {
        guard let task = node.withLock({ $0.takeJournal() }) else { return false }
        releaseJournal(perform(task))
        return true
    }

    /// Does a piece of work for which the journal was taken.
    /// - Returns: what those who wait for it are to be told once the journal is free.
    func perform(_ task: JournalTask) -> Answers {
        switch task {
        case .write(let ids): return writeGroup(ids)
        case .refuse(let ids, let failure): return refuse(ids, failure)
        case .handOver: node.withLockAndWake { _ in }
        case .remove(let removals): return write(removals)
        case .beginLastFile:
            beginLastFile()
            node.withLockAndWake { $0.rolledLast() }
        case .stop: journal.writer.close()
        }
        return Answers()
    }

    // MARK: Groups

    private func writeGroup(_ ids: [AppendID]) -> Answers {
        let (formed, refused) = form(ids)
        guard let group = formed else { return Answers(appends: refused) }
        var answers = commit(group)
        answers.appends = refused + answers.appends
        return answers
    }

    /// Writes and syncs a group, makes it readable, or finds out that it cannot be.
    private func commit(_ group: CommitGroup) -> Answers {
        if let failure = ensureFile(for: group) {
            return finish(group, node.withLock { $0.wrote(.failure(failure), end: 0) })
        }
        journal.writer.frames.make(arrival: group.arrival, entries: group.entries, batches: group.batches, notes: group.notes)
        let written = Result { () throws(GroupCommit.JournalFailure) in try journal.writer.write() }
        let end = journal.writer.end
        let afterWrite = node.withLock { $0.wrote(written, end: end) }
        guard case .sync = afterWrite else { return finish(group, afterWrite) }
        let start = time.monotonicNanoseconds()
        let synced = Result { () throws(GroupCommit.JournalFailure) in
            try journal.writer.sync()
        }
        let nanoseconds = time.monotonicNanoseconds() &- start
        if case .failure(let failure) = synced { return finish(group, node.withLock { $0.syncFailed(failure) }) }
        return publish(group, syncNanoseconds: nanoseconds)
    }

    /// Takes the requests of a group, drops those whose log has gone, assigns arrival and offsets, and decides conditions.
    /// - Returns: the group, nil when nothing is to be written, and the answers that do not wait for it.
    private func form(_ ids: [AppendID]) -> (group: CommitGroup?, answers: [Answers.AppendAnswer]) {
        let (wall, monotonic) = (time.wallMilliseconds(), time.monotonicNanoseconds())
        var (requests, refused, group, isFormed) = node.withLock {
            $0.takeGroup(ids, options.judge, wall: wall, monotonic: monotonic)
        }
        if isFormed {
            for (id, request, _) in requests { group.add(id, request) }
            return (group, refused)
        }
        if requests.isEmpty { return (nil, refused) }
        ledger.withLock { ledger in
            for (id, request, ended) in requests {
                if let ended {
                    group.decide(id, request, .failure(.ended(ended)))
                } else {
                    group.add(id, request, &ledger)
                }
            }
        }
        let (written, bytes) = (group.written, group.bytes)
        if node.withLock({ $0.formed(written, bytes: bytes) }) { return (group, refused) }
        return (nil, refused + group.answers)
    }

    /// Makes a synced group readable.
    private func publish(_ group: CommitGroup, syncNanoseconds: UInt64) -> Answers {
        group.settleRules(isCommitted: true)
        let wakes = node.withLock { state in
            // Together with the records, for who takes a snapshot of both.
            ledger.withLock { $0.commit() }
            let wakes = state.publish(group, syncNanoseconds: syncNanoseconds)
            if state.flushIsDue(options) || state.spareIsDue(options) { node.wake(NodeCondition.segments) }
            return wakes
        }
        return Answers(appends: group.answers, wakes: wakes)
    }

    /// Ends a group that was not made durable.
    private func finish(_ group: CommitGroup, _ action: GroupCommit.Action) -> Answers {
        ledger.withLock { $0.rollBack() }
        group.settleRules(isCommitted: false)
        switch action {
        case .refuse(let ids, let failure):
            node.withLock { $0.groupWasRefused() }
            return refuse(ids, failure, group)
        case .seal(let ids, let failure):
            // Its arrival stays in flight for ever: what it wrote may be there after the next start.
            return refuse(ids, failure, group)
        case .wait, .write, .sync, .acknowledge: preconditionFailure("\(action) does not end a group")
        }
    }

    /// Refuses a group, and those who wait.
    private func refuse(_ ids: [AppendID], _ failure: GroupCommit.JournalFailure, _ group: CommitGroup? = nil) -> Answers {
        let waiting = node.withLockAndWake { $0.takeRefused(ids, failure) }
        let error = failure.refusal
        return Answers(appends: (group?.answers(error) ?? []) + waiting.map { ($0, .failure(error)) })
    }

    // MARK: Files

    /// Begins a new file when there is none, when the current one is long enough, or when it grows though a pre-written one is ready. A full disk is
    /// no reason to stop while there is a file.
    private func ensureFile(for group: CommitGroup?) -> GroupCommit.JournalFailure? {
        let writer = journal.writer
        let frame = UInt64(writer.frames.paddedLength(entryCount: group?.entries.count ?? 1, batchBytes: group?.payloadBytes ?? 0))
        let limit = max(options.journalFileBytes, writer.prewritten)
        let isLong = writer.end >= options.journalFileBytes || (writer.frameCount > 1 && writer.end + frame > limit)
        let isSlow = writer.prewritten == 0 && node.withLock { !$0.files.spares.isEmpty }
        guard !writer.hasFile || isLong || isSlow else { return nil }
        // While there is a file, nobody waits for another one: it grows until one can be opened.
        let now = time.monotonicNanoseconds()
        if writer.hasFile, now < journal.nextRoll { return nil }
        do throws(GroupCommit.JournalFailure) {
            try beginFile()
            return nil
        } catch {
            guard error.passes, writer.hasFile else { return error }
            if error.cause == .exhausted { journal.nextRoll = now &+ StreamLog.rollPause }
            return nil
        }
    }

    /// How long a file that cannot be begun for want of a descriptor or memory is not tried again, in nanoseconds.
    private static var rollPause: UInt64 { 100_000_000 }

    private func beginFile() throws(GroupCommit.JournalFailure) {
        let number = journal.writer.nextNumber
        let monotonic = time.monotonicNanoseconds()
        let arrival = node.withLock { $0.clock.lastArrival }
        let note = ledger.withLock { ledger in
            ledger.expire(at: arrival)
            return ledger.snapshot()
        }
        let start: JournalWriter<D>.FileStart = node.withLock { $0.fileStart(number, monotonic: monotonic, note: note) }
        do throws(GroupCommit.JournalFailure) {
            try journal.writer.startFile(start)
        } catch {
            // Its content means nothing, whatever was written to it.
            if error.passes, let spare = start.spare { node.withLock { $0.add(spare: spare) } }
            throw error
        }
        let (end, prewritten) = (journal.writer.end, journal.writer.prewritten)
        node.withLock { state in
            state.begin(JournalFile(number: number, name: number, bytes: end, prewritten: prewritten))
            node.wake(NodeCondition.segments)
        }
    }

    /// Before the end: an empty file in place of those that are covered by segments, so that the next start replays nothing.
    private func beginLastFile() {
        let isUseful = node.withLock { state in
            state.failure == nil && state.commit.unflushedBytes == 0 && state.files.all.allSatisfy { $0.unflushedItems == 0 }
        }
        guard isUseful, journal.writer.frameCount > 1 else { return }
        do throws(GroupCommit.JournalFailure) {
            try beginFile()
        } catch {
            // The older files stay and will be replayed.
        }
    }

    // MARK: Removals

    private func write(_ removals: [Removal]) -> Answers {
        var failure = node.withLock { $0.failure } ?? ensureFile(for: nil)
        if failure == nil {
            let arrival = node.withLock { state in state.clock.lastArrival }
            let entries = removals.map { JournalEntry(kind: .removal, log: $0.log, offset: 0) }
            journal.writer.frames.make(arrival: arrival, entries: entries, batches: [])
            do throws(GroupCommit.JournalFailure) {
                try journal.writer.write()
                try journal.writer.sync()
            } catch {
                failure = error
            }
        }
        let end = journal.writer.end
        if failure == nil { ledger.withLock { ledger in for removal in removals { ledger.drop(removal.log) } } }
        let (gone, wakes) = node.withLockAndWake { state in state.end(removals, failure, journalEnd: end) }
        for log in gone { for segment in log.segments { reader.forget(segment.path) } }
        let result: Result<Void, LogError> = failure.map { .failure($0.refusal) } ?? .success(())
        return Answers(others: removals.map { ($0.reply, result) }, wakes: wakes)
    }
}
