/// Appends as callers see them: by tasks, by threads that lead the commit themselves, and without waiting.

internal import Host
public import RecordBatch

extension StreamLog {
    /// Appends batches to one or several logs, all or nothing; returns when they are durable and readable.
    ///
    /// The results stand in the order of the entries. All entries of an append have the same arrival time.
    /// - Throws: `.logNotFound`, `.overloaded`, `.readOnly`, `.closed`, `.failed` for a batch whose CRC is wrong; then nothing was appended, except that
    ///   after a failed sync (`.readOnly`) the append may be found after the next start.
    public func append(_ entries: consuming [(log: LogID, batch: RecordBatch)]) async throws(LogError) -> [LogAppended] {
        if entries.isEmpty { return [] }
        let bytes = try StreamLog.prepare(&entries)
        let handedOver = HandOver(entries)
        return try await answer { submit(handedOver.take(), bytes: bytes, reply: $0) }
    }

    /// The same without waiting: `reply` is called once, by the thread that commits or at once.
    package func submit(_ entries: consuming [(log: LogID, batch: RecordBatch)], reply: @escaping AppendReply) {
        if entries.isEmpty { return reply(.success([])) }
        do throws(LogError) {
            let bytes = try StreamLog.prepare(&entries)
            submit(entries, bytes: bytes, reply: reply)
        } catch {
            reply(.failure(error))
        }
    }

    private func submit(_ entries: consuming [(log: LogID, batch: RecordBatch)], bytes: Int, reply: @escaping AppendReply) {
        let request = AppendRequest(entries: entries, bytes: bytes, answer: .call(reply))
        let refusal = node.withLock { state -> LogError? in
            do throws(LogError) {
                try state.offer(request)
                if !state.journalIsTaken { node.wake(NodeCondition.journal) }
                return nil
            } catch {
                return error
            }
        }
        if let refusal { reply(.failure(refusal)) }
    }

    /// As `append`, for callers on threads of their own, which it blocks: never call it on the cooperative pool.
    ///
    /// A caller that finds no commit under way does the write and the sync itself, for all who wait, so that no thread must be woken first. That is
    /// the quickest way to make a single record durable.
    /// - Throws: as `append`.
    public func appendAndWait(_ entries: consuming [(log: LogID, batch: RecordBatch)]) throws(LogError) -> [LogAppended] {
        if entries.isEmpty { return [] }
        let bytes = try StreamLog.prepare(&entries)
        let answer = CallersAnswer()
        let request = AppendRequest(entries: entries, bytes: bytes, answer: .caller(answer))
        var task = try node.withLock { state throws(LogError) -> JournalTask? in
            try state.offer(request)
            return state.journalIsTaken ? nil : state.takeJournal()
        }
        while true {
            if let task {
                perform(task)
                releaseJournal()
            }
            answer.signal.wait()
            if let result = answer.result { return try result.get() }
            // The journal was handed to this caller; whether there is something to do is seen only now.
            task = node.withLock { $0.takeJournal() }
        }
    }

    /// Checks an append and makes its batches the log's own, on the caller's time.
    /// - Returns: what it counts for.
    private static func prepare(_ entries: inout [(log: LogID, batch: RecordBatch)]) throws(LogError) -> Int {
        var bytes = 0
        for index in entries.indices {
            bytes += LogItem.byteCount(entries[index].batch)
            // The batch's CRC is all that will tell whether it is right: what is wrong now would be found as damage later.
            guard entries[index].batch.checkCRC() else {
                throw .failed("the batch for log \(entries[index].log) does not have the CRC that it states")
            }
            // A batch that somebody else holds too is copied here, not in the commit that sets its offset.
            entries[index].batch.setBaseOffset(0)
        }
        guard bytes < Int(UInt32.max) - 1 << 20 else {
            throw .failed("an append of \(bytes) bytes is larger than a journal frame can be")
        }
        return bytes
    }
}

/// Entries on their way into a closure that is called once, without a second reference to them.
private final class HandOver: @unchecked Sendable {
    private var entries: [(log: LogID, batch: RecordBatch)]

    init(_ entries: consuming [(log: LogID, batch: RecordBatch)]) { self.entries = entries }

    func take() -> [(log: LogID, batch: RecordBatch)] {
        let taken = entries
        entries = []
        return taken
    }
}

extension NodeState {
    /// Takes an append into the queue.
    mutating func offer(_ request: AppendRequest) throws(LogError) {
        if phase != .open { throw .closed }
        if let failure { throw .readOnly(reason: failure.reason) }
        for entry in request.entries {
            guard let log = logs[entry.log], !log.isRemoved else { throw .logNotFound(entry.log) }
        }
        let id = newID()
        try commit.offer(id, bytes: request.bytes)
        requests[id] = request
    }
}
