/// What can be asked of the node's state, by whoever has its lock.

extension NodeState {
    /// Why appends are refused for good, if they are.
    var failure: GroupCommit.JournalFailure? { commit.sealed ?? sealRequest }

    /// Whether the disk was full when it was last tried.
    var isShortOfSpace: Bool { statistics.diskIsFull || commit.flushIsStalled }

    /// Whether a log takes no appends.
    func isGone(_ log: LogID) -> Bool { logs[log]?.isRemoved ?? true }

    /// The log, if it is there and not being removed.
    func log(_ id: LogID) throws(LogError) -> ShardLog {
        if phase == .closed { throw .closed }
        guard let log = logs[id], !log.isRemoved else { throw .logNotFound(id) }
        return log
    }

    /// Whether somebody should look what the journal is to do next.
    var journalHasWork: Bool {
        commit.hasWaiting || !removals.isEmpty || phase != .open || (sealRequest != nil && commit.sealed == nil)
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

    // MARK: What is due

    /// The oldest journal file if all of it is in segments and a later one has begun. One without a whole frame has not: where the disk is full it is
    /// removed again, and a log without any file of a journal is not opened.
    func coveredJournal(_ judge: any LogJudge) -> JournalFile? {
        guard let first = files.all.first, files.all.dropFirst().contains(where: { $0.bytes > 0 }),
            judge.mayGo(unflushed: first.unflushedItems), failure == nil
        else { return nil }
        return first
    }

    /// Whether everything is to be written out: much is in memory, or the journal has become long.
    func flushIsDue(_ options: LogOptions) -> Bool {
        if failure != nil || commit.flushIsStalled || unflushedLogs.isEmpty { return false }
        if commit.unflushedBytes >= min(options.flushThresholdBytes, options.maxUnflushedBytes) { return true }
        guard files.all.count > 1 else { return false }
        return files.all.count > 8 || files.all.reduce(0) { $0 + $1.bytes } >= options.maxJournalBytes
    }

    /// Whether a journal file is to be written in advance.
    func spareIsDue(_ options: LogOptions) -> Bool {
        options.spareJournalFiles > 0 && files.spares.isEmpty && !files.spareFailed && failure == nil && !commit.flushIsStalled
            && phase == .open && (files.all.last?.bytes ?? 0) >= options.prewriteAfterBytes
    }

    /// The next items of a log that fit into one segment; nil when all are written.
    func nextPart(of id: LogID, _ options: LogOptions) -> FlushPart? {
        guard failure == nil, let log = logs[id], !log.isRemoved, let first = log.items.unflushed.first else { return nil }
        // A gap before the start offset would look like damage within a segment: begin a new one instead.
        let last = log.segments.last.flatMap { last -> Segment? in
            let isYoung =
                clock.lastArrival.subtractingReportingOverflow(last.state.firstArrival).partialValue
                < options.segmentMaxAgeMilliseconds
            return last.isSealed || last.endOffset != first.baseOffset || !(isYoung || last.isCut) ? nil : last
        }
        var bytes = last?.state.framesEnd ?? UInt64(SegmentHeader.size)
        let items = log.items.unflushed
        var end = items.startIndex
        while end < items.endIndex, end == items.startIndex || bytes < options.segmentBytes {
            bytes += UInt64(items[end].byteCount)
            end += 1
        }
        return FlushPart(
            log: id, isNewDirectory: log.startGeneration == nil, startOffset: log.startOffset, segment: last, items: items[..<end])
    }
}
