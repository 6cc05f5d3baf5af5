/// The log's sizes and bounds.

/// Sizes in bytes. The defaults suit a machine of 2 cores and 4 GB.
public struct LogOptions: Sendable {
    /// A journal file is left for the next one at this size; files are pre-written to it and recycled.
    public var journalFileBytes: UInt64 = 32 << 20
    /// At this many bytes of journal files that segments do not cover, the segment thread writes out everything.
    public var maxJournalBytes: UInt64 = 256 << 20
    /// Journal files, besides those in use, that are kept to be written again.
    public var spareJournalFiles = 2
    /// A spare journal file is pre-written once the current one has so many bytes: a node that does nothing takes no space.
    public var prewriteAfterBytes: UInt64 = 256 << 10
    /// A segment is sealed at this size.
    public var segmentBytes: UInt64 = 64 << 20
    /// A segment whose first record is older is not written on; in milliseconds. Retention removes whole segments.
    public var segmentMaxAgeMilliseconds: Int64 = 6 * 3_600_000
    /// The bound of batches in appends that wait; past it appends are refused with `.overloaded`.
    public var maxPendingBytes = 64 << 20
    /// The bound of batches in memory that are not in a segment yet; past it appends wait.
    public var maxUnflushedBytes = 256 << 20
    /// Unflushed bytes at which the segment thread begins to write.
    public var flushThresholdBytes = 64 << 20
    /// Batches that segments hold and that stay in memory as well, the newest ones, for readers at the tail.
    public var tailCacheBytes = 32 << 20
    /// The most batch bytes in one group commit, unless a single append is larger.
    public var maxGroupBytes = 8 << 20
    /// Bytes of a segment between two entries of its sparse index: what a look-up of one offset reads at most, beside its batch.
    public var indexIntervalBytes = 16 << 10
    /// Threads that read segments.
    public var readThreads = 2
    /// Segment files kept open for reading.
    public var maxOpenSegments = 256
    /// Segment files that a flush has open at once.
    public var flushedSegments = 256
    /// Is told of each range of records that a reader finds damaged, once, by the reader's thread. What start-up finds is in its report.
    public var onDamage: (@Sendable (RecoveryReport.Damage) -> Void)?
    /// What counts of what is found on the disk.
    package var judge: any LogJudge = StrictJudge()

    public init() {}
}
