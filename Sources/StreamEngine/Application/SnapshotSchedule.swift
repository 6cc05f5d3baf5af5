/// Decides when a run writes its state, and whether all of it.

/// So often that a restart computes little again, so seldom that writing takes a small part of the time.
///
/// What changed since the last snapshot is enough, until what a restart would have to read grows too long.
struct SnapshotSchedule: Sendable {
    /// A snapshot that took long is followed by another one for the sake of bytes only after this many times its duration.
    private static let pauses: UInt64 = 20

    /// Due when this much input was read since the last one began (and no less than that was long) ...
    private let bytes: Int
    /// ... or so early that its end will be this long after the beginning of the last one.
    private let nanoseconds: UInt64
    /// Beside twice the last whole snapshot, what a restart may have to read.
    private let logBytes: Int
    private var bytesRead = 0
    private var lastBytes = 0
    /// When the last one began, and how long it took.
    private var last: UInt64
    private var lastNanoseconds: UInt64 = 0
    /// How long those before took: what windows hold, and so what is to be written, comes and goes.
    private var durations: [UInt64] = []
    /// How many of them are remembered.
    private static let remembered = 16
    /// The size of the last whole one; nil when there is none.
    private var wholeBytes: Int?
    /// What was written since it began.
    private var writtenBytes = 0

    init(_ limits: ApplicationRun.Limits, now: UInt64) {
        bytes = limits.snapshotBytes
        nanoseconds = limits.snapshotNanoseconds
        logBytes = limits.stateLogBytes
        last = now
    }

    /// The run goes on from a state, which is of so long ago: what came since then would be computed again after another crash.
    mutating func resume(_ state: RecoveredState, ageMilliseconds: Int64) {
        last = last &- UInt64(max(0, min(ageMilliseconds, Int64.max / 2_000_000))) * 1_000_000
        if !state.isOld, !state.layers.isEmpty { wholeBytes = state.wholeBytes }
        writtenBytes = state.logBytes
    }

    mutating func noteRead(_ count: Int) { bytesRead += count }

    /// Notes bytes of records in the hidden stream.
    mutating func noteWritten(_ count: Int) { writtenBytes += count }

    func isDue(at now: UInt64) -> Bool {
        guard bytesRead > 0 else { return false }
        let elapsed = now &- last
        // The next one may take longer than those before, and it is not asked all the time whether it is due. Of the first one nothing is known.
        let (ahead, overflows) = (durations.max() ?? nanoseconds / 4).multipliedReportingOverflow(by: 2)
        let early = (overflows ? nanoseconds : min(nanoseconds, ahead)).addingReportingOverflow(nanoseconds / 30)
        let latest = early.overflow || early.partialValue > nanoseconds ? 0 : nanoseconds - early.partialValue
        if elapsed >= max(nanoseconds / 4, latest) { return true }
        let (pause, overflow) = lastNanoseconds.multipliedReportingOverflow(by: Self.pauses)
        return !overflow && elapsed >= pause && bytesRead >= max(bytes, lastBytes)
    }

    /// Whether the next one must be whole.
    var isWholeDue: Bool {
        guard let wholeBytes else { return true }
        return writtenBytes / 2 > wholeBytes + logBytes / 2
    }

    mutating func noteBegin(whole: Bool, at now: UInt64) {
        bytesRead = 0
        last = now
        if whole { writtenBytes = 0 }
    }

    mutating func noteEnd(whole: Bool, bytes: Int, at now: UInt64) {
        lastBytes = bytes
        lastNanoseconds = now &- last
        if durations.count == Self.remembered { durations.removeFirst() }
        durations.append(lastNanoseconds)
        if whole { wholeBytes = bytes }
    }
}
