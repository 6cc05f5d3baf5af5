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

/// What callers are to be told, without any lock and once the journal is free.
struct Answers {
    var appends: [(AppendReply, Result<[LogAppended], LogError>)] = []
    var others: [(DoneReply, Result<Void, LogError>)] = []
    var wakes: [Waiters.Wake] = []

    func give() {
        for (reply, result) in appends { reply(result) }
        for (reply, result) in others { reply(result) }
        guard wakes.count > 1 else { return wakes.forEach { $0.resume(returning: true) } }
        // Whoever commits has the next group to write; the many that a commit wakes wake each other.
        Task.detached { [wakes] in for wake in wakes { wake.resume(returning: true) } }
    }
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

extension StreamLog {
    /// A group as it is written: who waits for it, and its frame's entries.
    private struct Group {
        var requests: [(id: AppendID, request: AppendRequest)] = []
        var entries: [JournalEntry] = []
        var batches: [RecordBatch] = []
        var bytes = 0
        var arrival: Int64 = 0
    }

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
            let answers = perform(task)
            releaseJournal()
            answers.give()
            if case .stop = task { return }
        }
    }

    /// Does one piece of the journal's work, if there is one.
    package func stepJournal() -> Bool {
        guard let task = node.withLock({ $0.takeJournal() }) else { return false }
        let answers = perform(task)
        releaseJournal()
        answers.give()
        return true
    }

    /// Lets the next one have the journal.
    func releaseJournal() {
        node.withLock { state in
            state.journalIsTaken = false
            guard state.journalHasWork else { return }
            // A caller that waits for the next group takes over before those are told whose group has ended; only then has the disk no pause.
            if state.removals.isEmpty, state.phase == .open, let next = state.commit.firstWaiting,
                let caller = state.requests[next]?.caller
            {
                caller.askToLead()
            } else {
                node.wake(NodeCondition.journal)
            }
        }
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
        var answers = Answers()
        guard var group = form(ids, &answers) else { return answers }
        if let failure = ensureFile(for: group) {
            let action = node.withLock { state in
                state.putBack(group.requests)
                return state.commit.wrote(.failure(failure))
            }
            finish(action, &answers)
            return answers
        }
        journal.writer.frames.make(arrival: group.arrival, entries: group.entries, batches: group.batches)
        let written = Result { () throws(GroupCommit.JournalFailure) in try journal.writer.write() }
        let end = journal.writer.end
        let afterWrite = node.withLock { state in
            if case .success = written {
                state.journals[state.journals.count - 1].bytes = end
            } else {
                state.putBack(group.requests)
            }
            return state.commit.wrote(written)
        }
        guard case .sync = afterWrite else {
            finish(afterWrite, &answers)
            return answers
        }
        let start = time.monotonicNanoseconds()
        let synced = Result { () throws(GroupCommit.JournalFailure) in
            if options.planted != .journalSyncLeftOut, options.planted != .acknowledgedBeforeSync { try journal.writer.sync() }
        }
        let nanoseconds = time.monotonicNanoseconds() &- start
        guard case .success = synced else {
            let action = node.withLock { state in
                state.putBack(group.requests)
                return state.commit.synced(synced)
            }
            finish(action, &answers)
            return answers
        }
        publish(&group, syncNanoseconds: nanoseconds, &answers)
        if options.planted == .acknowledgedBeforeSync {
            answers.give()
            answers = Answers()
            try? journal.writer.sync()
        }
        return answers
    }

    /// Takes the requests of a group, drops those whose log has gone, and assigns arrival and offsets.
    private func form(_ ids: [AppendID], _ answers: inout Answers) -> Group? {
        let (wall, monotonic) = (time.wallMilliseconds(), time.monotonicNanoseconds())
        var group = Group()
        var ends: [LogID: Int64] = [:]
        node.withLock { state in
            for id in ids {
                guard let request = state.requests.removeValue(forKey: id) else { continue }
                if let gone = request.entries.first(where: { state.logs[$0.log]?.isRemoved ?? true }) {
                    answers.appends.append((request.reply, .failure(.logNotFound(gone.log))))
                    continue
                }
                for entry in request.entries where ends[entry.log] == nil { ends[entry.log] = state.logs[entry.log]?.highWatermark }
                group.requests.append((id, request))
                group.bytes += request.bytes
            }
            if case .write = state.commit.formed(group.requests.map(\.id), bytes: group.bytes) {
                group.arrival = state.clock.arrival(wall: wall, monotonic: monotonic)
                state.inFlightArrival = group.arrival
            }
        }
        if group.requests.isEmpty { return nil }
        for append in group.requests.indices {
            let request = group.requests[append].request
            for index in request.entries.indices {
                let log = request.entries[index].log
                let offset = ends[log] ?? 0
                request.entries[index].batch.setBaseOffset(offset)
                let batch = request.entries[index].batch
                group.entries.append(
                    JournalEntry(
                        kind: .batch, log: log, offset: offset, recordCount: UInt32(clamping: batch.recordCount),
                        length: UInt32(clamping: batch.bytes.count), checksum: batch.crc, append: UInt32(append)))
                group.batches.append(batch)
                ends[log] = offset + Int64(batch.recordCount)
            }
        }
        return group
    }

    /// Makes a synced group readable.
    private func publish(_ group: inout Group, syncNanoseconds: UInt64, _ answers: inout Answers) {
        answers.appends.reserveCapacity(group.requests.count)
        var place = 0
        for (_, request) in group.requests {
            let results = request.entries.indices.map { index in
                LogAppended(baseOffset: group.entries[place + index].offset, arrivalMilliseconds: group.arrival)
            }
            place += request.entries.count
            answers.appends.append((request.reply, .success(results)))
        }
        answers.wakes = node.withLock { state in
            state.statistics.recordSync(nanoseconds: syncNanoseconds)
            _ = state.commit.synced(.success(()))
            let journal = state.journals[state.journals.count - 1].number
            var wakes: [Waiters.Wake] = []
            for (entry, batch) in zip(group.entries, group.batches) {
                state.statistics.appendedBytes += UInt64(batch.bytes.count)
                let item = LogItem(
                    baseOffset: entry.offset, endOffset: entry.endOffset, arrival: group.arrival, batch: batch, journal: journal)
                state.hold(item, in: entry.log)
                wakes += state.waiters.remove(reachedBy: state.logs[entry.log]?.highWatermark, in: entry.log)
            }
            state.statistics.appendCount += group.requests.count
            state.statistics.diskIsFull = state.commit.flushIsStalled
            state.inFlightArrival = nil
            if state.flushIsDue(options) || state.spareIsDue(options) { node.wake(NodeCondition.segments) }
            return wakes
        }
    }

    /// Ends a group that was not made durable.
    private func finish(_ action: GroupCommit.Action, _ answers: inout Answers) {
        switch action {
        case .refuse(let ids, let failure):
            node.withLock { $0.inFlightArrival = nil }
            answers.appends += refuse(ids, failure).appends
        case .seal(let ids, let failure):
            // Its arrival stays in flight for ever: what it wrote may be there after the next start.
            answers.appends += refuse(ids, failure).appends
        case .wait, .write, .sync, .acknowledge: preconditionFailure("\(action) does not end a group")
        }
    }

    private func refuse(_ ids: [AppendID], _ failure: GroupCommit.JournalFailure) -> Answers {
        let replies = node.withLockAndWake { state in
            if failure.diskIsFull { state.statistics.diskIsFull = true }
            return ids.compactMap { state.requests.removeValue(forKey: $0)?.reply }
        }
        return Answers(appends: replies.map { ($0, .failure(.readOnly(reason: failure.reason))) })
    }

    // MARK: Files

    /// Begins a new file when there is none, when the current one is long enough, or when it grows though a pre-written one is ready. A full disk is
    /// no reason to stop while there is a file.
    private func ensureFile(for group: Group) -> GroupCommit.JournalFailure? {
        let writer = journal.writer
        let frame = UInt64(writer.frames.paddedLength(entryCount: group.entries.count, batchBytes: group.bytes))
        let limit = max(options.journalFileBytes, writer.prewritten)
        let isLong = writer.end >= options.journalFileBytes || (writer.frameCount > 1 && writer.end + frame > limit)
        let isSlow = writer.prewritten == 0 && node.withLock { !$0.spares.isEmpty }
        guard !writer.hasFile || isLong || isSlow else { return nil }
        do throws(GroupCommit.JournalFailure) {
            try beginFile()
            return nil
        } catch {
            return error.diskIsFull && writer.hasFile ? nil : error
        }
    }

    private func beginFile() throws(GroupCommit.JournalFailure) {
        let number = journal.writer.nextNumber
        let monotonic = time.monotonicNanoseconds()
        let start: JournalWriter<D>.FileStart = node.withLock { $0.fileStart(monotonic: monotonic) }
        do throws(GroupCommit.JournalFailure) {
            try journal.writer.startFile(start)
        } catch {
            // Its content means nothing, whatever was written to it.
            if error.diskIsFull, let spare = start.spare { node.withLock { $0.spares.append(spare) } }
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
        var failure = node.withLock { $0.failure } ?? ensureFile(for: Group())
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
        let wakes = node.withLockAndWake { state in state.end(removals, failure, journalEnd: end, reader) }
        let result: Result<Void, LogError> = failure.map { .failure(.readOnly(reason: $0.reason)) } ?? .success(())
        return Answers(others: removals.map { ($0.reply, result) }, wakes: wakes)
    }
}

extension NodeState {
    /// The requests of a group that is being written: found again by whoever refuses them.
    mutating func putBack(_ group: [(id: AppendID, request: AppendRequest)]) {
        for (id, request) in group { requests[id] = request }
    }

    /// What the next journal file begins with. Takes a spare if there is one.
    mutating func fileStart<D: Disk>(monotonic: UInt64) -> JournalWriter<D>.FileStart {
        // Mixed, so that a producer that knows the time does not know it.
        var nonce = monotonic &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(bitPattern: clock.lastArrival)
        nonce = (nonce ^ (nonce >> 29)) &* 0xBF58_476D_1CE4_E5B9
        return JournalWriter<D>.FileStart(
            arrival: clock.lastArrival, positions: positions, nonce: UInt32(truncatingIfNeeded: nonce >> 32),
            spare: spares.popLast())
    }

    /// The high watermarks of all logs that ever had a record.
    var positions: [JournalEntry] {
        logs.values.filter { !$0.isRemoved && $0.highWatermark > 0 }
            .map { JournalEntry(kind: .position, log: $0.id, offset: $0.highWatermark) }
    }

    /// A new journal file was begun; it holds one frame.
    mutating func begin(_ file: JournalFile) {
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
            if failure.diskIsFull {
                statistics.diskIsFull = true
            } else {
                sealRequest = sealRequest ?? failure
            }
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
