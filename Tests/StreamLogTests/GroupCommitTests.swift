/// The group commit as a value.

import StreamLog
import Testing

@Suite struct GroupCommitTests {
    private func commit(after sequence: UInt64 = 0, pending: Int = 100, group: Int = 50, unflushed: Int = 1_000) -> GroupCommit {
        GroupCommit(after: sequence, maxPendingBytes: pending, maxGroupBytes: group, maxUnflushedBytes: unflushed)
    }
    private let full = GroupCommit.JournalFailure(diskIsFull: true, reason: "the disk is full")
    private let broken = GroupCommit.JournalFailure(diskIsFull: false, reason: "input/output error")

    @Test("what waits when a group begins goes together, and what comes later waits for the next")
    func grouping() throws {
        var commit = commit(after: 7)
        #expect(commit.next() == .wait)
        try commit.offer(1, bytes: 10)
        try commit.offer(2, bytes: 10)
        #expect(commit.next() == .write([1, 2]))
        try commit.offer(3, bytes: 10)
        #expect(commit.next() == .wait)
        #expect(commit.wrote(.success(())) == .sync(Written(8)))
        #expect(commit.next() == .wait)
        #expect(commit.synced(.success(())) == .acknowledge([1, 2], Synced(8)))
        #expect(commit.unflushedBytes == 20)
        #expect(commit.next() == .write([3]))
        #expect(!commit.isIdle)
    }

    @Test("a group has a bound, unless a single append is larger")
    func groupBound() throws {
        var commit = commit(pending: 1_000, group: 50)
        try commit.offer(1, bytes: 200)
        try commit.offer(2, bytes: 30)
        try commit.offer(3, bytes: 20)
        try commit.offer(4, bytes: 1)
        var groups: [[AppendID]] = []
        while case .write(let group) = commit.next() {
            groups.append(group)
            _ = commit.wrote(.success(()))
            _ = commit.synced(.success(()))
        }
        #expect(groups == [[1], [2, 3], [4]])
        #expect(commit.isIdle && commit.pendingBytes == 0)
    }

    @Test("past the bound of pending bytes appends are refused, but a large one is let in when nothing waits")
    func overload() throws {
        var commit = commit(pending: 100)
        try commit.offer(1, bytes: 500)
        #expect(throws: LogError.overloaded) { try commit.offer(2, bytes: 1) }
        _ = commit.next()
        _ = commit.wrote(.success(()))
        _ = commit.synced(.success(()))
        try commit.offer(3, bytes: 60)
        try commit.offer(4, bytes: 40)
        #expect(throws: LogError.overloaded) { try commit.offer(5, bytes: 1) }
    }

    @Test("a full disk refuses the group and nothing else; the next one takes its sequence number")
    func fullDisk() throws {
        var commit = commit()
        try commit.offer(1, bytes: 10)
        _ = commit.next()
        try commit.offer(2, bytes: 10)
        #expect(commit.wrote(.failure(full)) == .refuse([1], full))
        #expect(commit.sealed == nil && commit.pendingBytes == 10)
        #expect(commit.next() == .write([2]))
        #expect(commit.wrote(.success(())) == .sync(Written(1)))
    }

    @Test("any other failed write, and any failed sync, seals: the group and all that wait are told, and nothing is accepted again")
    func sealing() throws {
        for failsAtSync in [false, true] {
            var commit = commit()
            try commit.offer(1, bytes: 10)
            _ = commit.next()
            try commit.offer(2, bytes: 10)
            if failsAtSync { _ = commit.wrote(.success(())) }
            let action = failsAtSync ? commit.synced(.failure(broken)) : commit.wrote(.failure(broken))
            #expect(action == .seal([1, 2], broken))
            #expect(commit.next() == .wait)
            #expect(commit.isIdle)
            #expect(commit.synced == Synced(0))
            #expect(throws: LogError.readOnly(reason: broken.reason)) { try commit.offer(3, bytes: 1) }
        }
    }

    @Test("when memory is used up appends wait until segments have caught up; on a full disk they are refused")
    func backPressure() throws {
        var commit = commit(unflushed: 15)
        try commit.offer(1, bytes: 20)
        _ = commit.next()
        _ = commit.wrote(.success(()))
        _ = commit.synced(.success(()))
        try commit.offer(2, bytes: 10)
        #expect(commit.next() == .wait)
        commit.stall = full
        #expect(throws: LogError.readOnly(reason: "the disk is full")) { try commit.offer(3, bytes: 1) }
        #expect(commit.next() == .refuse([2], full))
        commit.stall = nil
        commit.flushed(bytes: 20)
        try commit.offer(4, bytes: 1)
        #expect(commit.next() == .write([4]))
    }

    @Test("frames between groups, and before the group that is being formed, take a sequence number each")
    func otherFrames() throws {
        var commit = commit(after: 3)
        commit.passedFrame()
        try commit.offer(1, bytes: 1)
        #expect(commit.next() == .write([1]))
        commit.passedFrame()
        #expect(commit.wrote(.success(())) == .sync(Written(6)))
        #expect(commit.synced(.success(())) == .acknowledge([1], Synced(6)))
    }

    @Test("a group whose appends were all dropped while it was formed leaves nothing behind")
    func dropped() throws {
        var commit = commit()
        try commit.offer(1, bytes: 5)
        try commit.offer(2, bytes: 7)
        _ = commit.next()
        #expect(commit.formed([2], bytes: 7) == .write([2]))
        #expect(commit.formed([], bytes: 0) == .wait)
        #expect(commit.isIdle && commit.pendingBytes == 0 && commit.appended == Appended(0))
    }
}
