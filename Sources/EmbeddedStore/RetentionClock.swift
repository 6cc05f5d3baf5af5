/// The time that decides which records are old enough to go: wall time that no jump forward can hurry.

/// Retention must not delete early when the wall clock jumps (faults.md, rule 8 and test 17).
///
/// The time runs from the wall's reading at the start with the monotonic clock, and is never later than the wall's own
/// reading: a jump forward is not believed until the next start, a jump back only keeps records longer.
package struct RetentionClock: Sendable {
    private let startWallMilliseconds: Int64
    private let startNanoseconds: UInt64

    package init(wallMilliseconds: Int64, nanoseconds: UInt64) {
        startWallMilliseconds = wallMilliseconds
        startNanoseconds = nanoseconds
    }

    /// Milliseconds since 1970-01-01 UTC.
    package func now(wallMilliseconds: Int64, nanoseconds: UInt64) -> Int64 {
        let elapsed = Int64(clamping: (nanoseconds &- startNanoseconds) / 1_000_000)
        let (expected, overflow) = startWallMilliseconds.addingReportingOverflow(elapsed)
        return overflow ? wallMilliseconds : min(wallMilliseconds, expected)
    }
}
