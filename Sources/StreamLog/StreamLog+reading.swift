/// Reading: from memory what no segment holds yet, else from a segment on an I/O thread.

internal import Host
internal import RecordBatch
internal import Synchronization

extension StreamLog {
    /// The readable span.
    /// - Throws: `.logNotFound`, `.closed`.
    public func bounds(_ id: LogID) throws(LogError) -> (startOffset: Int64, highWatermark: Int64) {
        try node.withLock { state throws(LogError) in
            let log = try state.log(id)
            return (log.startOffset, log.highWatermark)
        }
    }

    /// Where an offset lies.
    private enum Place: Sendable {
        case answer(LogRead)
        case segment(Segment)
    }

    /// Committed batches from the one that holds `offset` on: whole ones, at most `maxBytes` of them but at least one if there is any.
    ///
    /// It may give fewer than there are; read on at the end of the last one. At the high watermark it gives none.
    /// - Throws: `.offsetOutOfRange`, `.damaged`, `.logNotFound`, `.failed`, `.closed`.
    public func read(_ id: LogID, from offset: Int64, maxBytes: Int) async throws(LogError) -> LogRead {
        guard case .answer(let read) = try find(offset, in: id, maxBytes: maxBytes) else {
            guard let readThreads else { return try readNow(id, from: offset, maxBytes: maxBytes) }
            return try await readThreads.run { [self] () -> Result<LogRead, LogError> in
                Result { () throws(LogError) in try readNow(id, from: offset, maxBytes: maxBytes) }
            }.get()
        }
        return read
    }

    /// The batches that hold some offsets, which rise; one that holds several is given once. Offsets that the log does not hold have none.
    ///
    /// All are read by one visit to a thread: of small batches the way there and back costs more than the reading.
    /// - Throws: as `read`, except `.offsetOutOfRange`.
    public func batches(_ id: LogID, holding offsets: [Int64]) async throws(LogError) -> [LogBatch] {
        let look = { @Sendable [self] () -> Result<[LogBatch], LogError> in
            Result { () throws(LogError) in try batchesNow(id, holding: offsets) }
        }
        guard let readThreads else { return try look().get() }
        return try await readThreads.run(look).get()
    }

    private func batchesNow(_ id: LogID, holding offsets: [Int64]) throws(LogError) -> [LogBatch] {
        var found: [LogBatch] = []
        for offset in offsets where found.last.map({ $0.endOffset <= offset }) ?? true {
            do throws(LogError) {
                found += try readNow(id, from: offset, maxBytes: 1).batches.prefix(1)
            } catch .offsetOutOfRange {
                continue
            }
        }
        return found
    }

    /// As `read`, without waiting; nil when the batches lie in a segment.
    public func readFromMemory(_ id: LogID, from offset: Int64, maxBytes: Int) throws(LogError) -> LogRead? {
        guard case .answer(let read) = try find(offset, in: id, maxBytes: maxBytes) else { return nil }
        return read
    }

    /// Runs `work`, which may call `readNow`, on an I/O thread, soon. False, with nothing done, where there are none.
    public func submitReads(_ work: @escaping @Sendable () -> Void) -> Bool {
        guard let readThreads else { return false }
        readThreads.submit(work)
        return true
    }

    /// As `read`, on the caller's thread, which waits for the disk: never call it on the cooperative pool.
    public func readNow(_ id: LogID, from offset: Int64, maxBytes: Int) throws(LogError) -> LogRead {
        var attempts = 0
        while true {
            let segment: Segment
            switch try find(offset, in: id, maxBytes: maxBytes) {
            case .answer(let read): return read
            case .segment(let found): segment = found
            }
            switch reader.read(segment, from: offset, maxBytes: maxBytes) {
            case .batches(let batches):
                let (start, end) = try bounds(id)
                return LogRead(batches: batches, startOffset: start, highWatermark: end)
            case .damaged(let from, let through, let isCorrupt):
                // Retention may have dropped it meanwhile, and then it is no damage.
                let (start, end) = try bounds(id)
                guard offset >= start else { throw .offsetOutOfRange(id, offset: offset, startOffset: start, highWatermark: end) }
                if isCorrupt { report(RecoveryReport.Damage(log: id, from: from, through: through)) }
                throw .damaged(id, from: from, through: through)
            case .notFound:
                // Retention may have dropped it between the look-up and the read.
                attempts += 1
                if attempts == 3 { throw .damaged(id, from: segment.baseOffset, through: segment.endOffset - 1) }
            case .failed(let error):
                throw error.kind == .exhausted ? .overloaded : .failed("\(error)")
            }
        }
    }

    /// Counts damage and tells of it when it is found for the first time.
    private func report(_ damage: RecoveryReport.Damage) {
        if node.withLock({ $0.note(damage) }) { options.onDamage?(damage) }
    }

    private func find(_ offset: Int64, in id: LogID, maxBytes: Int) throws(LogError) -> Place {
        try node.withLock { state throws(LogError) in
            // Checked in place: a copy of the log would make its next change copy its items.
            if state.phase == .closed { throw .closed }
            guard let log = state.logs[id], !log.isRemoved else { throw .logNotFound(id) }
            return try StreamLog.find(offset, in: log, maxBytes: maxBytes)
        }
    }

    private static func find(_ offset: Int64, in log: ShardLog, maxBytes: Int) throws(LogError) -> Place {
        guard offset >= log.startOffset, offset <= log.highWatermark else {
            throw .offsetOutOfRange(log.id, offset: offset, startOffset: log.startOffset, highWatermark: log.highWatermark)
        }
        if offset == log.highWatermark {
            return .answer(LogRead(batches: [], startOffset: log.startOffset, highWatermark: log.highWatermark))
        }
        if let first = log.items.all.first, first.baseOffset <= offset {
            return .answer(
                LogRead(
                    batches: try inMemory(log, from: offset, maxBytes: maxBytes), startOffset: log.startOffset,
                    highWatermark: log.highWatermark))
        }
        let index = log.segmentIndex(from: offset)
        if index < log.segments.count, log.segments[index].baseOffset <= offset { return .segment(log.segments[index]) }
        let held = index > 0 ? log.segments[index - 1].endOffset : log.startOffset
        let next =
            index < log.segments.count ? log.segments[index].baseOffset : log.items.all.first?.baseOffset ?? log.highWatermark
        throw .damaged(log.id, from: max(log.startOffset, held), through: next - 1)
    }

    private static func inMemory(_ log: ShardLog, from offset: Int64, maxBytes: Int) throws(LogError) -> [LogBatch] {
        var batches: [LogBatch] = []
        var bytes = 0
        let items = log.items.all
        for item in items[log.items.index(from: offset)...] {
            guard let batch = item.batch else {
                if batches.isEmpty { throw .damaged(log.id, from: item.baseOffset, through: item.endOffset - 1) }
                break
            }
            if !batches.isEmpty, bytes + batch.bytes.count > maxBytes { break }
            batches.append(LogBatch(baseOffset: item.baseOffset, arrivalMilliseconds: item.arrival, batch: batch))
            bytes += batch.bytes.count
        }
        return batches
    }

    /// The first offset whose record arrived at or after a time; the high watermark when there is none.
    /// - Throws: `.logNotFound`, `.failed`, `.closed`.
    public func firstOffset(_ id: LogID, arrivedAtOrAfter milliseconds: Int64) async throws(LogError) -> Int64 {
        let log = try node.withLock { state throws(LogError) in try state.log(id) }
        for segment in log.segments where segment.state.lastArrival >= milliseconds {
            let look = { @Sendable [reader] in reader.firstOffset(segment, arrivedAtOrAfter: milliseconds) }
            let result = if let readThreads { await readThreads.run(look) } else { look() }
            switch result {
            case .success(let offset?): return max(offset, try bounds(id).startOffset)
            case .success(nil): continue
            case .failure(let error) where error.kind == .notFound: continue
            case .failure(let error): throw error.kind == .exhausted ? .overloaded : .failed("\(error)")
            }
        }
        let item = log.items.unflushed.first { $0.arrival >= milliseconds }
        return max(item?.baseOffset ?? log.highWatermark, try bounds(id).startOffset)
    }

    /// Returns when one of the logs has records at or past the offset given for it (or has ended, or is gone), or after `timeout`, or when the task is
    /// cancelled or the log closed.
    /// - Returns: whether there are such records.
    public func awaitRecords(_ positions: [LogID: Int64], timeout: Duration) async -> Bool {
        let id = node.withLock { $0.newID() }
        let deadline = began.duration(to: .now) + max(timeout, .zero)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (wake: Waiters.Wake) in
                let (answer, sleepUntil) = node.withLock { state -> (Bool?, Waiters.Time?) in
                    if state.phase != .open || Task.isCancelled { return (false, nil) }
                    for (log, offset) in positions {
                        guard let log = state.logs[log], log.highWatermark <= offset, log.end == nil else { return (true, nil) }
                    }
                    return (nil, state.wait(id, positions, until: deadline.waitersTime, wake))
                }
                if let answer { return wake.resume(returning: answer) }
                if let sleepUntil { expireWaiters(at: sleepUntil) }
            }
        } onCancel: {
            node.withLock { $0.stopWaiting(id) }?.resume(returning: false)
        }
    }

    /// Sleeps until a time and wakes those who have waited long enough, for as long as there are others.
    private func expireWaiters(at first: Waiters.Time) {
        Task.detached { [weak self, began] in
            var next: Waiters.Time? = first
            while let time = next {
                // A cancelled sleep, of which there is none, would only end the wait of those who are due early.
                try? await Task.sleep(until: began + .nanoseconds(Int64(clamping: time)))
                guard let node = self?.node else { return }
                let now = began.duration(to: .now).waitersTime
                let (wakes, later) = node.withLock { $0.expireWaiters(at: max(now, time), awaited: time) }
                for wake in wakes { wake.resume(returning: false) }
                next = later
            }
        }
    }
}

extension Duration {
    /// In nanoseconds, at most some two hundred years.
    fileprivate var waitersTime: Waiters.Time {
        let (seconds, attoseconds) = components
        guard seconds < 1 << 32 else { return 1 << 62 }
        return UInt64(clamping: seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
