/// Options small enough that everything happens in a few dozen appends: rolling, sealing, flushing, recycling.

internal import HostSimulation
internal import StreamLog

extension LogOptions {
    /// Sizes that a seed decides.
    static func drawn(_ random: inout SeededGenerator) -> LogOptions {
        func pick<Value>(_ values: Value...) -> Value { values[Int(random.next() % UInt64(values.count))] }
        var options = LogOptions()
        options.journalFileBytes = 4_096 * pick(1, 2, 3, 4, 6, 8)
        options.maxJournalBytes = options.journalFileBytes * pick(1, 2, 3, 8)
        options.spareJournalFiles = pick(0, 1, 2, 2)
        options.prewriteAfterBytes = pick(0, 0, 2_000, 10_000)
        options.segmentBytes = pick(400, 1_000, 2_500, 6_000, 20_000)
        options.segmentMaxAgeMilliseconds = pick(5, 200, 5_000, 21_600_000)
        options.maxPendingBytes = pick(3_000, 1 << 20)
        options.maxUnflushedBytes = pick(6_000, 20_000, 1 << 20)
        options.flushThresholdBytes = pick(300, 1_500, 5_000, 20_000)
        options.tailCacheBytes = pick(0, 0, 2_000, 1 << 20)
        options.maxGroupBytes = pick(900, 4_000, 1 << 20)
        options.indexIntervalBytes = pick(50, 300, 2_000)
        options.maxOpenSegments = pick(1, 2, 64)
        options.readThreads = 1
        return options
    }
}
