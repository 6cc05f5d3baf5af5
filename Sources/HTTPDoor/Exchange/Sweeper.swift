/// Looks at all connections of an event loop now and then, for those that are late: one timer instead of several for each request.

import NIOCore

/// What is looked at: a connection, or a stream of one.
protocol Swept: AnyObject {
    /// Its place in the sweeper; the sweeper's to set.
    var sweepSlot: Int { get set }
    /// Ends what is late. It may remove itself.
    func sweep(_ now: NIODeadline)
    /// Since when its peer has taken nothing of what waits for it, as far as sweeps have seen.
    var stalledSince: NIODeadline? { get }
    /// Closes now if nothing is under way, else as soon as it is done.
    func quiesce()
    /// Closes now.
    func cut()
}

/// The connections of one event loop.
final class Sweeper {
    private let loop: any EventLoop
    private let interval: TimeAmount
    private var members: [any Swept] = []
    private var isScheduled = false

    init(_ loop: any EventLoop, interval: TimeAmount) {
        self.loop = loop
        self.interval = interval
    }

    func add(_ member: any Swept) {
        member.sweepSlot = members.count
        members.append(member)
        schedule()
    }

    func remove(_ member: any Swept) {
        let slot = member.sweepSlot
        guard members.indices.contains(slot), members[slot] === member else { return }
        members.swapAt(slot, members.count - 1)
        members.removeLast()
        if slot < members.count { members[slot].sweepSlot = slot }
        member.sweepSlot = -1
    }

    func quiesce() {
        for member in members { member.quiesce() }
    }

    func cut() {
        for member in members { member.cut() }
    }

    /// Closes those whose peers have taken nothing for so long.
    func cut(stalledFor time: TimeAmount) {
        let now = NIODeadline.now()
        for member in members {
            if let since = member.stalledSince, now - since > time { member.cut() }
        }
    }

    /// Nothing is scheduled while nobody is connected.
    private func schedule() {
        guard !isScheduled, !members.isEmpty else { return }
        isScheduled = true
        let this = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: interval) { this.value.sweep() }
    }

    private func sweep() {
        isScheduled = false
        let now = NIODeadline.now()
        // From the end, for the last one takes the place of one that goes.
        for slot in members.indices.reversed() where slot < members.count { members[slot].sweep(now) }
        schedule()
    }
}
