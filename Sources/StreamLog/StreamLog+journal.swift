/// The journal thread: forms groups, writes and syncs them, tells those who wait.

internal import Host
internal import RecordBatch

extension StreamLog {
    private enum JournalTask {
        case act(GroupCommit.Action)
        case remove(Removal)
        case beginLastFile
        /// Closing has come a step further: wake the segment thread.
        case handOver
        case stop
    }

    /// A group as it is written: who waits for it, and its frame's entries.
    private struct Group {
        var requests: [(id: AppendID, request: AppendRequest)] = []
        var entries: [JournalEntry] = []
        var batches: [RecordBatch] = []
        var arrival: Int64 = 0
    }

    func runJournal(_ writer: JournalWriter<D>) {
        var writer = writer
        while true {
            let task = node.wait(on: NodeCondition.journal) { state -> JournalTask? in
                if let request = state.sealRequest, state.commit.sealed == nil { return .act(state.commit.seal(because: request)) }
                if !state.removals.isEmpty { return .remove(state.removals.removeFirst()) }
                switch state.commit.next() {
                case .wait: break
                case let action: return .act(action)
                }
                switch state.phase {
                case .draining:
                    guard state.commit.isIdle else { return nil }
                    state.phase = .flushing
                    return .handOver
                case .rolling: return .beginLastFile
                case .removing, .closed: return .stop
                case .open, .flushing: return nil
                }
            }
            switch task {
            case .act(.write(let ids)): writeGroup(ids, &writer)
            case .act(.refuse(let ids, let failure)), .act(.seal(let ids, let failure)): refuse(ids, failure)
            case .handOver: node.withLockAndWake { _ in }
            case .act: preconditionFailure("only a group's writer gets this")
            case .remove(let removal): writeRemoval(removal, &writer)
            case .beginLastFile:
                beginLastFile(&writer)
                node.withLockAndWake { $0.phase = .removing }
            case .stop:
                writer.close()
                return
            }
        }
    }

    // MARK: Groups

    private func writeGroup(_ ids: [AppendID], _ writer: inout JournalWriter<D>) {
        if let failure = ensureFile(&writer) {
            let action = node.withLock { $0.commit.wrote(.failure(failure)) }
            return finish(action)
        }
        guard var group = form(ids) else { return }
        writer.frames.make(arrival: group.arrival, entries: group.entries, batches: group.batches.map(\.bytes))
        let written = Result { () throws(GroupCommit.JournalFailure) in try writer.write() }
        let end = writer.end
        let afterWrite = node.withLock { state in
            state.putBack(group.requests)
            if case .success = written { state.journals[state.journals.count - 1].bytes = end }
            return state.commit.wrote(written)
        }
        guard case .sync = afterWrite else { return finish(afterWrite) }
        let start = time.monotonicNanoseconds()
        let synced = Result { () throws(GroupCommit.JournalFailure) in try writer.sync() }
        let nanoseconds = time.monotonicNanoseconds() &- start
        let action = node.withLock { state -> GroupCommit.Action in
            state.statistics.recordSync(nanoseconds: nanoseconds)
            return state.commit.synced(synced)
        }
        guard case .acknowledge = action else { return finish(action) }
        publish(&group)
    }

    /// Takes the requests of a group, drops those whose log has gone, and assigns arrival and offsets.
    private func form(_ ids: [AppendID]) -> Group? {
        let (wall, monotonic) = (time.wallMilliseconds(), time.monotonicNanoseconds())
        var group = Group()
        var ends: [LogID: Int64] = [:]
        let refused = node.withLock { state -> [(AppendRequest.Reply, LogError)] in
            var refused: [(AppendRequest.Reply, LogError)] = []
            var bytes = 0
            for id in ids {
                guard let request = state.requests.removeValue(forKey: id) else { continue }
                if let gone = request.entries.first(where: { state.logs[$0.log]?.isRemoved ?? true }) {
                    refused.append((request.reply, .logNotFound(gone.log)))
                    continue
                }
                for entry in request.entries where ends[entry.log] == nil { ends[entry.log] = state.logs[entry.log]?.highWatermark }
                group.requests.append((id, request))
                bytes += request.bytes
            }
            if case .write = state.commit.formed(group.requests.map(\.id), bytes: bytes) {
                group.arrival = state.clock.arrival(wall: wall, monotonic: monotonic)
                state.inFlightArrival = group.arrival
            }
            return refused
        }
        for (reply, error) in refused { reply.resume(returning: .failure(error)) }
        if group.requests.isEmpty { return nil }
        for (append, (_, request)) in group.requests.enumerated() {
            for entry in request.entries {
                let offset = ends[entry.log] ?? 0
                group.entries.append(
                    JournalEntry(
                        kind: .batch, log: entry.log, offset: offset, recordCount: UInt32(clamping: entry.batch.recordCount),
                        append: UInt32(append)))
                group.batches.append(entry.batch.settingBaseOffset(offset))
                ends[entry.log] = offset + Int64(entry.batch.recordCount)
            }
        }
        return group
    }

    /// Makes a synced group readable and tells those who wait.
    private func publish(_ group: inout Group) {
        let wakes = node.withLock { state -> [Waiters.Wake] in
            var wakes: [Waiters.Wake] = []
            let journal = state.journals[state.journals.count - 1].number
            var logs: Set<LogID> = []
            for (entry, batch) in zip(group.entries, group.batches) {
                state.statistics.appendedBytes += UInt64(batch.bytes.count)
                let item = LogItem(
                    baseOffset: entry.offset, endOffset: entry.endOffset, arrival: group.arrival, batch: batch, journal: journal)
                state.hold(item, in: entry.log)
                logs.insert(entry.log)
            }
            for log in logs { wakes += state.waiters.remove(reachedBy: state.logs[log]?.highWatermark, in: log) }
            for (id, _) in group.requests { state.requests[id] = nil }
            state.statistics.appendCount += group.requests.count
            state.statistics.diskIsFull = state.commit.flushIsStalled
            state.inFlightArrival = nil
            if state.flushIsDue(options) { node.wake(NodeCondition.segments) }
            return wakes
        }
        var place = 0
        for (_, request) in group.requests {
            let results = request.entries.indices.map { index in
                LogAppended(baseOffset: group.entries[place + index].offset, arrivalMilliseconds: group.arrival)
            }
            place += request.entries.count
            request.reply.resume(returning: .success(results))
        }
        for wake in wakes { wake.resume(returning: true) }
    }

    /// Ends a group that was not made durable.
    private func finish(_ action: GroupCommit.Action) {
        switch action {
        case .refuse(let ids, let failure):
            node.withLock { $0.inFlightArrival = nil }
            refuse(ids, failure)
        case .seal(let ids, let failure):
            // Its arrival stays in flight for ever: what it wrote may be there after the next start.
            refuse(ids, failure)
        case .wait, .write, .sync, .acknowledge: preconditionFailure("\(action) does not end a group")
        }
    }

    private func refuse(_ ids: [AppendID], _ failure: GroupCommit.JournalFailure) {
        let replies = node.withLockAndWake { state -> [AppendRequest.Reply] in
            if failure.diskIsFull { state.statistics.diskIsFull = true }
            return ids.compactMap { state.requests.removeValue(forKey: $0)?.reply }
        }
        for reply in replies { reply.resume(returning: .failure(.readOnly(reason: failure.reason))) }
    }

    // MARK: Files and removals

    /// Begins a new file when there is none or the current one is long enough. A full disk is no reason to stop while there is a file.
    private func ensureFile(_ writer: inout JournalWriter<D>) -> GroupCommit.JournalFailure? {
        let isDue = !writer.hasFile || writer.end >= options.journalFileBytes
        guard isDue else { return nil }
        do throws(GroupCommit.JournalFailure) {
            try beginFile(&writer)
            return nil
        } catch {
            return error.diskIsFull && writer.hasFile ? nil : error
        }
    }

    func beginFile(_ writer: inout JournalWriter<D>) throws(GroupCommit.JournalFailure) {
        let number = writer.nextNumber
        let (arrival, positions) = node.withLock { state in
            (state.clock.lastArrival, StreamLog.positions(of: state.logs))
        }
        try writer.startFile(arrival: arrival, positions: positions)
        let end = writer.end
        node.withLockAndWake { $0.begin(JournalFile(number: number, bytes: end)) }
    }

    static func positions(of logs: [LogID: ShardLog]) -> [JournalEntry] {
        logs.values.filter { !$0.isRemoved }.map { JournalEntry(kind: .position, log: $0.id, offset: $0.highWatermark) }
    }

    /// Before the end: an empty file in place of those that are covered by segments, so that the next start replays nothing.
    private func beginLastFile(_ writer: inout JournalWriter<D>) {
        let isUseful = node.withLock { state in
            state.failure == nil && state.commit.unflushedBytes == 0 && state.journals.allSatisfy { $0.unflushedItems == 0 }
        }
        guard isUseful, writer.frameCount > 1 else { return }
        do throws(GroupCommit.JournalFailure) {
            try beginFile(&writer)
        } catch {
            // The older files stay and will be replayed.
        }
    }

    private func writeRemoval(_ removal: Removal, _ writer: inout JournalWriter<D>) {
        var failure = node.withLock { $0.failure } ?? ensureFile(&writer)
        if failure == nil {
            let arrival = node.withLock { state in state.clock.lastArrival }
            writer.frames.make(arrival: arrival, entries: [JournalEntry(kind: .removal, log: removal.log, offset: 0)], batches: [])
            do throws(GroupCommit.JournalFailure) {
                try writer.write()
                try writer.sync()
            } catch {
                failure = error
            }
        }
        let end = writer.end
        let wakes = node.withLockAndWake { state -> [Waiters.Wake] in
            if let failure {
                state.logs[removal.log]?.isRemoved = false
                if failure.diskIsFull {
                    state.statistics.diskIsFull = true
                } else {
                    state.sealRequest = state.sealRequest ?? failure
                }
                return []
            }
            state.commit.passedFrame()
            state.journals[state.journals.count - 1].bytes = end
            if var log = state.logs.removeValue(forKey: removal.log) {
                state.settle(log.dropItems(endingBy: .max))
                for segment in log.segments { reader.forget(segment.path) }
            }
            state.removed.insert(removal.log)
            return state.waiters.remove(reachedBy: nil, in: removal.log)
        }
        for wake in wakes { wake.resume(returning: true) }
        removal.reply.resume(returning: failure.map { .failure(.readOnly(reason: $0.reason)) } ?? .success(()))
    }
}

extension NodeState {
    /// The requests of a group that is being written: found again by whoever refuses them.
    mutating func putBack(_ group: [(id: AppendID, request: AppendRequest)]) {
        for (id, request) in group { requests[id] = request }
    }

    /// A new journal file was begun; it holds one frame.
    mutating func begin(_ file: JournalFile) {
        journals.removeAll { $0.number == file.number }
        journals.append(file)
        commit.passedFrame()
    }
}
