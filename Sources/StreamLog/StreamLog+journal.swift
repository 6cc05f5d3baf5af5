/// The journal's work: forms groups, writes and syncs them, tells those who wait.

internal import Host
internal import RecordBatch

/// A piece of the journal's work.
enum JournalTask {
    /// Form a group of these and commit it.
    case write([AppendID])
    case refuse([AppendID], GroupCommit.JournalFailure)
    case remove([Removal])
    case beginLastFile
    /// Closing has come a step further.
    case handOver
    case stop
}

extension NodeState {
    /// Whether somebody should look what the journal is to do next.
    var journalHasWork: Bool {
        commit.hasWaiting || !removals.isEmpty || phase != .open || (sealRequest != nil && commit.sealed == nil)
    }

    /// What the journal is to do next; nil when there is nothing.
    mutating func nextJournalTask() -> JournalTask? {
        if let request = sealRequest, commit.sealed == nil, case .seal(let ids, let failure) = commit.seal(because: request) {
            return .refuse(ids, failure)
        }
        if !removals.isEmpty {
            defer { removals = [] }
            return .remove(removals)
        }
        switch commit.next() {
        case .write(let ids): return .write(ids)
        case .refuse(let ids, let failure), .seal(let ids, let failure): return .refuse(ids, failure)
        case .wait, .sync, .acknowledge: break
        }
        switch phase {
        case .draining:
            guard commit.isIdle else { return nil }
            phase = .flushing
            return .handOver
        case .rolling: return .beginLastFile
        case .removing, .closed: return .stop
        case .open, .flushing: return nil
        }
    }
}

/// A request that a group takes; with the log that has ended before it, in the same group, if that is so.
private typealias GroupRequest = (id: AppendID, request: AppendRequest, ended: LogID?)

extension StreamLog {
    /// The journal thread.
    func runJournal() {
        // An appender that sends one record after the other comes back before a thread could be woken.
        var spin = BriefSpin()
        while true {
            let task = node.wait(on: NodeCondition.journal, after: &spin) { state -> JournalTask? in
                guard !state.journalIsTaken, let task = state.nextJournalTask() else { return nil }
                state.journalIsTaken = true
                return task
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
            node.withLockAndWake { $0.phase = .removing }
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
            return finish(group, node.withLock { $0.commit.wrote(.failure(failure)) })
        }
        journal.writer.frames.make(arrival: group.arrival, entries: group.entries, batches: group.batches, notes: group.notes)
        let written = Result { () throws(GroupCommit.JournalFailure) in try journal.writer.write() }
        let end = journal.writer.end
        let afterWrite = node.withLock { state in
            if case .success = written { state.journals[state.journals.count - 1].bytes = end }
            return state.commit.wrote(written)
        }
        guard case .sync = afterWrite else { return finish(group, afterWrite) }
        let start = time.monotonicNanoseconds()
        let synced = Result { () throws(GroupCommit.JournalFailure) in
            try journal.writer.sync()
        }
        let nanoseconds = time.monotonicNanoseconds() &- start
        guard case .success = synced else { return finish(group, node.withLock { $0.commit.synced(synced) }) }
        return publish(group, syncNanoseconds: nanoseconds)
    }

    /// Takes the requests of a group, drops those whose log has gone, assigns arrival and offsets, and decides conditions.
    /// - Returns: the group, nil when nothing is to be written, and the answers that do not wait for it.
    private func form(_ ids: [AppendID]) -> (group: CommitGroup?, answers: [Answers.AppendAnswer]) {
        let (wall, monotonic) = (time.wallMilliseconds(), time.monotonicNanoseconds())
        var answers: [Answers.AppendAnswer] = []
        var group = node.withLock { state -> (requests: [GroupRequest], group: CommitGroup) in
            var requests: [GroupRequest] = []
            requests.reserveCapacity(ids.count)
            var ends: [LogID: Int64] = [:]
            var order = GroupOrder(judge: options.judge)
            for id in ids {
                guard let request = state.requests.removeValue(forKey: id) else { continue }
                if let refusal = order.admit(request, state.logs, removed: state.removed) {
                    // Who comes after an end that is in this group hears of it after those who have ended the log.
                    if case .ended(let log) = refusal, state.logs[log]?.end == nil {
                        requests.append((id, request, log))
                    } else {
                        answers.append((request, .failure(refusal)))
                    }
                    continue
                }
                request.forEachLog { log in if ends[log] == nil { ends[log] = state.logs[log]?.highWatermark } }
                requests.append((id, request, nil))
            }
            let arrival = state.clock.arrival(wall: wall, monotonic: monotonic)
            state.inFlightArrival = arrival
            return (requests, CommitGroup(arrival: arrival, ends: ends))
        }
        ledger.withLock { ledger in
            for (id, request, ended) in group.requests {
                if let ended {
                    group.group.decide(id, request, .failure(.ended(ended)))
                } else {
                    group.group.add(id, request, &ledger)
                }
            }
        }
        let written = group.group.written
        let isWritten = node.withLock { state in
            if case .write = state.commit.formed(written, bytes: group.group.bytes) { return true }
            state.inFlightArrival = nil
            return false
        }
        if isWritten { return (group.group, answers) }
        return (nil, answers + group.group.answers)
    }

    /// Makes a synced group readable.
    private func publish(_ group: CommitGroup, syncNanoseconds: UInt64) -> Answers {
        group.settleRules(isCommitted: true)
        let wakes = node.withLock { state in
            // Together with the records, for who takes a snapshot of both.
            ledger.withLock { $0.commit() }
            state.statistics.recordSync(nanoseconds: syncNanoseconds)
            _ = state.commit.synced(.success(()))
            let journal = state.journals[state.journals.count - 1].number
            var wakes: [Waiters.Wake] = []
            var (batches, logs) = (group.batches.makeIterator(), group.logs.makeIterator())
            for entry in group.entries {
                guard entry.kind == .batch, let batch = batches.next(), let log = logs.next() else {
                    wakes += state.succeed(entry, at: group.arrival)
                    continue
                }
                state.statistics.appendedBytes += UInt64(batch.bytes.count)
                let item = LogItem(
                    baseOffset: batch.baseOffset, endOffset: batch.baseOffset + Int64(batch.recordCount), arrival: group.arrival,
                    batch: batch, journal: journal)
                state.hold(item, in: log)
                wakes += state.waiters.remove(reachedBy: state.logs[log]?.highWatermark, in: log)
            }
            state.statistics.appendCount += group.members.count
            state.statistics.diskIsFull = state.commit.flushIsStalled
            state.inFlightArrival = nil
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
            node.withLock { $0.inFlightArrival = nil }
            return refuse(ids, failure, group)
        case .seal(let ids, let failure):
            // Its arrival stays in flight for ever: what it wrote may be there after the next start.
            return refuse(ids, failure, group)
        case .wait, .write, .sync, .acknowledge: preconditionFailure("\(action) does not end a group")
        }
    }

    /// Refuses a group, and those who wait.
    private func refuse(_ ids: [AppendID], _ failure: GroupCommit.JournalFailure, _ group: CommitGroup? = nil) -> Answers {
        let waiting = node.withLockAndWake { state in
            if failure.diskIsFull { state.statistics.diskIsFull = true }
            return ids.compactMap { state.requests.removeValue(forKey: $0) }
        }
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
        let isSlow = writer.prewritten == 0 && node.withLock { !$0.spares.isEmpty }
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
        let start: JournalWriter<D>.FileStart = node.withLock { $0.fileStart(monotonic: monotonic, note: note) }
        do throws(GroupCommit.JournalFailure) {
            try journal.writer.startFile(start)
        } catch {
            // Its content means nothing, whatever was written to it.
            if error.passes, let spare = start.spare { node.withLock { $0.spares.append(spare) } }
            throw error
        }
        let (end, prewritten) = (journal.writer.end, journal.writer.prewritten)
        node.withLock { state in
            state.begin(JournalFile(number: number, name: number, bytes: end, prewritten: prewritten))
            state.spareFailed = false
            node.wake(NodeCondition.segments)
        }
    }

    /// Before the end: an empty file in place of those that are covered by segments, so that the next start replays nothing.
    private func beginLastFile() {
        let isUseful = node.withLock { state in
            state.failure == nil && state.commit.unflushedBytes == 0 && state.journals.allSatisfy { $0.unflushedItems == 0 }
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
        let wakes = node.withLockAndWake { state in state.end(removals, failure, journalEnd: end, reader) }
        let result: Result<Void, LogError> = failure.map { .failure($0.refusal) } ?? .success(())
        return Answers(others: removals.map { ($0.reply, result) }, wakes: wakes)
    }
}

extension NodeState {
    /// What the next journal file begins with. Takes a spare if there is one.
    mutating func fileStart<D: Disk>(monotonic: UInt64, note: [UInt8]?) -> JournalWriter<D>.FileStart {
        // Mixed, so that a producer that knows the time does not know it.
        var nonce = monotonic &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(bitPattern: clock.lastArrival)
        nonce = (nonce ^ (nonce >> 29)) &* 0xBF58_476D_1CE4_E5B9
        return JournalWriter<D>.FileStart(
            arrival: clock.lastArrival, positions: positions, note: note, nonce: UInt32(truncatingIfNeeded: nonce >> 32),
            spare: spares.popLast())
    }

    /// The high watermarks of all logs that ever had a record, which of the logs have ended, and where those begin whose directory does not tell.
    var positions: [JournalEntry] {
        var entries: [JournalEntry] = []
        for log in logs.values where !log.isRemoved {
            if let end = log.end {
                entries.append(JournalEntry(endPosition: end, of: log.id))
            } else if log.highWatermark > 0 {
                entries.append(JournalEntry(kind: .position, log: log.id, offset: log.highWatermark))
            }
            if log.startGeneration == nil, log.startOffset > 0 {
                entries.append(JournalEntry(kind: .beginning, log: log.id, offset: log.startOffset))
            }
        }
        return entries
    }

    /// Takes in the end or the beginning of a log that the journal holds.
    /// - Returns: those who wait for records that will not come.
    mutating func succeed(_ entry: JournalEntry, at arrival: Int64) -> [Waiters.Wake] {
        switch entry.kind {
        case .end:
            logs[entry.log]?.end = LogEnd(offset: entry.offset, arrivalMilliseconds: arrival)
            return waiters.remove(reachedBy: nil, in: entry.log)
        case .beginning:
            logs[entry.log] = ShardLog(id: entry.log, startOffset: entry.offset, startGeneration: nil)
            return []
        case .batch, .note, .removal, .position, .endPosition: return []
        }
    }

    /// A new journal file was begun; it holds one frame.
    mutating func begin(_ file: JournalFile) {
        var file = file
        // One that was cut down to nothing gives way, and what recovery has found missing counts on.
        file.unflushedItems += journals.reduce(0) { $1.number == file.number ? $0 + $1.unflushedItems : $0 }
        journals.removeAll { $0.number == file.number }
        journals.append(file)
        commit.passedFrame()
    }

    /// Takes in what became of removals.
    mutating func end<D: Disk>(
        _ removals: [Removal], _ failure: GroupCommit.JournalFailure?, journalEnd: UInt64, _ reader: SegmentReader<D>
    ) -> [Waiters.Wake] {
        if let failure {
            for removal in removals { logs[removal.log]?.isRemoved = false }
            if failure.diskIsFull { statistics.diskIsFull = true }
            if !failure.passes { sealRequest = sealRequest ?? failure }
            return []
        }
        commit.passedFrame()
        journals[journals.count - 1].bytes = journalEnd
        var wakes: [Waiters.Wake] = []
        for removal in removals {
            drop(removal.log, upTo: .max)
            if let log = logs.removeValue(forKey: removal.log) {
                for segment in log.segments { reader.forget(segment.path) }
            }
            unflushedLogs.remove(removal.log)
            removed.insert(removal.log)
            wakes += waiters.remove(reachedBy: nil, in: removal.log)
        }
        return wakes
    }
}
