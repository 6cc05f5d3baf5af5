/// Everything of the log that its one lock guards.

internal import RecordBatch

/// An append that waits.
struct AppendRequest: Sendable {
    typealias Reply = CheckedContinuation<Result<[LogAppended], LogError>, Never>

    var entries: [(log: LogID, batch: RecordBatch)]
    var bytes: Int
    var reply: Reply
}

/// The answer to a request that gives nothing but success.
typealias DoneReply = CheckedContinuation<Result<Void, LogError>, Never>

/// A file of the journal that is still there. Its number is that of its first frame.
struct JournalFile: Sendable {
    var number: UInt64
    var bytes: UInt64
    /// Batches and holes in it that no segment holds.
    var unflushedItems = 0
    /// It holds damage or records of unknown logs: it goes to quarantine in the end.
    var isKept = false
}

/// Work for the segment thread.
struct SegmentJob: Sendable {
    enum Work: Sendable {
        case create(LogID)
        case trim(LogID, before: Int64)
        case removeFiles(LogID)
    }
    var work: Work
    var reply: DoneReply
}

/// A removal that is to go into the journal.
struct Removal: Sendable {
    var log: LogID
    var reply: DoneReply
}

/// How far closing has come. The journal thread and the segment thread hand it to each other.
enum ClosingPhase: Int, Comparable, Sendable {
    /// Not closing.
    case open
    /// The journal thread finishes what was accepted.
    case draining
    /// The segment thread writes out everything.
    case flushing
    /// The journal thread begins an empty file.
    case rolling
    /// The segment thread removes the journal files that are covered.
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

    var requests: [AppendID: AppendRequest] = [:]
    var removals: [Removal] = []
    var jobs: [SegmentJob] = []
    var waiters = Waiters()
    var closeReplies: [CheckedContinuation<Void, Never>] = []
    private var lastID: UInt64 = 0

    /// The arrival of the group under way.
    var inFlightArrival: Int64?
    /// In order; the last one is written to.
    var journals: [JournalFile] = []
    /// A failure that is to seal the journal as soon as no group is under way.
    var sealRequest: GroupCommit.JournalFailure?
    var phase = ClosingPhase.open
    var statistics = LogStatistics()

    init(commit: GroupCommit, clock: ArrivalClock) {
        self.commit = commit
        self.clock = clock
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
        if let index = journals.lastIndex(where: { $0.number <= item.journal }) { journals[index].unflushedItems += 1 }
    }
}
