/// Decides which appends are written together, when they are synced, and whom to acknowledge. It touches no disk.

/// Names an append that waits or is under way.
package typealias AppendID = UInt64

/// The journal's group commit as a value: facts in, actions out.
///
/// There is at most one group under way, and it is one journal frame. Therefore a frame that was begun proves that the frame
/// before it was synced; recovery rests on that.
package struct GroupCommit: Sendable {
    /// What the shell is to do next.
    package enum Action: Equatable, Sendable {
        case wait
        /// Form a frame of these appends, in this order, and write it.
        case write([AppendID])
        /// Sync the file up to this frame.
        case sync(Written)
        /// The appends are durable: make them readable, then tell those who wait.
        case acknowledge([AppendID], Synced)
        /// The appends left no trace that counts. Tell those who wait; later appends may succeed.
        case refuse([AppendID], JournalFailure)
        /// It is unknown what of these appends is durable. Tell those who wait; nothing is accepted any more.
        case seal([AppendID], JournalFailure)
    }

    /// Why a write or a sync failed.
    package struct JournalFailure: Error, Equatable, Sendable {
        package enum Cause: Sendable {
            /// It is not known what was written: nothing is accepted any more.
            case lasting
            /// The disk was full, and only a part of the frame can have been written.
            case diskFull
            /// No descriptor or memory was left, and nothing was written: another try may succeed at any time.
            case exhausted
        }
        package var cause: Cause
        package var reason: String
        package init(_ cause: Cause, reason: String) {
            self.cause = cause
            self.reason = reason
        }
        package init(diskIsFull: Bool, reason: String) { self.init(diskIsFull ? .diskFull : .lasting, reason: reason) }

        package var diskIsFull: Bool { cause == .diskFull }
        /// Later appends may succeed.
        package var passes: Bool { cause != .lasting }
        /// What those are told whose appends it has refused.
        package var refusal: LogError { cause == .exhausted ? .overloaded : .readOnly(reason: reason) }
    }

    private enum Stage: Equatable {
        case idle
        case writing([AppendID])
        case syncing([AppendID])
        case sealed(JournalFailure)
    }

    private var stage = Stage.idle
    private var queue: [(id: AppendID, bytes: Int)] = []
    private var head = 0
    private let maxPendingBytes: Int
    private let maxGroupBytes: Int
    private let maxUnflushedBytes: Int

    /// Bytes of the appends that wait or are under way.
    package private(set) var pendingBytes = 0
    /// Committed bytes that are in no segment yet.
    package private(set) var unflushedBytes = 0
    private var groupBytes = 0
    /// How many appends the last group had that became durable.
    package private(set) var lastGroupCount = 0
    /// How far the journal has come.
    package private(set) var appended: Appended
    package private(set) var written: Written
    package private(set) var synced: Synced
    /// Why the segment thread cannot write for now: waiting for it would be waiting for an operator, or for clients that leave.
    package var stall: JournalFailure?
    package var flushIsStalled: Bool { stall != nil }

    /// - Parameter sequence: the number of the last frame in the journal.
    package init(after sequence: UInt64, maxPendingBytes: Int, maxGroupBytes: Int, maxUnflushedBytes: Int) {
        appended = Appended(sequence)
        written = Written(sequence)
        synced = Synced(sequence)
        self.maxPendingBytes = maxPendingBytes
        self.maxGroupBytes = maxGroupBytes
        self.maxUnflushedBytes = maxUnflushedBytes
    }

    /// Why no append will ever be accepted again, if that is so.
    package var sealed: JournalFailure? {
        if case .sealed(let failure) = stage { failure } else { nil }
    }
    /// Nothing waits and nothing is under way.
    package var isIdle: Bool { pendingBytes == 0 && head == queue.count && (stage == .idle || sealed != nil) }
    /// Appends wait for a group.
    package var hasWaiting: Bool { head < queue.count }
    package var waitingCount: Int { queue.count - head }
    /// The one that waits longest.
    package var firstWaiting: AppendID? { head < queue.count ? queue[head].id : nil }
    /// No group is under way (appends may wait).
    package var mayStartFile: Bool { stage == .idle }
    private var mustWaitForFlush: Bool { unflushedBytes >= maxUnflushedBytes }

    /// Takes an append into the queue.
    /// - Throws: `.readOnly` when sealed or when the disk is full and memory is too, `.overloaded` past the bound.
    package mutating func offer(_ id: AppendID, bytes: Int) throws(LogError) {
        if let failure = sealed { throw .readOnly(reason: failure.reason) }
        if mustWaitForFlush, let stall { throw stall.refusal }
        // An append larger than the bound is let in when nothing else waits, or it never would be.
        guard pendingBytes == 0 || bytes <= maxPendingBytes - min(maxPendingBytes, pendingBytes) else { throw .overloaded }
        queue.append((id, bytes))
        pendingBytes += bytes
    }

    /// Asks what to do when nothing is under way.
    package mutating func next() -> Action {
        guard stage == .idle, head < queue.count else { return .wait }
        if mustWaitForFlush {
            guard let stall else { return .wait }
            return .refuse(takeAll(), stall)
        }
        var group: [AppendID] = []
        while head < queue.count, group.isEmpty || groupBytes + queue[head].bytes <= maxGroupBytes {
            group.append(queue[head].id)
            groupBytes += queue[head].bytes
            head += 1
        }
        compact()
        stage = .writing(group)
        appended.sequence += 1
        return .write(group)
    }

    /// The shell has dropped some appends of the group before writing (their log was removed); these remain.
    package mutating func formed(_ remaining: [AppendID], bytes: Int) -> Action {
        guard case .writing = stage else { preconditionFailure("no group is being formed") }
        pendingBytes -= groupBytes - bytes
        groupBytes = bytes
        stage = .writing(remaining)
        if remaining.isEmpty {
            appended.sequence -= 1
            stage = .idle
            return .wait
        }
        return .write(remaining)
    }

    /// The frame was handed to the file, or was not.
    package mutating func wrote(_ result: Result<Void, JournalFailure>) -> Action {
        guard case .writing(let group) = stage else { preconditionFailure("no group is being written") }
        switch result {
        case .success:
            written = Written(appended.sequence)
            stage = .syncing(group)
            return .sync(written)
        case .failure(let failure) where failure.passes:
            appended.sequence -= 1
            endGroup()
            stage = .idle
            return .refuse(group, failure)
        case .failure(let failure):
            return seal(group, failure)
        }
    }

    /// The sync succeeded, or did not: then it is never asked for again.
    /// - Parameter flushable: how many of the group's bytes are to be written to segments; all unless stated.
    package mutating func synced(_ result: Result<Void, JournalFailure>, flushable: Int? = nil) -> Action {
        guard case .syncing(let group) = stage else { preconditionFailure("no group is being synced") }
        switch result {
        case .success:
            synced = Synced(written.sequence)
            unflushedBytes += flushable ?? groupBytes
            lastGroupCount = group.count
            endGroup()
            stage = .idle
            return .acknowledge(group, synced)
        case .failure(let failure):
            return seal(group, failure)
        }
    }

    /// A frame that is not an append was written and synced (the first frame of a new file, a removal): before the group that is
    /// being formed, if there is one.
    package mutating func passedFrame() {
        precondition(synced.sequence == written.sequence)
        written.sequence += 1
        synced = Synced(written.sequence)
        appended.sequence += 1
    }

    /// Something else than a group failed in a way that forbids going on; the appends that wait are refused for good.
    package mutating func seal(because failure: JournalFailure) -> Action {
        precondition(stage == .idle)
        return seal([], failure)
    }

    /// Bytes went into segments or were dropped.
    package mutating func flushed(bytes: Int) {
        unflushedBytes -= bytes
        precondition(unflushedBytes >= 0)
    }

    /// Bytes that recovery found in the journal only.
    package mutating func recovered(bytes: Int) { unflushedBytes += bytes }

    private mutating func seal(_ group: [AppendID], _ failure: JournalFailure) -> Action {
        let all = group + takeAll()
        pendingBytes = 0
        groupBytes = 0
        stage = .sealed(failure)
        return .seal(all, failure)
    }

    private mutating func endGroup() {
        pendingBytes -= groupBytes
        groupBytes = 0
    }

    private mutating func takeAll() -> [AppendID] {
        let waiting = queue[head...]
        for append in waiting { pendingBytes -= append.bytes }
        let ids = waiting.map(\.id)
        queue.removeAll()
        head = 0
        return ids
    }

    private mutating func compact() {
        guard head == queue.count || (head > 256 && head * 2 > queue.count) else { return }
        queue.removeFirst(head)
        head = 0
    }
}
