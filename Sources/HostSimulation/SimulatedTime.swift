/// A clock that stands still until it is moved, and random bits that a seed decides.

public import Host
internal import Synchronization

/// Wall and monotonic time as the test sets them.
public final class SimulatedTime: TimeSource {
    private struct Now {
        var wall: Int64
        var monotonic: UInt64
    }
    private let now: Mutex<Now>

    /// - Parameter wall: milliseconds since 1970-01-01 UTC.
    public init(wall: Int64 = 1_700_000_000_000) {
        now = Mutex(Now(wall: wall, monotonic: 1_000_000_000))
    }

    public func wallMilliseconds() -> Int64 { now.withLock { $0.wall } }
    public func monotonicNanoseconds() -> UInt64 { now.withLock { $0.monotonic } }

    /// Lets time pass: both clocks go on.
    public func advance(milliseconds: Int64) {
        now.withLock {
            $0.wall &+= milliseconds
            $0.monotonic &+= UInt64(clamping: milliseconds) &* 1_000_000
        }
    }

    /// Sets the wall clock, forwards or back; the monotonic one stays.
    public func jump(toWall wall: Int64) { now.withLock { $0.wall = wall } }
}

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): the same bits for the same seed.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// The seeded generator as the host's source of randomness.
public final class SeededRandom: RandomSource {
    private let generator: Mutex<SeededGenerator>

    public init(seed: UInt64) { generator = Mutex(SeededGenerator(seed: seed)) }

    public func next() -> UInt64 { generator.withLock { $0.next() } }
}
