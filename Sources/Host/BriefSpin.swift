/// Looks for work for a moment before a thread sleeps, as long as that has been worth while.

internal import Glibc

/// A thread's luck with looking. One that found nothing several times in a row seldom looks.
public struct BriefSpin: Sendable {
    /// How long to look: somewhat more than a wake-up on another core takes, which is some 35 µs.
    public static let nanoseconds: UInt64 = 60_000
    private static let longestPause = 256

    private var pause = 0
    private var turnsToPass = 0

    public init() {}

    /// Asks again and again, giving way to other threads of the core in between.
    /// - Returns: whether the answer was yes in time; false at once where looking has not been worth while of late.
    mutating func lasts(until isTime: () -> Bool) -> Bool {
        guard isWorthWhile() else { return isTime() }
        let end = BriefSpin.now() &+ BriefSpin.nanoseconds
        repeat {
            if isTime() {
                ended(found: true)
                return true
            }
            sched_yield()
        } while BriefSpin.now() < end
        ended(found: false)
        return false
    }

    /// Whether to look this time. If so, `ended` must follow.
    public mutating func isWorthWhile() -> Bool {
        if turnsToPass == 0 { return true }
        turnsToPass -= 1
        return false
    }

    /// Takes in what came of looking.
    public mutating func ended(found: Bool) {
        pause = found ? 0 : min(max(1, pause * 2), BriefSpin.longestPause)
        turnsToPass = pause
    }

    /// Asks again and again until the answer is yes or the time is over, giving way to other threads of the core in between.
    public static func look(atMost nanoseconds: UInt64, until isTime: () -> Bool) {
        let end = now() &+ nanoseconds
        while !isTime(), now() < end { sched_yield() }
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
