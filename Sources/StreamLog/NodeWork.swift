/// What waits for the log's two workers, the journal's and the segments', and how they share it out.

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

/// A request that a group takes; with the log that has ended before it, in the same group, if that is so.
typealias GroupRequest = (id: AppendID, request: AppendRequest, ended: LogID?)

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

/// A piece of the journal's work.
enum JournalTask {
    /// Form a group of these and commit it.
    case write([AppendID])
    case refuse([AppendID], GroupCommit.JournalFailure)
    case remove([Removal])
    case beginLastFile
    /// Closing has come a step further.
    case handOver
    case stop
}

/// A piece of the segments' work.
enum SegmentTask {
    case job(SegmentJob)
    /// Write out these logs.
    case flush([LogID])
    case makeSpare
    case dropJournals
    /// The disk was full: wait a little before it is tried again.
    case awaitSpace
    case handOver
    case finish
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
