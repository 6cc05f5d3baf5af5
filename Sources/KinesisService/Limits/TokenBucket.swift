/// So much a second, and no more than so much at once; exact, for it counts in whole billionths.

/// Fills by `rate` a second, up to `capacity`. What is larger than that may be taken when it is full, and is then owed.
struct TokenBucket {
    private static let second: Int64 = 1_000_000_000
    /// No debt lasts longer, in nanoseconds; and a longer time would overflow.
    private static let longest: UInt64 = 600 * 1_000_000_000

    /// Units a second, at most a few million.
    private let rate: Int64
    private let capacity: Int64
    /// In billionths of a unit.
    private var level: Int64
    /// On a monotonic clock, in nanoseconds.
    private var filled: UInt64

    /// A full one.
    /// - Parameter capacity: a second's worth unless given.
    init(rate: Int64, capacity: Int64? = nil, at now: UInt64) {
        self.rate = rate
        self.capacity = capacity ?? rate
        level = self.capacity * Self.second
        filled = now
    }

    /// Whether so much may be taken now.
    mutating func has(_ amount: Int64, _ now: UInt64) -> Bool {
        fill(now)
        return level >= min(amount, capacity) * Self.second
    }

    /// How long until `has` says yes to so much, if nothing is taken meanwhile, in nanoseconds.
    mutating func wait(for amount: Int64, _ now: UInt64) -> UInt64 {
        fill(now)
        let missing = min(amount, capacity) * Self.second - level
        return missing <= 0 ? 0 : UInt64((missing + rate - 1) / rate)
    }

    /// Takes what `has` has said yes to, or what turned out to be needed: some megabytes at most.
    mutating func take(_ amount: Int64, _ now: UInt64) {
        fill(now)
        level -= amount * Self.second
    }

    /// Whether it says no more than a new one.
    mutating func isFull(_ now: UInt64) -> Bool { has(capacity, now) }

    private mutating func fill(_ now: UInt64) {
        guard now > filled else { return }
        let passed = Int64(min(now - filled, Self.longest))
        level = min(capacity * Self.second, level + rate * passed)
        filled = now
    }
}
