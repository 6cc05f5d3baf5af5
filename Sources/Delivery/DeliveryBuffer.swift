/// Decides when what has been read becomes an object. A value: facts in, decisions out; it reads no clock and no log.

/// The records that will be in the next object: counted, not held, for the log holds them.
package struct DeliveryBuffer: Sendable {
    /// Bytes of data after which an object is cut.
    package let maxBytes: Int
    /// Milliseconds after the oldest record's arrival at which an object is cut.
    package let maxMilliseconds: Int64

    private var positions: [UInt32: Int64]
    private var starts: [UInt32: Int64]
    package private(set) var bytes = 0
    package private(set) var recordCount = 0
    /// The arrival of the oldest record, milliseconds since 1970-01-01 UTC; nil while empty.
    package private(set) var oldestMilliseconds: Int64?
    /// When the first record was counted, by the monotonic clock.
    private var firstSeenNanoseconds: UInt64 = 0

    package init(positions: [UInt32: Int64], maxBytes: Int, maxMilliseconds: Int64) {
        self.positions = positions
        starts = positions
        self.maxBytes = max(1, maxBytes)
        self.maxMilliseconds = max(0, maxMilliseconds)
    }

    /// The next offset to look at in a shard.
    package func position(_ shard: UInt32) -> Int64 { positions[shard] ?? 0 }

    /// The shards it knows.
    package var shards: [UInt32] { positions.keys.sorted() }

    package var isFull: Bool { bytes >= maxBytes }

    /// A shard that came into being later; one that is known already stays where it is.
    package mutating func add(_ shard: UInt32, at position: Int64) {
        guard positions[shard] == nil else { return }
        positions[shard] = position
        starts[shard] = position
    }

    /// Forgets a shard that is gone.
    /// - Precondition: nothing is counted; an object was cut just before.
    package mutating func remove(_ shard: UInt32) {
        precondition(recordCount == 0, "what was counted must be in an object")
        positions[shard] = nil
        starts[shard] = nil
    }

    /// Goes on after records that are no longer there.
    /// - Precondition: nothing is counted, so that no object's span covers the gap.
    package mutating func skip(_ shard: UInt32, to position: Int64) {
        precondition(recordCount == 0, "what was counted must be in an object")
        positions[shard] = position
        starts[shard] = position
    }

    /// Takes the next record of a shard into the object.
    /// - Parameters:
    ///   - arrivalMilliseconds: since 1970-01-01 UTC.
    ///   - nanoseconds: the monotonic clock now.
    package mutating func add(_ shard: UInt32, offset: Int64, bytes count: Int, arrivalMilliseconds: Int64, at nanoseconds: UInt64)
    {
        positions[shard] = offset + 1
        bytes += count
        if recordCount == 0 { firstSeenNanoseconds = nanoseconds }
        recordCount += 1
        oldestMilliseconds = min(oldestMilliseconds ?? arrivalMilliseconds, arrivalMilliseconds)
    }

    /// How many milliseconds are left until an object is due: 0 when it is, nil while there is nothing to cut.
    ///
    /// Time counts from the oldest record's arrival by the wall clock, and at the latest from when the first record was counted by the
    /// monotonic clock: a wall clock that is set back delays no object.
    package func millisecondsLeft(wallMilliseconds: Int64, nanoseconds: UInt64) -> Int64? {
        guard let oldestMilliseconds else { return nil }
        if isFull { return 0 }
        let age = wallMilliseconds.subtractingReportingOverflow(oldestMilliseconds)
        let stay = nanoseconds > firstSeenNanoseconds ? (nanoseconds - firstSeenNanoseconds) / 1_000_000 : 0
        let waited = max(age.overflow ? 0 : age.partialValue, Int64(clamping: stay))
        return waited >= maxMilliseconds ? 0 : maxMilliseconds - max(0, waited)
    }

    /// Cuts the object: its spans, and an empty buffer behind it.
    package mutating func cut() -> [UInt32: OffsetSpan] {
        var spans: [UInt32: OffsetSpan] = [:]
        for (shard, to) in positions {
            let from = starts[shard] ?? to
            if from < to { spans[shard] = OffsetSpan(from: from, to: to) }
        }
        starts = positions
        bytes = 0
        recordCount = 0
        oldestMilliseconds = nil
        return spans
    }
}
