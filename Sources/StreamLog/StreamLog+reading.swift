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
        var attempts = 0
        while true {
            let place = try node.withLock { state throws(LogError) in
                try StreamLog.find(offset, in: try state.log(id), maxBytes: maxBytes)
            }
            guard case .segment(let segment) = place else {
                guard case .answer(let read) = place else { continue }
                return read
            }
            let outcome = await readThreads.run { [reader] in reader.read(segment, from: offset, maxBytes: maxBytes) }
            switch outcome {
            case .batches(let batches):
                let (start, end) = try bounds(id)
                return LogRead(batches: batches, startOffset: start, highWatermark: end)
            case .damaged(let from, let through, let isCorrupt):
                if isCorrupt { node.withLock { $0.statistics.corruptBatches += 1 } }
                throw .damaged(id, from: from, through: through)
            case .notFound:
                // Retention may have dropped it between the look-up and the read.
                attempts += 1
                if attempts == 3 { throw .damaged(id, from: segment.baseOffset, through: segment.endOffset - 1) }
            case .failed(let error):
                throw .failed("\(error)")
            }
        }
    }

    private static func find(_ offset: Int64, in log: ShardLog, maxBytes: Int) throws(LogError) -> Place {
        guard offset >= log.startOffset, offset <= log.highWatermark else {
            throw .offsetOutOfRange(log.id, offset: offset, startOffset: log.startOffset, highWatermark: log.highWatermark)
        }
        if offset == log.highWatermark {
            return .answer(LogRead(batches: [], startOffset: log.startOffset, highWatermark: log.highWatermark))
        }
        let index = log.segmentIndex(from: offset)
        if index < log.segments.count {
            let segment = log.segments[index]
            if segment.baseOffset <= offset { return .segment(segment) }
            let held = index > 0 ? log.segments[index - 1].endOffset : log.startOffset
            throw .damaged(log.id, from: max(log.startOffset, held), through: segment.baseOffset - 1)
        }
        return .answer(
            LogRead(
                batches: try inMemory(log, from: offset, maxBytes: maxBytes), startOffset: log.startOffset,
                highWatermark: log.highWatermark))
    }

    private static func inMemory(_ log: ShardLog, from offset: Int64, maxBytes: Int) throws(LogError) -> [LogBatch] {
        var batches: [LogBatch] = []
        var bytes = 0
        for item in log.items[log.unflushedIndex(from: offset)...] {
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
            let result = await readThreads.run { [reader] in reader.firstOffset(segment, arrivedAtOrAfter: milliseconds) }
            switch result {
            case .success(let offset?): return max(offset, try bounds(id).startOffset)
            case .success(nil): continue
            case .failure(let error) where error.kind == .notFound: continue
            case .failure(let error): throw .failed("\(error)")
            }
        }
        let item = log.unflushed.first { $0.arrival >= milliseconds }
        return max(item?.baseOffset ?? log.highWatermark, try bounds(id).startOffset)
    }

    /// Returns when one of the logs has records at or past the offset given for it (or is gone), or after `timeout`, or when the task is
    /// cancelled or the log closed.
    /// - Returns: whether there are such records.
    public func awaitRecords(_ positions: [LogID: Int64], timeout: Duration) async -> Bool {
        let id = node.withLock { $0.newID() }
        let expiry = Mutex<Task<Void, Never>?>(nil)
        defer { expiry.withLock { $0?.cancel() } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (wake: Waiters.Wake) in
                let answer = node.withLock { state -> Bool? in
                    if state.phase != .open || Task.isCancelled { return false }
                    for (log, offset) in positions {
                        guard let log = state.logs[log], log.highWatermark <= offset else { return true }
                    }
                    state.waiters.add(id, positions, wake)
                    return nil
                }
                if let answer { return wake.resume(returning: answer) }
                // Begun only now: an expiry before the waiter is registered would find nobody.
                let task = Task { [self] in
                    do { try await Task.sleep(for: timeout) } catch { return }
                    node.withLock { $0.waiters.remove(id) }?.resume(returning: false)
                }
                expiry.withLock { $0 = task }
            }
        } onCancel: {
            node.withLock { $0.waiters.remove(id) }?.resume(returning: false)
        }
    }
}
