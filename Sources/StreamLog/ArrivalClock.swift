/// The node's arrival time: wall time that never goes back, and the settled time that follows from it.

/// Decides arrival times. One value for the whole node, used under the log's lock.
///
/// Wall time may jump back. Then arrival time goes on at half the speed of the monotonic clock until wall time has caught up:
/// it neither stands still (windows would not close) nor runs away.
///
/// Two promises tie it to the engine's watermark. Every arrival lies above every settled time given out before. And every arrival
/// after a restart lies above every arrival stored before. They suffice for a watermark that survives a restart: the engine
/// makes a settled time T durable only by an append, that append's arrival is above T, and it is stored.
package struct ArrivalClock: Sendable {
    private var time: Int64
    private var monotonic: UInt64
    private var watch: JumpWatch
    /// The latest arrival given out or stored.
    package private(set) var lastArrival: Int64
    /// The latest settled time given out.
    package private(set) var settledFloor: Int64

    /// - Parameter lastArrival: the latest arrival found at start-up, `Int64.min` when there is none.
    package init(lastArrival: Int64, wall: Int64, monotonic: UInt64) {
        let first = lastArrival == .max ? lastArrival : lastArrival + 1
        self.time = max(wall, first)
        self.monotonic = monotonic
        watch = JumpWatch(time: time, nanoseconds: monotonic)
        self.lastArrival = lastArrival
        self.settledFloor = lastArrival
    }

    /// How much of the time was not seen passing, in milliseconds since the start: see `JumpWatch`. Each time that was given out is taken in.
    package var jumped: Int64 { watch.jumped }

    /// Wall time, or what stands for it while it is behind. Milliseconds since 1970-01-01 UTC.
    package mutating func now(wall: Int64, monotonic now: UInt64) -> Int64 {
        defer { watch.observe(time: time, nanoseconds: now) }
        let elapsed = now > monotonic ? (now - monotonic) / 2_000_000 : 0
        if wall >= time {
            time = wall
            monotonic = now
        } else if elapsed > 0 {
            time = min(time &+ Int64(clamping: elapsed), Int64.max - 1)
            monotonic &+= elapsed &* 2_000_000
        }
        return time
    }

    /// The arrival time of an append that is formed now.
    package mutating func arrival(wall: Int64, monotonic: UInt64) -> Int64 {
        let floor = settledFloor == .max ? settledFloor : settledFloor + 1
        lastArrival = max(now(wall: wall, monotonic: monotonic), lastArrival, floor)
        return lastArrival
    }

    /// The settled time: everything that arrived up to it is readable, everything later arrives after it.
    /// - Parameter inFlight: the arrival of the group that is being written, if there is one.
    package mutating func settled(wall: Int64, monotonic: UInt64, inFlight: Int64?) -> Int64 {
        var settled = now(wall: wall, monotonic: monotonic)
        if let inFlight { settled = min(settled, inFlight - 1) }
        settledFloor = max(settledFloor, settled)
        return settledFloor
    }
}

/// Tells time that passes from time that jumps: it passes as long as it goes no faster than the monotonic clock.
package struct JumpWatch: Sendable, Equatable {
    /// The sum of all jumps, in milliseconds.
    package private(set) var jumped: Int64 = 0
    /// What the time may be at most without a jump.
    private var expected: Int64
    private var nanoseconds: UInt64

    /// The time may run ahead of the monotonic clock by so much: clocks are read one after the other, and kept in step by being slowed down.
    private static let tolerance: Int64 = 1_000

    /// - Parameter time: milliseconds; never decreases in the calls that follow.
    package init(time: Int64, nanoseconds: UInt64) {
        expected = time
        self.nanoseconds = nanoseconds
    }

    package mutating func observe(time: Int64, nanoseconds now: UInt64) {
        let passed = now > nanoseconds ? (now - nanoseconds) / 1_000_000 : 0
        nanoseconds &+= passed &* 1_000_000
        let (sum, overflow) = expected.addingReportingOverflow(Int64(clamping: passed))
        expected = overflow ? .max : sum
        let (ahead, isFar) = time.subtractingReportingOverflow(expected)
        if isFar && time > expected || !isFar && ahead > Self.tolerance {
            let (all, overflow) = jumped.addingReportingOverflow(isFar ? .max : ahead)
            jumped = overflow ? .max : all
            expected = time
        } else {
            // Time that passed too slowly is not made up for later.
            let (most, overflow) = time.addingReportingOverflow(Self.tolerance)
            expected = overflow ? expected : min(expected, most)
        }
    }
}
