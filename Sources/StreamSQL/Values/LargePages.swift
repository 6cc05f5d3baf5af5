/// Memory of large tables in large pages.

import Glibc

package enum LargePages {
    private static let size = 2 << 20

    /// Asks for large pages for memory that nothing was written to yet, where it is much: to give out a page of 4 KiB takes the system longer than to
    /// clear it, and to find one takes a look-up as long as to fetch the line.
    package static func ask(for memory: UnsafeMutableRawBufferPointer) {
        guard memory.count >= 2 * size, let start = memory.baseAddress else { return }
        let first = start.alignedUp(toMultipleOf: size)
        let end = (start + memory.count).alignedDown(toMultipleOf: size)
        // Where the system has none, all is as before.
        if end > first { _ = madvise(first, end - first, MADV_HUGEPAGE) }
    }

    /// How much `prepare` can do at once: more would be a block of its own, which goes back to the system as a whole (`FreedMemory`).
    package static let mostAhead = 6 << 20

    /// Asks for large pages for memory that will be allocated next in smaller blocks: what is freed here is where the allocator takes it from.
    package static func prepare(_ byteCount: Int) {
        guard byteCount >= 2 * size, byteCount <= mostAhead, let block = malloc(byteCount) else { return }
        ask(for: UnsafeMutableRawBufferPointer(start: block, count: byteCount))
        free(block)
    }
}

extension Array where Element: BitwiseCopyable {
    /// Makes room for so many elements, and for as many again as there was room for.
    package mutating func makeRoom(for count: Int) {
        guard count > capacity else { return }
        let old = self
        self = []
        self = Array(unsafeUninitializedCapacity: Swift.max(count, 2 * old.capacity)) { memory, initialized in
            LargePages.ask(for: UnsafeMutableRawBufferPointer(memory))
            _ = memory.update(fromContentsOf: old)
            initialized = old.count
        }
    }
}
