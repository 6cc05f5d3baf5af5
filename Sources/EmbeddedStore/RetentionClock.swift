/// The time that decides which records are old enough to go: only time that the node has seen pass makes a record older.

/// Retention must not delete early, whatever the wall clock does (faults.md, rule 8 and test 17).
///
/// Records carry the log's time, which follows the wall clock forwards. It *passes* as long as it goes no faster than the monotonic clock; where it
/// goes faster it *jumps*: the wall clock was set forward, which the log's `JumpWatch` tells, or the node was down, which from inside looks the same. A jump makes no record older
/// until the node has run for the record's retention period since then; after that every record from before the jump is old enough anyway.
/// So a record goes when the time that has passed since it arrived, and the jumps that lie that far back, add up to its retention period:
///
/// - Never early. Between the arrival of a record and its removal the node was running for its retention period, to within two seconds.
/// - Late by no more than what jumped, and never later than a retention period of running after the jump. While the wall clock is behind, the log's time
///   runs at half the monotonic clock's speed, and records go after at most twice their retention period.
/// - A clock that starts in 1970 and is set forward an hour later, or years ahead and is set back, stops nothing: the rule knows differences only.
///
/// The jumps of the last years and the time the node has run are kept in the catalog; what passed since they were last written counts as a jump
/// at the next start, so a process that is killed makes nothing older either. See <doc:Retention>.
package struct RetentionClock: Sendable, Equatable {
    /// Time that was not seen passing.
    package struct Jump: Sendable, Equatable {
        var milliseconds: Int64
        /// How long the node had run when it was noticed, in milliseconds over all its processes.
        var uptime: Int64

        func joined(by later: Jump) -> Jump {
            let (sum, overflow) = milliseconds.addingReportingOverflow(later.milliseconds)
            return Jump(milliseconds: overflow ? .max : sum, uptime: later.uptime)
        }
    }

    /// In order of `uptime`.
    package private(set) var jumps: [Jump] = []
    /// How long the node has run, in milliseconds over all its processes.
    private(set) var uptime: Int64 = 0
    /// The log's time when it was last looked at.
    private(set) var time: Int64
    /// The jumps of this process that were taken in, in milliseconds.
    private var jumped: Int64
    private var nanoseconds: UInt64

    /// Jumps noticed within the same span of running time count as one, as of the last.
    private static let joining: Int64 = 600_000
    /// The most jumps that are kept apart. The two oldest become one, as of the later.
    static let mostJumps = 200
    /// The longest retention period, 8760 hours (Kinesis API), with room for one that a later API may allow.
    private static let longestRetention: Int64 = 10 * 8_760 * 3_600_000

    /// - Parameters:
    ///   - saved: what `saved` gave an earlier process. Nil: nothing is known of the time before.
    ///   - hasHistory: whether the log holds anything whose age counts: records, or logs that have ended.
    ///   - time: the log's time, milliseconds since 1970-01-01 UTC.
    ///   - jumped: how much of it has jumped in this process.
    package init(saved: Saved?, hasHistory: Bool, time: Int64, jumped: Int64, nanoseconds: UInt64) {
        self.time = time
        self.jumped = jumped
        self.nanoseconds = nanoseconds
        guard let saved else {
            if hasHistory { add(jump: max(0, time)) }
            return
        }
        (jumps, uptime) = (saved.jumps, saved.uptime)
        let (difference, overflow) = time.subtractingReportingOverflow(saved.time)
        if time >= saved.time { add(jump: overflow ? .max : difference) } else { takeBack(overflow ? .max : -difference) }
    }

    /// Takes in what the clocks show now.
    /// - Parameters:
    ///   - time: the log's time, which never decreases in a process.
    ///   - jumped: how much of it has jumped in this process.
    package mutating func observe(time now: Int64, jumped all: Int64, nanoseconds ticks: UInt64) {
        let passed = ticks > nanoseconds ? (ticks - nanoseconds) / 1_000_000 : 0
        nanoseconds &+= passed &* 1_000_000
        let elapsed = Int64(clamping: passed)
        uptime = uptime.addingReportingOverflow(elapsed).overflow ? .max : uptime + elapsed
        time = max(time, now)
        // Noted as of now, so that nothing that came before it is taken for older.
        add(jump: max(0, all) - jumped)
        jumped = max(jumped, all)
    }

    /// The time by which records with a retention period are old: what arrived so long before it may go. Milliseconds since 1970-01-01 UTC.
    package func now(retentionMilliseconds: Int64) -> Int64 {
        var now = time
        for jump in jumps.reversed() {
            guard uptime - jump.uptime < retentionMilliseconds else { break }
            let (earlier, overflow) = now.subtractingReportingOverflow(jump.milliseconds)
            now = overflow ? .min : earlier
        }
        return now
    }

    private mutating func add(jump milliseconds: Int64) {
        guard milliseconds > 0 else { return }
        jumps.removeAll { uptime - $0.uptime >= Self.longestRetention }
        let jump = Jump(milliseconds: milliseconds, uptime: uptime)
        if let last = jumps.last, last.uptime / Self.joining == uptime / Self.joining {
            jumps[jumps.count - 1] = last.joined(by: jump)
        } else {
            jumps.append(jump)
        }
        if jumps.count > Self.mostJumps {
            let oldest = jumps.removeFirst()
            jumps[0] = oldest.joined(by: jumps[0])
        }
    }

    /// The log's time lies before what was noted: the wall clock was set back, and no record has arrived since the jump, so it did not take place.
    private mutating func takeBack(_ milliseconds: Int64) {
        var rest = milliseconds
        while rest > 0, let last = jumps.popLast() {
            let taken = min(rest, last.milliseconds)
            rest -= taken
            if taken < last.milliseconds { jumps.append(Jump(milliseconds: last.milliseconds - taken, uptime: last.uptime)) }
        }
    }
}

// MARK: - Between two processes

extension RetentionClock {
    /// What the next process has to know.
    package struct Saved: Sendable, Equatable {
        var time: Int64
        var uptime: Int64
        var jumps: [Jump]

        private static let version: UInt8 = 1

        package init(time: Int64, uptime: Int64, jumps: [Jump]) {
            self.time = time
            self.uptime = uptime
            self.jumps = jumps
        }

        /// A version byte, then little-endian numbers of 8 bytes: time, uptime, and two for each jump.
        package var bytes: [UInt8] {
            var bytes = [Self.version]
            for number in [time, uptime] + jumps.flatMap({ [$0.milliseconds, $0.uptime] }) {
                withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
            }
            return bytes
        }

        /// Nil for what no version of ours writes.
        package init?(_ bytes: [UInt8]) {
            guard bytes.first == Self.version, bytes.count >= 17, (bytes.count - 17) % 16 == 0 else { return nil }
            let numbers = stride(from: 1, to: bytes.count, by: 8).map { place in
                bytes.withUnsafeBytes { Int64(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: Int64.self)) }
            }
            (time, uptime) = (numbers[0], numbers[1])
            jumps = stride(from: 2, to: numbers.count, by: 2).map { Jump(milliseconds: numbers[$0], uptime: numbers[$0 + 1]) }
            guard uptime >= 0, jumps.allSatisfy({ $0.milliseconds > 0 && $0.uptime >= 0 && $0.uptime <= uptime }) else {
                return nil
            }
        }
    }

    package var saved: Saved { Saved(time: time, uptime: uptime, jumps: jumps) }
}
