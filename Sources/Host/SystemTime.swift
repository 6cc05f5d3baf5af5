/// The system's clocks and random bits.

internal import Glibc

/// CLOCK_REALTIME for labels, CLOCK_MONOTONIC for durations.
public struct SystemTime: TimeSource {
    public init() {}

    public func wallMilliseconds() -> Int64 {
        let now = SystemTime.read(CLOCK_REALTIME)
        return Int64(now.tv_sec) &* 1_000 &+ Int64(now.tv_nsec) / 1_000_000
    }

    public func monotonicNanoseconds() -> UInt64 {
        let now = SystemTime.read(CLOCK_MONOTONIC)
        return UInt64(clamping: now.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: now.tv_nsec)
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var now = timespec()
        clock_gettime(clock, &now)
        return now
    }
}

/// The operating system's random bits.
public struct SystemRandom: RandomSource {
    public init() {}

    public func next() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
