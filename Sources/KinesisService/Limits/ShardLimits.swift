/// What AWS allows a shard a second, for who wants to meet it here: off unless asked for.

import StreamStore
import Synchronization

/// The throughput of every shard (Kinesis Data Streams developer guide, "Quotas and limits").
final class ShardLimits: Sendable {
    /// What a shard gives each registered consumer, in bytes a second; an event is paid for before the next one.
    static func pushed(at now: UInt64) -> TokenBucket { TokenBucket(rate: 2 << 20, capacity: 0, at: now) }

    private struct Buckets {
        var writtenBytes: TokenBucket
        var writtenRecords: TokenBucket
        var readBytes: TokenBucket
        var readCalls: TokenBucket

        init(_ now: UInt64) {
            writtenBytes = TokenBucket(rate: 1 << 20, at: now)
            writtenRecords = TokenBucket(rate: 1000, at: now)
            // Whatever a call returns is paid for before the next one.
            readBytes = TokenBucket(rate: 2 << 20, capacity: 0, at: now)
            readCalls = TokenBucket(rate: 5, at: now)
        }

        mutating func areFull(_ now: UInt64) -> Bool {
            writtenBytes.isFull(now) && writtenRecords.isFull(now) && readBytes.isFull(now) && readCalls.isFull(now)
        }
    }

    private struct State {
        var shards: [ShardReference: Buckets] = [:]
        /// From how many shards on those that have rested are dropped.
        var sweepAt = 1024
    }

    private let state = Mutex(State())

    /// Whether a shard takes a record now; if so it counts.
    /// - Parameters:
    ///   - bytes: of data and partition key.
    ///   - now: on the monotonic clock, in nanoseconds.
    func takesRecord(of bytes: Int, _ shard: ShardReference, _ now: UInt64) -> Bool {
        with(shard, now) { buckets in
            guard buckets.writtenRecords.has(1, now), buckets.writtenBytes.has(Int64(bytes), now) else { return false }
            buckets.writtenRecords.take(1, now)
            buckets.writtenBytes.take(Int64(bytes), now)
            return true
        }
    }

    /// Whether a shard may be read now; if so the call counts, and what it returns is owed (`read`).
    func takesCall(_ shard: ShardReference, _ now: UInt64) -> Bool {
        with(shard, now) { buckets in
            guard buckets.readCalls.has(1, now), buckets.readBytes.has(0, now) else { return false }
            buckets.readCalls.take(1, now)
            return true
        }
    }

    /// What a call has returned: after 10 MiB nothing is to be had for five seconds.
    func read(_ bytes: Int, of shard: ShardReference, _ now: UInt64) {
        with(shard, now) { $0.readBytes.take(Int64(bytes), now) }
    }

    private func with<Result>(_ shard: ShardReference, _ now: UInt64, _ body: (inout Buckets) -> Result) -> Result {
        state.withLock { state in
            if state.shards.count >= state.sweepAt {
                for (shard, var buckets) in state.shards where buckets.areFull(now) { state.shards[shard] = nil }
                state.sweepAt = max(1024, 2 * state.shards.count)
            }
            return body(&state.shards[shard, default: Buckets(now)])
        }
    }
}
