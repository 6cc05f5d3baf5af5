/// Which groups have changed since their state was last written, and which are still to be written as they were.

/// A bit a group for each of the two.
struct ChangedGroups: Sendable {
    private var changed: [UInt64] = []
    /// Frozen, and neither written nor saved yet.
    private var pending: [UInt64] = []
    private(set) var pendingCount = 0
    /// Words of `pending` before this are 0.
    private var cursor = 0

    /// Notes that groups change, of `count` that there are.
    mutating func note(_ groups: [Int], count: Int) {
        let words = (count + 63) / 64
        if changed.count < words {
            changed.append(contentsOf: repeatElement(0, count: max(words - changed.count, changed.count)))
        }
        changed.withUnsafeMutableBufferPointer { changed in
            for group in groups { changed[group >> 6] |= 1 << UInt64(truncatingIfNeeded: group & 63) }
        }
    }

    /// What has changed is pending from here on; `whole` for all groups.
    mutating func freeze(whole: Bool, count: Int) {
        if whole {
            pending = [UInt64](repeating: .max, count: (count + 63) / 64)
            if count % 64 > 0 { pending[count / 64] = (1 << UInt64(count % 64)) - 1 }
        } else if pendingCount > 0 {
            for word in pending.indices where word < changed.count { changed[word] |= pending[word] }
            pending = changed
        } else {
            pending = changed
        }
        changed = [UInt64](repeating: 0, count: changed.count)
        pendingCount = pending.reduce(0) { $0 + $1.nonzeroBitCount }
        cursor = 0
    }

    /// Takes out those of some groups that are pending, each once.
    mutating func takePending(among groups: [Int]) -> [Int] {
        var taken: [Int] = []
        for group in groups where group >> 6 < pending.count {
            let bit: UInt64 = 1 << UInt64(group & 63)
            guard pending[group >> 6] & bit != 0 else { continue }
            pending[group >> 6] &= ~bit
            taken.append(group)
        }
        pendingCount -= taken.count
        return taken
    }

    /// Takes out the next pending groups, in their order: about `limit`.
    mutating func takeNext(_ limit: Int) -> [Int] {
        var taken: [Int] = []
        while cursor < pending.count, taken.count < limit {
            while pending[cursor] != 0 {
                taken.append(cursor * 64 + pending[cursor].trailingZeroBitCount)
                pending[cursor] &= pending[cursor] &- 1
            }
            cursor += 1
        }
        pendingCount -= taken.count
        return taken
    }

    mutating func removeAll() { self = ChangedGroups() }
}
