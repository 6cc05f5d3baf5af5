/// Decides when a run writes its state.

/// So often that a restart computes little again, so seldom that writing takes a small part of the time.
struct SnapshotSchedule: Sendable {
    /// A snapshot that took long is not followed by another one before this many times its duration: the clock stands still meanwhile.
    private static let pauses: UInt64 = 20

    /// Due when this much input was read since the last one (and no less than the state's own size) ...
    let bytes: Int
    /// ... or when this much time went by with new input.
    let nanoseconds: UInt64
    private var bytesRead = 0
    private(set) var lastBytes = 0
    private var last: UInt64
    private var lastNanoseconds: UInt64 = 0

    init(bytes: Int, nanoseconds: UInt64, now: UInt64) {
        self.bytes = bytes
        self.nanoseconds = nanoseconds
        last = now
    }

    mutating func noteRead(_ count: Int) { bytesRead += count }

    func isDue(at now: UInt64) -> Bool {
        guard bytesRead > 0 else { return false }
        let elapsed = now &- last
        let (pause, overflow) = lastNanoseconds.multipliedReportingOverflow(by: Self.pauses)
        guard !overflow, elapsed >= pause else { return false }
        return bytesRead >= max(bytes, lastBytes) || elapsed >= nanoseconds
    }

    mutating func noteWritten(_ count: Int, from begin: UInt64, to end: UInt64) {
        bytesRead = 0
        lastBytes = count
        last = end
        lastNanoseconds = end &- begin
    }
}
