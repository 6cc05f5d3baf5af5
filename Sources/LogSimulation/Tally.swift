/// What runs have tried, for the table that is printed.

/// Counts of one or many runs.
public struct Tally: Sendable, Equatable {
    public var seeds = 0
    /// Times that the log was opened.
    public var opens = 0
    /// Times that the power went or the process died.
    public var crashes = 0
    public var appends = 0
    public var acknowledged = 0
    /// Appends that nobody was told about and that were there afterwards.
    public var unacknowledgedFound = 0
    /// Steps in which logs ended and began, and those of them that nobody was told about and that had taken place.
    public var successions = 0
    public var successionsFound = 0
    /// Faults that took effect: calls that failed, files that were damaged.
    public var faults = 0
    /// Reads of batches that were compared with what was appended.
    public var reads = 0
    /// Batches that were reported as damaged.
    public var damaged = 0
    /// Acknowledged batches that were lost without a trace where FileFormat says that nobody can know.
    public var unknowable = 0

    /// Streams whose creation was answered (kind `store`, as the next two).
    public var streams = 0
    /// Appends that were refused for their fence.
    public var fenced = 0
    /// Shards that retention made shorter.
    public var trimmed = 0

    public init() {}

    static func += (left: inout Tally, right: Tally) {
        left.seeds += right.seeds
        left.opens += right.opens
        left.crashes += right.crashes
        left.appends += right.appends
        left.acknowledged += right.acknowledged
        left.unacknowledgedFound += right.unacknowledgedFound
        left.faults += right.faults
        left.successions += right.successions
        left.successionsFound += right.successionsFound
        left.reads += right.reads
        left.damaged += right.damaged
        left.unknowable += right.unknowable
        left.streams += right.streams
        left.fenced += right.fenced
        left.trimmed += right.trimmed
    }
}
