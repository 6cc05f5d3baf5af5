/// The log's sizes and bounds.

/// Sizes in bytes. The defaults suit a machine of 2 cores and 4 GB.
public struct LogOptions: Sendable {
    /// A journal file is left for the next one at this size.
    public var journalFileBytes: UInt64 = 64 << 20
    /// A segment is sealed at this size.
    public var segmentBytes: UInt64 = 64 << 20
    /// The bound of batches in appends that wait; past it appends are refused with `.overloaded`.
    public var maxPendingBytes = 64 << 20
    /// The bound of batches in memory that are not in a segment yet; past it appends wait.
    public var maxUnflushedBytes = 256 << 20
    /// Unflushed bytes at which the segment thread begins to write.
    public var flushThresholdBytes = 32 << 20
    /// The most batch bytes in one group commit, unless a single append is larger.
    public var maxGroupBytes = 8 << 20
    /// Bytes of a segment between two entries of its sparse index.
    public var indexIntervalBytes = 64 << 10
    /// Threads that read segments.
    public var readThreads = 2
    /// Segment files kept open for reading.
    public var maxOpenSegments = 256

    public init() {}
}
