/// The clock as a value that is passed in.

/// Wall time to label records with, monotonic time to measure durations with (faults.md, rule 8).
public protocol TimeSource: Sendable {
    /// Milliseconds since 1970-01-01 UTC. May jump either way; never measure with it.
    func wallMilliseconds() -> Int64
    /// Nanoseconds since an arbitrary start; never goes back.
    func monotonicNanoseconds() -> UInt64
}

/// A source of random bits. The real one is the system's; the simulator's is seeded.
public protocol RandomSource: Sendable {
    func next() -> UInt64
}
