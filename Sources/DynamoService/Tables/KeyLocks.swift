/// Who may change a key: one at a time, in the order of asking, without a thread that waits.

import Synchronization

/// Locks by key. What is decided of a key while it is locked still holds when it is appended.
final class KeyLocks: Sendable {
    fileprivate struct Queue {
        /// In which epoch the lock was given to who has it.
        var epoch: Int
        var waiting: [@Sendable () -> Void] = []
        var head = 0
    }

    fileprivate struct State {
        var queues: [[UInt8]: Queue] = [:]
        var epoch = 0
        /// How many locks are held of those that were given in each epoch.
        var held: [Int: Int] = [:]
        var drains: [(epoch: Int, resume: @Sendable () -> Void)] = []
    }

    private let state = Mutex(State())

    /// Takes a lock if nobody has it; if not, it returns false, and `body` is called with the lock held, on the thread of whoever releases it.
    func acquire(_ key: [UInt8], orThen body: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            guard state.queues[key] == nil else {
                state.queues[key]?.waiting.append(body)
                return false
            }
            state.queues[key] = Queue(epoch: state.epoch)
            state.held[state.epoch, default: 0] += 1
            return true
        }
    }

    /// Hands the lock to who asked for it next.
    func release(_ key: [UInt8]) {
        let (next, drained) = state.withLock { state -> ((@Sendable () -> Void)?, [@Sendable () -> Void]) in
            guard var queue = state.queues[key] else { return (nil, []) }
            let drained = state.end(queue.epoch)
            guard queue.head < queue.waiting.count else {
                state.queues[key] = nil
                return (nil, drained)
            }
            let next = queue.waiting[queue.head]
            queue.head += 1
            if queue.head == queue.waiting.count { (queue.waiting, queue.head) = ([], 0) }
            queue.epoch = state.epoch
            state.held[state.epoch, default: 0] += 1
            state.queues[key] = queue
            return (next, drained)
        }
        for resume in drained { resume() }
        next?()
    }

    /// Locks keys, which stand in order so that no two wait for each other.
    func acquire(_ keys: [[UInt8]]) async {
        for key in keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            await withCheckedContinuation { continuation in
                if acquire(key, orThen: { continuation.resume() }) { continuation.resume() }
            }
        }
    }

    func release(_ keys: [[UInt8]]) {
        for key in keys { release(key) }
    }

    /// Returns when every lock that is held now has been released: whoever locks later sees what was changed before the call.
    func drained() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                let epoch = state.epoch
                state.epoch += 1
                guard state.held.keys.contains(where: { $0 <= epoch }) else { return true }
                state.drains.append((epoch, { continuation.resume() }))
                return false
            }
            if isEmpty { continuation.resume() }
        }
    }
}

extension KeyLocks.State {
    /// - Returns: who waited for this.
    fileprivate mutating func end(_ epoch: Int) -> [@Sendable () -> Void] {
        held[epoch, default: 1] -= 1
        if held[epoch] == 0 { held[epoch] = nil }
        guard !drains.isEmpty else { return [] }
        let oldest = held.keys.min() ?? .max
        let done = drains.filter { $0.epoch < oldest }
        drains.removeAll { $0.epoch < oldest }
        return done.map(\.resume)
    }
}
