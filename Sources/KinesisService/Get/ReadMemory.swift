/// What the records of a read are counted in: the call's lease, and for some who read a part of the budget that is theirs alone.

import AWSWire

struct ReadMemory: Sendable {
    /// Of the call.
    let lease: MemoryLease
    /// Of the part; nil where there is none.
    let share: MemoryLease?

    init(_ lease: MemoryLease, share: MemoryLease? = nil) {
        self.lease = lease
        self.share = share
    }

    /// Reserves more; false, with nothing changed, when it is not to be had.
    func extend(by more: Int) -> Bool {
        guard lease.extend(by: more) else { return false }
        guard let share, !share.extend(by: more) else { return true }
        lease.shrink(by: more)
        // Peers that take nothing keep others of the same kind waiting.
        lease.reportShortage()
        return false
    }

    func shrink(by less: Int) {
        share?.shrink(by: less)
        lease.shrink(by: less)
    }
}
