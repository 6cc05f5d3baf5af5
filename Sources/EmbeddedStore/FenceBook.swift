/// Decides who may append on behalf of an owner, and when a claim is complete. Touches no disk and waits for nobody.

package import StreamStore

/// The newest epoch of every owner and the appends that are in flight under each.
///
/// `Waiter` is whatever lets a claim go on; the shell resumes those that `end` and `raise` hand back.
package struct FenceBook<Waiter: Sendable>: Sendable {
    private struct Owner: Sendable {
        var epoch: UInt64 = 0
        /// How many appends of each epoch were admitted and have not ended.
        var inFlight: [UInt64: Int] = [:]
        var waiting: [(epoch: UInt64, waiter: Waiter)] = []

        func hasInFlight(before epoch: UInt64) -> Bool {
            inFlight.contains { $0.key < epoch }
        }
    }

    private var owners: [String: Owner]

    /// - Parameter epochs: the newest epoch of each owner, as the catalog has it.
    package init(epochs: [String: UInt64] = [:]) {
        owners = epochs.mapValues { Owner(epoch: $0) }
    }

    /// The newest epoch of an owner; 0 when there was no claim yet.
    package func epoch(of owner: String) -> UInt64 {
        owners[owner]?.epoch ?? 0
    }

    /// Admits an append under a fence, which `end` must follow.
    /// - Returns: false when the fence is not the newest of its owner.
    package mutating func begin(_ fence: Fence) -> Bool {
        guard var owner = owners[fence.owner], owner.epoch == fence.epoch else { return false }
        owner.inFlight[fence.epoch, default: 0] += 1
        owners[fence.owner] = owner
        return true
    }

    /// Ends an append that `begin` admitted, whatever became of it.
    /// - Returns: the claims that waited for it and may go on.
    package mutating func end(_ fence: Fence) -> [Waiter] {
        guard var owner = owners[fence.owner], let count = owner.inFlight[fence.epoch] else { return [] }
        owner.inFlight[fence.epoch] = count > 1 ? count - 1 : nil
        let waiting = owner.waiting
        owner.waiting = waiting.filter { owner.hasInFlight(before: $0.epoch) }
        owners[fence.owner] = owner
        return waiting.filter { !owner.hasInFlight(before: $0.epoch) }.map(\.waiter)
    }

    /// Makes an epoch the newest of its owner (an older one changes nothing) and waits for what is in flight under earlier ones.
    /// - Returns: the waiter itself when nothing older is in flight; otherwise `end` hands it back.
    package mutating func raise(_ ownerName: String, to epoch: UInt64, waiter: Waiter) -> Waiter? {
        var owner = owners[ownerName] ?? Owner()
        defer { owners[ownerName] = owner }
        owner.epoch = max(owner.epoch, epoch)
        guard owner.hasInFlight(before: epoch) else { return waiter }
        owner.waiting.append((epoch, waiter))
        return nil
    }
}
