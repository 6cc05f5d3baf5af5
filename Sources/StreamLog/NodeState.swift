/// Everything of the log that its one lock guards.

internal import Host
internal import RecordBatch

/// Tells a caller of an append how it ended.
package typealias AppendReply = @Sendable (Result<[LogAppended], LogError>) -> Void
/// Tells a caller of anything else how it ended.
package typealias DoneReply = @Sendable (Result<Void, LogError>) -> Void

/// An append that waits. Until a group takes it, it belongs to the node's lock; then to whoever has the journal.
final class AppendRequest: @unchecked Sendable {
    var append: LogAppend
    /// Logs that end and begin with it.
    let succession: LogSuccession?
    let bytes: Int
    /// Is called once, without any lock, at `place`.
    let reply: AppendReply
    /// Nil: whoever commits calls it.
    let place: (any AnswerPlace)?
    /// Who waits for it on a thread of its own, and may lead a group.
    let caller: WaitingCaller?

    init(
        _ append: LogAppend, bytes: Int, succession: LogSuccession? = nil, place: (any AnswerPlace)?, caller: WaitingCaller? = nil,
        reply: @escaping AppendReply
    ) {
        self.append = append
        self.succession = succession
        self.bytes = bytes
        self.place = place
        self.caller = caller
        self.reply = reply
    }

    /// Shows all logs that it has to do with and that are there.
    func forEachLog(_ body: (LogID) -> Void) {
        append.forEachLog(body)
        succession?.ending.forEach(body)
    }
}

/// A file of the journal that is still there. Its number is that of its first frame.
struct JournalFile: Sendable {
    var number: UInt64
    /// What it is called: its number, unless somebody has moved it.
    var name: UInt64
    /// Bytes up to the end of its last frame.
    var bytes: UInt64
    /// Bytes that were written before frames came: it is worth to be recycled.
    var prewritten: UInt64 = 0
    /// Batches and holes in it that no segment holds.
    var unflushedItems = 0
    /// It holds damage or records of unknown logs: it goes to quarantine in the end.
    var isKept = false
}

/// Work for the segment thread.
struct SegmentJob: Sendable {
    enum Work: Sendable {
        case trim(LogID, before: Int64)
        case removeFiles(LogID)
        /// Of segments that were trimmed while a snapshot needed them.
        case removeSegments([String])
    }
    var work: Work
    var reply: DoneReply
}

/// A removal that is to go into the journal.
struct Removal: Sendable {
    var log: LogID
    var reply: DoneReply
}

/// How far closing has come. The journal's work and the segments' hand it to each other.
enum ClosingPhase: Int, Comparable, Sendable {
    /// Not closing.
    case open
    /// The journal finishes what was accepted.
    case draining
    /// Everything is written out to segments.
    case flushing
    /// The journal begins an empty file.
    case rolling
    /// The journal files that are covered are removed.
    case removing
    case closed

    static func < (left: ClosingPhase, right: ClosingPhase) -> Bool { left.rawValue < right.rawValue }
}

/// The conditions of the node's monitor.
enum NodeCondition {
    static let journal = 0
    static let segments = 1
    static let count = 2
}

/// The state of the node's log.
struct NodeState: Sendable {
    var commit: GroupCommit
    var clock: ArrivalClock
    var logs: [LogID: ShardLog] = [:]
    /// Logs that were removed; their names are not given a second time.
    var removed: Set<LogID> = []
    /// Logs with items that no segment holds.
    var unflushedLogs: Set<LogID> = []
    var tail: TailCache

    var requests: [AppendID: AppendRequest] = [:]
    var removals: [Removal] = []
    var jobs: [SegmentJob] = []
    var kept = KeptFiles()
    var waiters = Waiters()
    var closeReplies: [@Sendable () -> Void] = []
    /// Answers that were not given yet, in the order of the commits, and whether somebody is giving them.
    var outbox: [Answers] = []
    var outboxIsTaken = false
    private var lastID: UInt64 = 0

    /// Somebody has the journal: its thread, or a caller that leads a group.
    var journalIsTaken = false
    /// The arrival of the group under way.
    var inFlightArrival: Int64?
    /// In order; the last one is written to.
    var journals: [JournalFile] = []
    /// Pre-written files that wait to become journal files.
    var spares: [UInt64] = []
    var lastSpare: UInt64 = 0
    /// A spare could not be made; it is not tried again before the next file.
    var spareFailed = false
    /// A failure that is to seal the journal as soon as no group is under way.
    var sealRequest: GroupCommit.JournalFailure?
    var phase = ClosingPhase.open
    var statistics = LogStatistics()
    /// Ranges that readers or start-up found damaged.
    var knownDamage: Set<RecoveryReport.Damage> = []

    init(commit: GroupCommit, clock: ArrivalClock, tailCacheBytes: Int) {
        self.commit = commit
        self.clock = clock
        tail = TailCache(limit: tailCacheBytes)
    }

    mutating func newID() -> UInt64 {
        lastID += 1
        return lastID
    }

    /// Why appends are refused for good, if they are.
    var failure: GroupCommit.JournalFailure? { commit.sealed ?? sealRequest }

    /// The log, if it is there and not being removed.
    func log(_ id: LogID) throws(LogError) -> ShardLog {
        if phase == .closed { throw .closed }
        guard let log = logs[id], !log.isRemoved else { throw .logNotFound(id) }
        return log
    }

    /// Forgets items that are in a segment now, or were trimmed.
    mutating func settle(_ items: ArraySlice<LogItem>) {
        for item in items {
            commit.flushed(bytes: item.byteCount)
            if let index = journals.lastIndex(where: { $0.number <= item.journal }) { journals[index].unflushedItems -= 1 }
        }
    }

    /// Takes in an item that the journal holds.
    mutating func hold(_ item: LogItem, in log: LogID) {
        guard logs[log] != nil else { return commit.flushed(bytes: item.byteCount) }
        logs[log]?.append(item)
        unflushedLogs.insert(log)
        if let index = journals.lastIndex(where: { $0.number <= item.journal }) { journals[index].unflushedItems += 1 }
    }

    /// Notes that segments hold a log's items up to an offset. They stay in memory while there is room.
    mutating func flushed(_ log: LogID, upTo offset: Int64) {
        guard let items = logs[log]?.items.markFlushed(endingBy: offset) else { return }
        settle(items)
        for item in items { tail.add(item, of: log) }
        while let oldest = tail.evict() { logs[oldest.log]?.items.evict(endingBy: oldest.endOffset) }
        if logs[log]?.items.unflushed.isEmpty ?? true { unflushedLogs.remove(log) }
    }

    /// Drops a log's items up to an offset, wherever they are.
    mutating func drop(_ log: LogID, upTo offset: Int64) {
        guard let items = logs[log]?.items.drop(endingBy: offset) else { return }
        settle(items)
        if logs[log]?.items.unflushed.isEmpty ?? true { unflushedLogs.remove(log) }
    }

    /// Makes a spare out of the oldest journal file, or forgets it.
    mutating func forget(_ file: JournalFile, recycledAs spare: UInt64?) {
        journals.removeAll { $0.number == file.number }
        if let spare { spares.append(spare) }
    }
}
