/// The log as of one moment, for backups: what it holds, and files that stay while they are read.

public import Host
internal import Synchronization

/// Everything acknowledged up to one moment.
///
/// While it lives, no segment and no directory of a log is deleted; appends, flushes and trims go on. Call `release()` when done.
public final class LogSnapshot<D: Disk>: Sendable {
    /// One log's part.
    struct Log: Sendable {
        var id: LogID
        var startOffset: Int64
        var highWatermark: Int64
        /// Of each the frames before `state.framesEnd` are durable and do not change any more.
        var segments: [Segment]
        /// What no segment holds, in memory.
        var unflushed: [LogItem]
        /// Once it takes no records any more.
        var end: LogEnd?
    }

    /// Those that ever had a record, and those that have ended.
    let logs: [Log]
    /// The last journal frame that was acknowledged.
    public let lastFrame: UInt64
    let lastArrival: Int64
    /// The states that conditions are decided against; nil when there are none.
    let note: [UInt8]?
    let log: StreamLog<D>
    private let isReleased = Atomic<Bool>(false)

    fileprivate init(_ log: StreamLog<D>, logs: [Log], lastFrame: UInt64, lastArrival: Int64, note: [UInt8]?) {
        self.log = log
        self.note = note
        self.logs = logs.sorted { $0.id < $1.id }
        self.lastFrame = lastFrame
        self.lastArrival = lastArrival
    }

    deinit { release() }

    /// Records that it holds.
    public var records: Int64 { logs.reduce(0) { $0 + $1.highWatermark - $1.startOffset } }

    /// Lets what was to be deleted meanwhile be deleted. Calling it twice is harmless.
    public func release() {
        if !isReleased.exchange(true, ordering: .acquiringAndReleasing) { log.releaseSnapshot() }
    }
}

extension StreamLog {
    /// Takes a snapshot: every append that was acknowledged before is in it, whole over all its logs, and nothing that is acknowledged later.
    ///
    /// It takes as long as copying a few words for each log and each batch that no segment holds; it touches no disk.
    public func snapshot() -> LogSnapshot<D> {
        let (logs, lastFrame, lastArrival, note) = node.withLock { state in
            state.beginSnapshot()
            let logs = state.logs.values.lazy.filter { !$0.isRemoved && ($0.highWatermark > 0 || $0.end != nil) }.map { log in
                LogSnapshot<D>.Log(
                    id: log.id, startOffset: log.startOffset, highWatermark: log.highWatermark,
                    // Of one that was cut down to nothing all records are in memory.
                    segments: log.segments.filter { $0.endOffset > $0.baseOffset },
                    unflushed: Array(log.items.unflushed), end: log.end)
            }
            return (Array(logs), state.commit.synced.sequence, state.clock.lastArrival, ledger.withLock { $0.snapshot() })
        }
        return LogSnapshot(self, logs: logs, lastFrame: lastFrame, lastArrival: lastArrival, note: note)
    }

    fileprivate func releaseSnapshot() {
        node.withLock { state in if state.endSnapshot() { node.wake(NodeCondition.segments) } }
    }
}
