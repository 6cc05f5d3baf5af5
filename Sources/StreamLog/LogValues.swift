/// What the log takes and gives: names of logs, results of appends and reads, errors, statistics.

public import Host
public import RecordBatch

/// Names one log: the shard of a stream. Never used a second time after `removeLog`.
public struct LogID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var stream: UInt64
    public var shard: UInt32

    public init(stream: UInt64, shard: UInt32) {
        self.stream = stream
        self.shard = shard
    }

    public static func < (left: LogID, right: LogID) -> Bool {
        (left.stream, left.shard) < (right.stream, right.shard)
    }

    public var description: String { "\(stream)/\(shard)" }
}

/// Where an acknowledged batch lies.
public struct LogAppended: Hashable, Sendable {
    /// The offset of the batch's first record.
    public var baseOffset: Int64
    /// The append's arrival time, milliseconds since 1970-01-01 UTC.
    public var arrivalMilliseconds: Int64

    public init(baseOffset: Int64, arrivalMilliseconds: Int64) {
        self.baseOffset = baseOffset
        self.arrivalMilliseconds = arrivalMilliseconds
    }
}

/// A committed batch.
public struct LogBatch: Sendable {
    /// The offset of its first record.
    public var baseOffset: Int64
    /// Milliseconds since 1970-01-01 UTC; never decreasing over the whole node.
    public var arrivalMilliseconds: Int64
    public var batch: RecordBatch

    /// One past the offset of its last record.
    public var endOffset: Int64 { baseOffset + Int64(batch.recordCount) }
}

/// What a read gave.
public struct LogRead: Sendable {
    /// Whole batches in order of offset; the first may begin before the offset asked for.
    public var batches: [LogBatch]
    /// The first offset the log still holds.
    public var startOffset: Int64
    /// One past the last committed offset.
    public var highWatermark: Int64
}

/// What the log refuses or fails with.
public enum LogError: Error, Sendable, Hashable {
    case logNotFound(LogID)
    /// The log takes no records any more.
    case ended(LogID)
    /// `offset` lies before the start or past the high watermark.
    case offsetOutOfRange(LogID, offset: Int64, startOffset: Int64, highWatermark: Int64)
    /// The records from `from` through `through` are damaged; reading may go on at `through + 1`.
    case damaged(LogID, from: Int64, through: Int64)
    /// Appends are refused: for good after a failed sync, for now when the disk is full. Reads go on.
    case readOnly(reason: String)
    /// The memory for pending appends is used up; try again.
    case overloaded
    /// What the append asked for does not hold; nothing was appended.
    case conditionFailed(ConditionRefusal)
    /// `close()` was called.
    case closed
    /// A file has a version that this build does not know. Thrown by `open` before anything was changed.
    case unknownFormat(UnknownFormat)
    /// A failing disk or a misuse, in words.
    case failed(String)
}

/// Whether the log takes appends.
public enum LogState: Sendable, Hashable {
    case accepting
    case readOnly(reason: String)
}

/// What start-up found and did.
public struct RecoveryReport: Sendable, Hashable {
    /// Records that are lost for reading, with the exact range.
    public struct Damage: Sendable, Hashable {
        public var log: LogID
        public var from: Int64
        public var through: Int64
        public init(log: LogID, from: Int64, through: Int64) {
            self.log = log
            self.from = from
            self.through = through
        }
    }
    /// Ranges that read as `.damaged`, by log and offset.
    public var damages: [Damage] = []
    /// What was moved to `quarantine/`, as it was called before.
    public var quarantined: [String] = []
    /// Logs with records or directories that the caller does not know.
    public var unknownLogs: [LogID] = []
    /// Removed logs of which the journal still holds records and does not tell that they were removed: to be named as removed at the
    /// next start too.
    public var removedInJournal: Set<LogID> = []
    /// Journal bytes that were cut as never acknowledged.
    public var cutBytes: UInt64 = 0
    /// Journal frames replayed.
    public var replayedFrames = 0
    /// Further findings, one sentence each.
    public var notes: [String] = []

    public init() {}
}

/// Counts and sizes since `open`, for metrics.
public struct LogStatistics: Sendable, Hashable {
    /// Upper bounds of the buckets of `syncDurationCounts`, in milliseconds; a last bucket holds the rest.
    public static let syncDurationBounds: [Double] = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]

    /// Journal syncs.
    public var syncCount = 0
    /// Journal syncs by duration, not cumulative; one more entry than `syncDurationBounds`.
    public var syncDurationCounts = [Int](repeating: 0, count: LogStatistics.syncDurationBounds.count + 1)
    /// Sum of all journal sync durations.
    public var syncNanoseconds: UInt64 = 0
    /// Acknowledged appends and the bytes of their batches.
    public var appendCount = 0
    public var appendedBytes: UInt64 = 0
    /// Bytes in the journal's files now.
    public var journalBytes: UInt64 = 0
    /// Bytes in all segment files now.
    public var segmentBytes: UInt64 = 0
    /// Batch bytes in memory that are not in a segment yet.
    public var unflushedBytes = 0
    /// Batch bytes of appends that wait.
    public var pendingBytes = 0
    /// Ranges of records that start-up or a reader found damaged, each counted once.
    public var corruptBatches = 0
    /// Whether the last write found the disk full.
    public var diskIsFull = false

    public init() {}

    /// How long a sync took of late.
    private(set) var recentSyncNanoseconds: UInt64 = 0

    mutating func recordSync(nanoseconds: UInt64) {
        recentSyncNanoseconds = recentSyncNanoseconds == 0 ? nanoseconds : (recentSyncNanoseconds &* 7 &+ nanoseconds) / 8
        syncCount += 1
        syncNanoseconds &+= nanoseconds
        let milliseconds = Double(nanoseconds) / 1_000_000
        let bucket = LogStatistics.syncDurationBounds.firstIndex { milliseconds <= $0 } ?? LogStatistics.syncDurationBounds.count
        syncDurationCounts[bucket] += 1
    }
}
