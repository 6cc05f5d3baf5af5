/// The memory that requests in flight may take together.

import Synchronization

/// A count of bytes with a limit. Reserving never waits: whoever gets nothing refuses its request.
public final class MemoryBudget: Sendable {
    /// Bytes.
    public let limit: Int
    private let used = Atomic<Int>(0)
    private let onShortage: (@Sendable () -> Void)?

    /// - Parameter onShortage: is called, on any thread, when bytes were asked for that are not to be had: whoever can give some back should.
    public init(limit: Int, onShortage: (@Sendable () -> Void)? = nil) {
        self.limit = limit
        self.onShortage = onShortage
    }

    /// Bytes that are reserved now.
    public var reserved: Int { used.load(ordering: .relaxed) }

    /// A lease of so many bytes; nil when they are not to be had.
    public func lease(_ bytes: Int) -> MemoryLease? {
        reserve(bytes) ? MemoryLease(self, bytes) : nil
    }

    fileprivate func reserve(_ bytes: Int) -> Bool {
        var current = used.load(ordering: .relaxed)
        while true {
            guard bytes >= 0, bytes <= limit - current else {
                onShortage?()
                return false
            }
            let (exchanged, original) = used.weakCompareExchange(
                expected: current, desired: current + bytes, ordering: .acquiringAndReleasing)
            if exchanged { return true }
            current = original
        }
    }

    fileprivate func release(_ bytes: Int) {
        used.subtract(bytes, ordering: .acquiringAndReleasing)
    }
}

/// Reserved bytes; they are given back when the lease is no longer held.
public final class MemoryLease: Sendable {
    private let budget: MemoryBudget
    private let bytes: Atomic<Int>

    fileprivate init(_ budget: MemoryBudget, _ bytes: Int) {
        self.budget = budget
        self.bytes = Atomic(bytes)
    }

    /// Reserves more; false, with nothing changed, when it is not to be had.
    public func extend(by more: Int) -> Bool {
        guard budget.reserve(more) else { return false }
        bytes.add(more, ordering: .relaxed)
        return true
    }

    /// Gives back what was asked for beyond need.
    public func shrink(by less: Int) {
        let returned = min(max(0, less), bytes.load(ordering: .relaxed))
        bytes.subtract(returned, ordering: .relaxed)
        budget.release(returned)
    }

    /// Bytes that are reserved now.
    public var reserved: Int { bytes.load(ordering: .relaxed) }

    /// Reserves so many in all; false, with nothing changed, when more are not to be had.
    public func resize(to total: Int) -> Bool {
        let more = total - reserved
        if more > 0 { return extend(by: more) }
        shrink(by: -more)
        return true
    }

    deinit { budget.release(bytes.load(ordering: .relaxed)) }
}
