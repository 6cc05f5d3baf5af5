/// How many shards an on-demand stream is to have: a rule over the minutes of the last day.

import NodeMetrics

/// The capacity of on-demand streams.
///
/// AWS's own rule is told only roughly: a stream is ready for twice the most that was written to it in the last 30 days, begins with 4 shards, and takes
/// 200 MiB a second at most unless asked (Kinesis Data Streams Developer Guide, "On-demand mode"). Here the day takes the place of the 30 days, for that is
/// how long minutes are kept, and what is counted is what PutRecord and PutRecords bring.
public struct OnDemandRule: Sendable {
    /// With how many shards a stream begins, and below which it does not go.
    public var leastShards = 4
    /// Above how many a stream does not grow; 0: on-demand streams do not scale at all.
    public var mostShards = 200
    /// What one shard is for, a second.
    public var shardBytes = 1 << 20
    public var shardRecords = 1000
    /// How often the streams are looked at, in milliseconds.
    public var intervalMilliseconds: Int64 = 60_000
    /// After how long on this node a stream may shrink, in milliseconds: a day without much says something only when the day was seen.
    public var shrinkAfterMilliseconds: Int64 = 86_400_000

    public init() {}

    /// The number of shards that a stream is ready with for twice its busiest minute.
    /// - Parameter warmMiBps: what it was told to be ready for, in MiB a second.
    func needed(peakBytes: Double, peakRecords: Double, warmMiBps: Int) -> Int {
        let perSecond = (bytes: peakBytes / 60, records: peakRecords / 60)
        let shards = max(2 * perSecond.bytes / Double(max(1, shardBytes)), 2 * perSecond.records / Double(max(1, shardRecords)))
        // Whatever was measured, it is a number of shards.
        let whole = shards.isFinite ? Int(min(shards.rounded(.up), Double(mostShards))) : mostShards
        return min(max(whole, leastShards, min(warmMiBps, mostShards)), max(mostShards, leastShards))
    }

    /// What to make of a stream now; nil: it is well as it is. It grows and shrinks by a factor of two at most, as UpdateShardCount does.
    /// - Parameter mayShrink: whether the last day was seen.
    func target(open: Int, needed: Int, mayShrink: Bool) -> Int? {
        if needed > open { return min(needed, 2 * open) }
        // Only where half is plenty, or the least is enough: a stream must not go up and down.
        guard mayShrink, open > leastShards, 2 * needed <= open || needed <= leastShards else { return nil }
        let half = max(leastShards, needed, (open + 1) / 2)
        return half < open ? half : nil
    }
}
