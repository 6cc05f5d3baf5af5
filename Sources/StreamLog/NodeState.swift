/// Everything of the log that its one lock guards, and all ways in which it changes.

internal import Host
internal import RecordBatch

/// The state of the node's log: logs, who waits, the journal's files, and how far closing has come.
///
/// Whoever has the lock may look at all of it; it changes by these methods alone, each of which leaves it whole: an item that the journal holds counts
/// for its file, for the bytes in memory and for its log, or for none of them.
struct NodeState: Sendable {
    private(set) var commit: GroupCommit
    private(set) var clock: ArrivalClock
    private(set) var logs: [LogID: ShardLog]
    /// Logs that were removed; their names are not given a second time.
    private(set) var removed: Set<LogID>
    /// Logs with items that no segment holds.
    private(set) var unflushedLogs: Set<LogID> = []
    private var tail: TailCache

    private(set) var requests: [AppendID: AppendRequest] = [:]
    private(set) var removals: [Removal] = []
    private(set) var jobs: [SegmentJob] = []
    private(set) var kept = KeptFiles()
    private var waiters = Waiters()
    private var closeReplies: [@Sendable () -> Void] = []
    /// Answers that were not given yet, in the order of the commits, and whether somebody is giving them.
    private var outbox: [Answers] = []
    private var outboxIsTaken = false
    private var lastID: UInt64 = 0

    /// Somebody has the journal: its thread, or a caller that leads a group.
    private(set) var journalIsTaken = false
    /// The arrival of the group under way.
    private(set) var inFlightArrival: Int64?
    /// The journal's files.
    private(set) var files: JournalFiles
    /// A failure that is to seal the journal as soon as no group is under way.
    private(set) var sealRequest: GroupCommit.JournalFailure?
    private(set) var phase = ClosingPhase.open
    private(set) var statistics = LogStatistics()
    /// Ranges that readers or start-up found damaged.
    private var knownDamage: Set<RecoveryReport.Damage> = []

    /// - Parameters:
    ///   - removed: logs whose names are not given again.
    ///   - files: those of the journal, to which recovery gives their items.
    init(
        commit: GroupCommit, clock: ArrivalClock, tailCacheBytes: Int, logs: [LogID: ShardLog], removed: Set<LogID>,
        files: JournalFiles
    ) {
        self.commit = commit
        self.clock = clock
        self.logs = logs
        self.removed = removed
        self.files = files
        tail = TailCache(limit: tailCacheBytes)
    }

    // MARK: Requests

    mutating func newID() -> UInt64 {
        lastID += 1
        return lastID
    }

    /// Takes an append into the queue.
    mutating func offer(_ request: AppendRequest) throws(LogError) {
        if phase != .open { throw .closed }
        if let failure { throw .readOnly(reason: failure.reason) }
        try request.append.forEachLog { log throws(LogError) in if isGone(log) { throw .logNotFound(log) } }
        for (log, _) in request.append.entries where logs[log]?.end != nil { throw .ended(log) }
        let id = newID()
        try commit.offer(id, bytes: request.bytes)
        requests[id] = request
    }

    /// Takes work for the segments' side into the queue.
    mutating func offer(_ job: SegmentJob) throws(LogError) {
        if phase != .open { throw .closed }
        jobs.append(job)
    }

    /// Takes a removal into the queue; from here on the log takes no appends.
    mutating func offer(_ removal: Removal) throws(LogError) {
        if phase != .open { throw .closed }
        if let failure { throw .readOnly(reason: failure.reason) }
        if isGone(removal.log) { throw .logNotFound(removal.log) }
        logs[removal.log]?.isRemoved = true
        removals.append(removal)
    }

    /// Makes logs that are not there.
    mutating func create(_ ids: [LogID]) throws(LogError) {
        if phase != .open { throw .closed }
        if let failure { throw .readOnly(reason: failure.reason) }
        for id in ids where removed.contains(id) { throw .failed("the log \(id) was removed; a name is not given twice") }
        for id in ids where logs[id] == nil { logs[id] = ShardLog(id: id, startOffset: 0, startGeneration: nil) }
    }

    /// Begins to close. Returns those who wait for records, and whether all is closed already.
    mutating func close(_ reply: @escaping @Sendable () -> Void) -> (isClosed: Bool, wakes: [Waiters.Wake]) {
        if phase == .closed { return (true, []) }
        if phase == .open { phase = .draining }
        closeReplies.append(reply)
        return (false, waiters.removeAll())
    }

    /// A settled time, see `ArrivalClock`.
    mutating func settledTime(wall: Int64, monotonic: UInt64) -> Int64 {
        clock.settled(wall: wall, monotonic: monotonic, inFlight: inFlightArrival)
    }

    // MARK: Waiters

    mutating func wait(
        _ id: Waiters.ID, _ positions: [LogID: Int64], until time: Waiters.Time, _ wake: Waiters.Wake
    ) -> Waiters.Time? {
        waiters.add(id, positions, until: time, wake)
    }

    mutating func stopWaiting(_ id: Waiters.ID) -> Waiters.Wake? { waiters.remove(id) }

    mutating func expireWaiters(at now: Waiters.Time, awaited: Waiters.Time) -> (wakes: [Waiters.Wake], next: Waiters.Time?) {
        waiters.expire(at: now, awaited: awaited)
    }

    // MARK: The journal's turns

    /// The journal's next piece of work for a caller that is to do it; nil when there is none, or somebody has the journal.
    /// - Parameter isThread: the end of the journal's thread is its own business.
    mutating func takeJournal(isThread: Bool = false) -> JournalTask? {
        guard !journalIsTaken, isThread || phase < .removing, let task = nextJournalTask() else { return nil }
        journalIsTaken = true
        return task
    }

    private mutating func nextJournalTask() -> JournalTask? {
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

    /// The journal is free again, and these answers are to be given.
    mutating func releaseJournal(_ answers: Answers) {
        journalIsTaken = false
        if !answers.isEmpty { outbox.append(answers) }
    }

    /// Answers to be given now; none while somebody else gives some, who will come for these as well.
    mutating func takeOutbox() -> [Answers] {
        guard !outboxIsTaken, !outbox.isEmpty else { return [] }
        outboxIsTaken = true
        defer { outbox = [] }
        return outbox
    }

    /// What was taken out was given; takes what has come meanwhile.
    mutating func takeNextOutbox() -> [Answers] {
        outboxIsTaken = false
        return takeOutbox()
    }

    // MARK: Groups

    /// Takes the requests of a group out of the queue and gives them an arrival.
    /// - Returns: those that take part, the answers of those that cannot, the group that the first are to be added to, and whether it is formed:
    ///   where there is nothing to decide all of them are written.
    mutating func takeGroup(
        _ ids: [AppendID], _ judge: any LogJudge, wall: Int64, monotonic: UInt64
    ) -> (requests: [GroupRequest], refused: [Answers.AppendAnswer], group: CommitGroup, isFormed: Bool) {
        var members: [GroupRequest] = []
        members.reserveCapacity(ids.count)
        var refused: [Answers.AppendAnswer] = []
        var ends: [LogID: Int64] = [:]
        var order = GroupOrder(judge: judge)
        for id in ids {
            guard let request = requests.removeValue(forKey: id) else { continue }
            if let refusal = order.admit(request, logs, removed: removed) {
                // Who comes after an end that is in this group hears of it after those who have ended the log.
                if case .ended(let log) = refusal, logs[log]?.end == nil {
                    members.append((id, request, log))
                } else {
                    refused.append((request, .failure(refusal)))
                }
                continue
            }
            request.forEachLog { log in if ends[log] == nil { ends[log] = logs[log]?.highWatermark } }
            members.append((id, request, nil))
        }
        let arrival = clock.arrival(wall: wall, monotonic: monotonic)
        inFlightArrival = arrival
        let isFormed =
            members.allSatisfy { $0.ended == nil && !$0.request.append.isConditional }
            && formed(members.map(\.id), bytes: members.reduce(0) { $0 + $1.request.bytes })
        return (members, refused, CommitGroup(arrival: arrival, ends: ends), isFormed)
    }

    /// A group is formed of these. Returns whether anything is to be written.
    mutating func formed(_ written: [AppendID], bytes: Int) -> Bool {
        if case .write = commit.formed(written, bytes: bytes) { return true }
        inFlightArrival = nil
        return false
    }

    /// The group's frame was written, up to this place of its file, or was not.
    mutating func wrote(_ result: Result<Void, GroupCommit.JournalFailure>, end: UInt64) -> GroupCommit.Action {
        if case .success = result { files.wrote(upTo: end) }
        return commit.wrote(result)
    }

    /// The group's sync has failed.
    mutating func syncFailed(_ failure: GroupCommit.JournalFailure) -> GroupCommit.Action { commit.synced(.failure(failure)) }

    /// Makes a group readable that is durable.
    mutating func publish(_ group: CommitGroup, syncNanoseconds: UInt64) -> [Waiters.Wake] {
        statistics.recordSync(nanoseconds: syncNanoseconds)
        // What an append changed in marks is in no segment: the first frame of a later file has all of them.
        _ = commit.synced(.success(()), flushable: group.batches.reduce(0) { $0 + LogItem.byteCount($1) })
        let journal = files.all[files.all.count - 1].number
        var wakes: [Waiters.Wake] = []
        var (batches, places) = (group.batches.makeIterator(), group.logs.makeIterator())
        for entry in group.entries {
            guard entry.kind == .batch, let batch = batches.next(), let log = places.next() else {
                wakes += succeed(entry, at: group.arrival)
                continue
            }
            statistics.appendedBytes += UInt64(batch.bytes.count)
            hold(
                LogItem(
                    baseOffset: batch.baseOffset, endOffset: batch.baseOffset + Int64(batch.recordCount), arrival: group.arrival,
                    batch: batch, journal: journal), in: log)
            wakes += waiters.remove(reachedBy: logs[log]?.highWatermark, in: log)
        }
        statistics.appendCount += group.members.count
        statistics.diskIsFull = commit.flushIsStalled
        inFlightArrival = nil
        return wakes
    }

    /// Takes in the end or the beginning of a log that the journal holds.
    /// - Returns: those who wait for records that will not come.
    private mutating func succeed(_ entry: JournalEntry, at arrival: Int64) -> [Waiters.Wake] {
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

    /// The group under way has left no trace.
    mutating func groupWasRefused() { inFlightArrival = nil }

    /// Takes out requests that are refused.
    mutating func takeRefused(_ ids: [AppendID], _ failure: GroupCommit.JournalFailure) -> [AppendRequest] {
        if failure.diskIsFull { statistics.diskIsFull = true }
        return ids.compactMap { requests.removeValue(forKey: $0) }
    }

    /// Takes in what became of removals.
    /// - Returns: the logs that are gone, and those who wait for their records.
    mutating func end(
        _ removals: [Removal], _ failure: GroupCommit.JournalFailure?, journalEnd: UInt64
    ) -> (gone: [ShardLog], wakes: [Waiters.Wake]) {
        if let failure {
            for removal in removals { logs[removal.log]?.isRemoved = false }
            if failure.diskIsFull { statistics.diskIsFull = true }
            if !failure.passes { seal(failure) }
            return ([], [])
        }
        commit.passedFrame()
        files.wrote(upTo: journalEnd)
        var (gone, wakes) = ([ShardLog](), [Waiters.Wake]())
        for removal in removals {
            drop(removal.log, upTo: .max)
            if let log = logs.removeValue(forKey: removal.log) { gone.append(log) }
            unflushedLogs.remove(removal.log)
            removed.insert(removal.log)
            wakes += waiters.remove(reachedBy: nil, in: removal.log)
        }
        return (gone, wakes)
    }

    // MARK: Items

    /// Takes in an item that the journal holds.
    private mutating func hold(_ item: LogItem, in log: LogID) {
        guard logs[log] != nil else { return commit.flushed(bytes: item.byteCount) }
        logs[log]?.append(item)
        unflushedLogs.insert(log)
        files.hold(item)
    }

    /// Forgets items that are in a segment now, or were trimmed.
    private mutating func settle(_ items: some Sequence<LogItem>) {
        for item in items {
            commit.flushed(bytes: item.byteCount)
            files.settle(item)
        }
    }

    /// Notes that segments hold a log's items up to an offset. They stay in memory while there is room.
    private mutating func flushed(_ log: LogID, upTo offset: Int64) {
        guard let items = logs[log]?.items.markFlushed(endingBy: offset) else { return }
        settle(items)
        for item in items { tail.add(item, of: log) }
        while let oldest = tail.evict() { logs[oldest.log]?.items.evict(endingBy: oldest.endOffset) }
        if logs[log]?.items.unflushed.isEmpty ?? true { unflushedLogs.remove(log) }
    }

    /// Drops a log's items up to an offset, wherever they are.
    private mutating func drop(_ log: LogID, upTo offset: Int64) {
        guard let items = logs[log]?.items.drop(endingBy: offset) else { return }
        settle(items)
        if logs[log]?.items.unflushed.isEmpty ?? true { unflushedLogs.remove(log) }
    }

    /// Takes in what was written to a segment.
    mutating func publish(_ segment: Segment, _ part: FlushPart) {
        commit.stall = nil
        guard let end = part.items.last?.endOffset, logs[part.log] != nil else { return }
        if let last = logs[part.log]?.segments.indices.last, logs[part.log]?.segments[last].baseOffset == segment.baseOffset {
            logs[part.log]?.segments[last] = segment
        } else {
            // Whatever was the last one takes no more.
            if let last = logs[part.log]?.segments.indices.last {
                logs[part.log]?.segments[last].isSealed = true
                logs[part.log]?.segments[last].state.index = []
            }
            logs[part.log]?.segments.append(segment)
        }
        if part.isNewDirectory { logs[part.log]?.startGeneration = StartOffsetFile.firstGeneration }
        flushed(part.log, upTo: end)
    }

    /// A log begins at a later offset now, durably.
    /// - Returns: the segments that lie before it.
    mutating func trimmed(_ id: LogID, to slot: StartOffsetFile) -> [Segment] {
        guard logs[id] != nil else { return [] }
        drop(id, upTo: slot.offset)
        logs[id]?.startOffset = slot.offset
        logs[id]?.startGeneration = slot.generation
        let expired = (logs[id]?.segments ?? []).prefix { $0.endOffset <= slot.offset }
        logs[id]?.segments.removeFirst(expired.count)
        return Array(expired)
    }

    // MARK: The segments' turns

    mutating func takeJob() -> SegmentJob? { jobs.isEmpty ? nil : jobs.removeFirst() }

    /// The segments' next piece of work; nil when there is none.
    mutating func nextSegmentTask(_ options: LogOptions) -> SegmentTask? {
        if let job = takeJob() { return .job(job) }
        // On a full disk this makes space.
        if coveredJournal(options.judge) != nil, commit.stall?.cause != .exhausted { return .dropJournals }
        switch phase {
        case .open, .draining:
            if flushIsDue(options) { return .flush(unflushedLogs.sorted()) }
            return spareIsDue(options) ? .makeSpare : nil
        case .flushing:
            if failure == nil, !commit.flushIsStalled, !unflushedLogs.isEmpty { return .flush(unflushedLogs.sorted()) }
            phase = .rolling
            return .handOver
        case .rolling: return nil
        case .removing, .closed: return .finish
        }
    }

    /// The journal has begun its last file, or needs none.
    mutating func rolledLast() { phase = .removing }

    /// All is closed. Returns who is to be told.
    mutating func finishClosing() -> (jobs: [SegmentJob], replies: [@Sendable () -> Void]) {
        phase = .closed
        defer { (jobs, closeReplies) = ([], []) }
        return (jobs, closeReplies)
    }

    // MARK: Failures

    /// Nothing is written any more, as soon as no group is under way.
    mutating func seal(_ failure: GroupCommit.JournalFailure) { if self.failure == nil { sealRequest = failure } }

    /// The segments' side cannot write for now.
    mutating func pause(because failure: GroupCommit.JournalFailure) {
        commit.stall = failure
        if failure.diskIsFull { statistics.diskIsFull = true }
    }

    /// The disk may be tried again; it is not full any more where that is known.
    mutating func resume(hasSpace: Bool) {
        guard phase == .open else { return }
        commit.stall = nil
        if hasSpace { statistics.diskIsFull = false }
    }

    /// Counts damage. Returns whether it was not known.
    mutating func note(_ damage: RecoveryReport.Damage) -> Bool {
        // Whoever reads on and on past thousands of damaged ranges need not be told of each for ever.
        guard knownDamage.count < 10_000, knownDamage.insert(damage).inserted else { return false }
        statistics.corruptBatches += 1
        return true
    }

    // MARK: Files

    /// What the next journal file begins with. Takes a spare if there is one.
    /// - Parameter number: the file's.
    mutating func fileStart<D: Disk>(_ number: UInt64, monotonic: UInt64, note: [UInt8]?) -> JournalWriter<D>.FileStart {
        // Mixed, so that a producer that knows the time does not know it; and another one for another file, whatever the clocks do.
        var nonce = (monotonic ^ number << 40) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(bitPattern: clock.lastArrival)
        nonce = (nonce ^ (nonce >> 29)) &* 0xBF58_476D_1CE4_E5B9
        return JournalWriter<D>.FileStart(
            arrival: clock.lastArrival, positions: positions, note: note, nonce: UInt32(truncatingIfNeeded: nonce >> 32),
            spare: files.takeSpare())
    }

    /// A new journal file was begun; it holds one frame.
    mutating func begin(_ file: JournalFile) {
        files.begin(file)
        commit.passedFrame()
    }

    /// A journal file is gone; it has become a spare, or not.
    mutating func forget(_ file: JournalFile, recycledAs spare: UInt64?) { files.forget(file, recycledAs: spare) }

    mutating func newSpare() -> UInt64 { files.newSpare() }
    mutating func add(spare: UInt64) { files.add(spare: spare) }
    mutating func spareWasNotMade() { files.spareWasNotMade() }
    mutating func spareNumber(for file: JournalFile, _ options: LogOptions) -> UInt64? { files.spareNumber(for: file, options) }

    // MARK: Snapshots

    mutating func beginSnapshot() { kept.hold() }

    /// Returns whether there is something to be deleted now.
    mutating func endSnapshot() -> Bool {
        guard let work = kept.release(), phase == .open else { return false }
        // What the process does not live to delete, the next start does.
        jobs += work.map { SegmentJob(work: $0, reply: { _ in }) }
        return true
    }

    mutating func keep(_ segments: [String]) -> Bool { kept.keep(segments) }
    mutating func keepFiles(of log: LogID) -> Bool { kept.keep(log) }
    mutating func forgetFiles(of log: LogID) { kept.forget(log) }

    // MARK: Recovery

    /// Takes in an item that recovery has found in the journal, or found missing.
    mutating func recover(_ item: LogItem, in log: LogID) {
        commit.recovered(bytes: item.byteCount)
        hold(item, in: log)
    }

    /// Damage that recovery has found.
    mutating func recover(_ damages: [RecoveryReport.Damage]) {
        knownDamage = Set(damages)
        statistics.corruptBatches = damages.count
    }

    /// A log takes no records any more.
    mutating func end(_ log: LogID, _ end: LogEnd) { logs[log]?.end = end }

    /// A journal file goes to quarantine in the end.
    mutating func keep(journalFile index: Int) { files.keep(index) }

    /// No journal file could be begun at the start.
    mutating func startFailed(_ failure: GroupCommit.JournalFailure) {
        if failure.diskIsFull { statistics.diskIsFull = true }
        if !failure.passes { seal(failure) }
    }
}
