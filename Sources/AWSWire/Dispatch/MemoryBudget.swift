/// The memory that requests in flight may take together.

import Synchronization

/// A count of bytes with a limit. Reserving never waits: whoever gets nothing refuses its request.
///
/// The last part of it is for small leases: peers that take large answers slowly may hold all the rest for as long as they like, and nobody's
/// small calls are refused for it.
public final class MemoryBudget: Sendable {
    /// Bytes.
    public let limit: Int
    /// What larger leases may take together, in bytes.
    private let largeLimit: Int
    /// The largest small lease, in bytes.
    private static let small = 1 << 20
    /// The most that is kept for small leases, in bytes.
    private static let mostKept = 32 << 20
    private let used = Atomic<Int>(0)
    private let letsOneExceed: Bool
    private let onShortage: (@Sendable () -> Void)?

    /// - Parameters:
    ///   - letsOneExceed: whether a lease may have any number while no other has one: for a part of another budget, whose limit holds, so that
    ///     nothing is too large for it for ever.
    ///   - onShortage: is called, on any thread, when bytes were asked for that are not to be had: whoever can give some back should.
    public init(limit: Int, letsOneExceed: Bool = false, onShortage: (@Sendable () -> Void)? = nil) {
        self.limit = limit
        self.letsOneExceed = letsOneExceed
        largeLimit = limit - min(limit / 8, Self.mostKept)
        self.onShortage = onShortage
    }

    /// Bytes that are reserved now.
    public var reserved: Int { used.load(ordering: .relaxed) }

    /// A lease of so many bytes; nil when they are not to be had.
    public func lease(_ bytes: Int) -> MemoryLease? {
        reserve(bytes, of: bytes) ? MemoryLease(self, bytes) : nil
    }

    /// - Parameter total: what the lease will have then.
    fileprivate func reserve(_ bytes: Int, of total: Int) -> Bool {
        let bound = total > Self.small ? largeLimit : limit
        var current = used.load(ordering: .relaxed)
        while true {
            let isAlone = letsOneExceed && current == total - bytes
            guard bytes >= 0, bytes == 0 || isAlone || bytes <= bound - current else {
                onShortage?()
                return false
            }
            let (exchanged, original) = used.weakCompareExchange(
                expected: current, desired: current + bytes, ordering: .acquiringAndReleasing)
            if exchanged { return true }
            current = original
        }
    }

    fileprivate func reportShortage() { onShortage?() }

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
        guard budget.reserve(more, of: reserved.addingReportingOverflow(more).partialValue) else { return false }
        bytes.add(more, ordering: .relaxed)
        return true
    }

    /// Says that bytes are wanted which another budget refused.
    public func reportShortage() { budget.reportShortage() }

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
