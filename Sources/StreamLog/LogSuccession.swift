/// Logs that end and logs that begin in one step, ordered with the appends: what splits, merges and closes shards.

internal import Host

/// One step, a part of one journal frame: all of it counts or nothing.
public struct LogSuccession: Hashable, Sendable {
    /// A log that begins.
    public struct Beginning: Hashable, Sendable {
        /// A name that no log had before.
        public var log: LogID
        /// One of the ending logs, at whose end it begins; nil: it begins at offset 0.
        public var continuing: LogID?

        public init(_ log: LogID, continuing: LogID? = nil) {
            self.log = log
            self.continuing = continuing
        }
    }

    /// Logs that take no records after what was handed in before this step.
    public var ending: [LogID]
    public var beginning: [Beginning]

    public init(ending: [LogID], beginning: [Beginning] = []) {
        self.ending = ending
        self.beginning = beginning
    }
}

/// Where a log begins and ends, as whoever names the logs knows it: the log has that itself, and what was lost with a damaged file is found out
/// by comparing.
public struct LogExtent: Hashable, Sendable {
    /// The offset of the first record that it ever had.
    public var startOffset: Int64
    /// One past its last record, once it has ended; nil: it has not, or that is not known.
    public var endOffset: Int64?
    /// When it ended, milliseconds since 1970-01-01 UTC.
    public var endMilliseconds: Int64?

    public init(startOffset: Int64 = 0, endOffset: Int64? = nil, endMilliseconds: Int64? = nil) {
        self.startOffset = startOffset
        self.endOffset = endOffset
        self.endMilliseconds = endMilliseconds
    }
}

/// The end of a log.
public struct LogEnd: Hashable, Sendable {
    /// One past its last record.
    public var offset: Int64
    /// The arrival of the frame that has ended it, milliseconds since 1970-01-01 UTC.
    public var arrivalMilliseconds: Int64

    public init(offset: Int64, arrivalMilliseconds: Int64) {
        self.offset = offset
        self.arrivalMilliseconds = arrivalMilliseconds
    }
}

extension StreamLog {
    /// Ends logs and begins others, durably and in one step. What was handed in before commits in the ending logs, what comes after is refused
    /// with `.ended`; whether an append comes before or after is decided in the commit, in the order of the calls.
    /// - Parameter committed: is told the ends by whoever commits, once they are durable and before this returns.
    /// - Returns: the end of each ending log, in order.
    /// - Throws: `.logNotFound`, `.ended` for a log that has ended already, `.failed` for a beginning log whose name was used before or that
    ///   continues a log which does not end here, `.overloaded`, `.readOnly`, `.closed`; then nothing has changed, except that after a failed
    ///   sync the step may be found after the next start.
    @discardableResult
    public func succeed(
        _ succession: LogSuccession, committed: @escaping @Sendable ([LogEnd]) -> Void = { _ in }
    ) async throws(LogError) -> [LogEnd] {
        try await answer { reply in
            submit(succession) { result in
                let ends = result.map { $0.map { LogEnd(offset: $0.baseOffset, arrivalMilliseconds: $0.arrivalMilliseconds) } }
                if case .success(let ends) = ends { committed(ends) }
                reply(ends)
            }
        }
    }

    /// The same without waiting. The results are those of `succeed`, as places at which nothing lies.
    package func submit(_ succession: LogSuccession, reply: @escaping AppendReply) {
        let request = AppendRequest(LogAppend([]), bytes: 0, succession: succession, place: nil, reply: reply)
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

    /// The end of a log; nil while it takes records.
    /// - Throws: `.logNotFound`, `.closed`.
    public func end(_ id: LogID) throws(LogError) -> LogEnd? {
        try node.withLock { state throws(LogError) in try state.log(id).end }
    }
}

/// What the requests of one group have changed before the next one is looked at: the order in which they were handed in decides.
struct GroupOrder {
    private var ended: Set<LogID> = []
    private var begun: Set<LogID> = []
    private let judge: any LogJudge

    init(judge: any LogJudge) { self.judge = judge }

    /// Why a request cannot take part; nil when it can, and then it counts for those after it.
    mutating func admit(_ request: AppendRequest, _ logs: [LogID: ShardLog], removed: Set<LogID>) -> LogError? {
        for (log, _) in request.append.entries {
            if let refusal = refusal(of: log, logs) { return refusal }
        }
        for case .nextOffset(let log, _) in request.append.requirements where logs[log]?.isRemoved ?? true {
            return .logNotFound(log)
        }
        guard let succession = request.succession else { return nil }
        for log in succession.ending {
            if let refusal = refusal(of: log, logs) { return refusal }
        }
        for beginning in succession.beginning {
            if begun.contains(beginning.log) || removed.contains(beginning.log) || logs[beginning.log]?.isBlank == false {
                return .failed("a log cannot begin as \(beginning.log): the name was used before")
            }
            if let parent = beginning.continuing, !succession.ending.contains(parent) {
                return .failed("the log \(beginning.log) cannot continue \(parent), which does not end")
            }
        }
        ended.formUnion(succession.ending)
        begun.formUnion(succession.beginning.map(\.log))
        return nil
    }

    private func refusal(of id: LogID, _ logs: [LogID: ShardLog]) -> LogError? {
        guard let log = logs[id], !log.isRemoved else { return .logNotFound(id) }
        if log.end != nil { return .ended(id) }
        return !ended.isEmpty && ended.contains(id) && judge.countsInGroup(endOf: id) ? .ended(id) : nil
    }
}

extension LogSuccession {
    /// What stands in the journal's directory for it.
    /// - Parameter ends: the offset at which each ending log ends.
    func entries(append: UInt32, ends: (LogID) -> Int64) -> [JournalEntry] {
        ending.map { JournalEntry(kind: .end, log: $0, offset: ends($0), append: append) }
            + beginning.map { beginning in
                JournalEntry(kind: .beginning, log: beginning.log, offset: beginning.continuing.map(ends) ?? 0, append: append)
            }
    }
}
