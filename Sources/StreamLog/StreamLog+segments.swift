/// The segment thread: writes what the journal holds into segments, drops covered journal files, and does the work on logs' files.

internal import Host

extension StreamLog {
    private enum SegmentTask {
        case job(SegmentJob)
        /// Write out these logs.
        case flush([LogID])
        case handOver
        case finish
    }

    /// How long to wait before a full disk is tried again, in milliseconds.
    private static var fullDiskPause: Int { 100 }

    func runSegments() {
        while true {
            let task = node.wait(on: NodeCondition.segments) { state -> SegmentTask? in
                if !state.jobs.isEmpty { return .job(state.jobs.removeFirst()) }
                switch state.phase {
                case .open, .draining: return state.flushIsDue(options) ? .flush(state.unflushedLogs) : nil
                case .flushing:
                    let logs = state.failure == nil && !state.commit.flushIsStalled ? state.unflushedLogs : []
                    if !logs.isEmpty { return .flush(logs) }
                    state.phase = .rolling
                    return .handOver
                case .rolling: return nil
                case .removing, .closed: return .finish
                }
            }
            switch task {
            case .job(let job): run(job)
            case .flush(let logs): flush(logs)
            case .handOver: node.withLockAndWake { _ in }
            case .finish: return finishClosing()
            }
        }
    }

    private func finishClosing() {
        dropCoveredJournals()
        let (jobs, replies) = node.withLockAndWake { state in
            state.phase = .closed
            defer {
                state.jobs = []
                state.closeReplies = []
            }
            return (state.jobs, state.closeReplies)
        }
        for job in jobs { job.reply.resume(returning: .failure(.closed)) }
        for reply in replies { reply.resume() }
    }

    // MARK: Flushing

    private func flush(_ logs: [LogID]) {
        for log in logs {
            while let part = node.withLock({ $0.nextPart(of: log, options) }) {
                do throws(DiskError) {
                    let segments = try write(part)
                    node.withLockAndWake { $0.publish(segments, part) }
                } catch {
                    return flushFailed(error)
                }
            }
            // Those who create or trim a log do not wait for all the others to be written.
            while let job = node.withLock({ $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }) { run(job) }
        }
        dropCoveredJournals()
    }

    private func flushFailed(_ error: DiskError) {
        let failure = JournalWriter<D>.failure(error)
        guard failure.diskIsFull else { return seal(failure) }
        node.withLockAndWake { state in
            state.commit.flushIsStalled = true
            state.statistics.diskIsFull = true
        }
        _ = node.wait(on: NodeCondition.segments, atMost: StreamLog.fullDiskPause) {
            $0.phase >= .draining || !$0.jobs.isEmpty ? () : nil
        }
        node.withLockAndWake { if $0.phase < .draining { $0.commit.flushIsStalled = false } }
    }

    /// A sync failed or a write did for another reason than space: nothing is tried again.
    private func seal(_ failure: GroupCommit.JournalFailure) {
        node.withLockAndWake { if $0.failure == nil { $0.sealRequest = failure } }
    }

    /// Writes a part of a log's items to its last segment or to a new one, syncs it, and seals it when it is long enough.
    /// - Returns: the segment as it is now.
    private func write(_ part: FlushPart) throws(DiskError) -> Segment {
        var segment: Segment
        let file: D.File
        if let last = part.segment {
            segment = last
            file = try disk.open(last.path, .existing)
        } else {
            segment = Segment(
                log: part.log, baseOffset: part.items[part.items.startIndex].baseOffset,
                state: SegmentState(baseOffset: 0, headerChecksum: 0), isSealed: false, fileBytes: 0)
            file = try disk.open(segment.path, .createIfAbsent)
        }
        defer { file.close() }
        let isNew = part.segment == nil
        var bytes: [UInt8] = []
        if isNew {
            bytes = SegmentHeader.encode(log: part.log, baseOffset: segment.baseOffset)
            let checksum = bytes.withUnsafeBytes { SegmentHeader($0)?.checksum } ?? 0
            segment.state = SegmentState(baseOffset: segment.baseOffset, headerChecksum: checksum)
        }
        // What stands after the last frame is the rest of a write that failed, or frames that the journal holds again.
        let place = isNew ? 0 : segment.state.framesEnd
        if try file.size() > place { try file.truncate(to: place) }
        for item in part.items {
            let start = bytes.count
            let checksum = SegmentFrameHeader.encode(item, previousChecksum: segment.state.lastChecksum, into: &bytes)
            segment.state.add(
                offset: item.baseOffset, endOffset: item.endOffset, arrival: item.arrival, length: bytes.count - start,
                checksum: checksum, indexInterval: options.indexIntervalBytes)
        }
        if segment.state.framesEnd >= options.segmentBytes {
            bytes += SegmentTrailer.encode(segment.state)
            segment.isSealed = true
        }
        try file.write(bytes, at: place)
        segment.fileBytes = place + UInt64(bytes.count)
        try syncing { () throws(DiskError) in
            try file.sync()
            if isNew { try disk.syncDirectory(Paths.directory(part.log)) }
        }
        if segment.isSealed { segment.state.index = [] }
        return segment
    }

    /// Runs syncs. One that fails for lack of space has failed for good like any other.
    func syncing(_ body: () throws(DiskError) -> Void) throws(DiskError) {
        do throws(DiskError) {
            try body()
        } catch {
            throw error.kind == .noSpace ? DiskError(.inputOutput, operation: error.operation, path: error.path) : error
        }
    }

    /// Removes journal files from the oldest on, as long as segments hold all that is in them.
    ///
    /// Each removal is made durable before the next: a file that came back without its successor would look like damage.
    private func dropCoveredJournals() {
        while let file = node.withLock({ $0.coveredJournal }) {
            do throws(DiskError) {
                let path = Paths.journal(file.number)
                if file.isKept {
                    try Quarantine(disk: disk).move(path)
                } else {
                    try disk.remove(path)
                }
                try syncing { () throws(DiskError) in try disk.syncDirectory(Paths.journal) }
            } catch  where error.kind == .notFound {
                // Gone already.
            } catch {
                return seal(JournalWriter<D>.failure(error))
            }
            node.withLockAndWake { state in state.journals.removeAll { $0.number == file.number } }
        }
    }

    // MARK: Jobs

    private func run(_ job: SegmentJob) {
        let result: Result<Void, LogError>
        do throws(LogError) {
            if let failure = node.withLock({ $0.failure }), !job.work.worksWhenSealed { throw .readOnly(reason: failure.reason) }
            switch job.work {
            case .create(let log): try create(log)
            case .trim(let log, let offset): try trimNow(log, before: offset)
            case .removeFiles(let log): try onDisk { () throws(DiskError) in try LogDirectory(disk: disk, log: log).remove() }
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        job.reply.resume(returning: result)
    }

    /// Runs disk work. What fails other than for lack of space seals the log.
    private func onDisk<Result>(_ body: () throws(DiskError) -> Result) throws(LogError) -> Result {
        do throws(DiskError) {
            return try body()
        } catch {
            let failure = JournalWriter<D>.failure(error)
            if !failure.diskIsFull { seal(failure) }
            throw .readOnly(reason: failure.reason)
        }
    }

    private func create(_ id: LogID) throws(LogError) {
        let exists = try node.withLock { state throws(LogError) in
            if state.removed.contains(id) { throw .failed("the log \(id) was removed; a name is not given twice") }
            return state.logs[id] != nil
        }
        if exists { return }
        try onDisk { () throws(DiskError) in try LogDirectory(disk: disk, log: id).create(startOffset: 0) }
        node.withLockAndWake { $0.logs[id] = ShardLog(id: id, startOffset: 0, startGeneration: 1) }
    }

    private func trimNow(_ id: LogID, before offset: Int64) throws(LogError) {
        let log = try node.withLock { state throws(LogError) in try state.log(id) }
        guard offset > log.startOffset else { return }
        let slot = StartOffsetFile(offset: offset, generation: log.startGeneration + 1)
        try onDisk { () throws(DiskError) in
            let file = try disk.open(Paths.start(id), .existing)
            defer { file.close() }
            try syncing { () throws(DiskError) in try slot.write(to: file) }
        }
        let dropped = node.withLockAndWake { state -> [Segment] in
            guard var log = state.logs[id] else { return [] }
            log.startOffset = offset
            log.startGeneration = slot.generation
            let items = log.dropItems(endingBy: offset)
            let expired = log.segments.prefix { $0.endOffset <= offset }
            log.segments.removeFirst(expired.count)
            state.logs[id] = log
            state.settle(items)
            return Array(expired)
        }
        // The start is durable, so a file that stays, or comes back, is dropped by the next start.
        for segment in dropped {
            reader.forget(segment.path)
            try onDisk { () throws(DiskError) in try disk.remove(segment.path) }
        }
    }
}

extension SegmentJob.Work {
    /// Removing files needs no sync to be right: what comes back is removed by the next start.
    var worksWhenSealed: Bool {
        if case .removeFiles = self { true } else { false }
    }
}

/// Items of one log that go into one segment together.
struct FlushPart: Sendable {
    var log: LogID
    /// The segment to go on with, nil for a new one.
    var segment: Segment?
    var items: ArraySlice<LogItem>
}

extension NodeState {
    var unflushedLogs: [LogID] { logs.values.filter { !$0.unflushed.isEmpty && !$0.isRemoved }.map(\.id).sorted() }

    /// The oldest journal file if all of it is in segments and it is not the one that is written to.
    var coveredJournal: JournalFile? {
        guard journals.count > 1, let first = journals.first, first.unflushedItems == 0, failure == nil else { return nil }
        return first
    }

    /// Whether the segment thread is to write: much is in memory, or an old journal file waits to be covered.
    func flushIsDue(_ options: LogOptions) -> Bool {
        if failure != nil { return false }
        let threshold = min(options.flushThresholdBytes, options.maxUnflushedBytes)
        if commit.unflushedBytes >= threshold { return true }
        return journals.count > 1 && (coveredJournal != nil || logs.values.contains { !$0.unflushed.isEmpty && !$0.isRemoved })
    }

    /// The next items of a log that fit into one segment; nil when all are written.
    mutating func nextPart(of id: LogID, _ options: LogOptions) -> FlushPart? {
        guard failure == nil, let log = logs[id], !log.isRemoved, let first = log.unflushed.first else { return nil }
        let last = log.segments.last.flatMap { $0.isSealed ? nil : $0 }
        var bytes = last?.state.framesEnd ?? UInt64(SegmentHeader.size)
        var end = log.unflushed.startIndex
        while end < log.unflushed.endIndex, end == log.unflushed.startIndex || bytes < options.segmentBytes {
            bytes += UInt64(log.unflushed[end].byteCount)
            end += 1
        }
        // A gap before the start offset would look like damage within a segment: begin a new one instead.
        let continues = last.map { $0.endOffset == first.baseOffset } ?? false
        return FlushPart(log: id, segment: continues ? last : nil, items: log.unflushed[..<end])
    }

    /// Takes in what the segment thread wrote.
    mutating func publish(_ segment: Segment, _ part: FlushPart) {
        commit.flushIsStalled = false
        guard var log = logs[part.log], let end = part.items.last?.endOffset else { return }
        if let last = log.segments.last, last.baseOffset == segment.baseOffset {
            log.segments[log.segments.count - 1] = segment
        } else {
            log.segments.append(segment)
        }
        let items = log.dropItems(endingBy: end)
        logs[part.log] = log
        settle(items)
    }
}
