/// Where the entries of a table are found by their hashes, for tables that are larger than the processor's caches.

import CInstructions
import StreamSQL

/// Slots of an open-addressing table, at most half full. Each holds an entry's number with its hash, so that a slot that is another's is told without
/// a look at that entry, and growing reads the slots alone. Entries are never taken out one by one.
struct HashSlots: Sendable {
    /// The entry's number, from 1, in the upper half, its hash in the lower; 0 where free. A power of two.
    private(set) var slots = [UInt64](repeating: 0, count: smallest)
    private static let smallest = 64
    /// Stands where the slots were, while they are taken out.
    static let none = HashSlots()
    /// From so many slots on their lines are fetched before they are needed.
    private static let large = 1 << 14
    /// How many look-ups a line is fetched ahead of its own.
    static let ahead = 16

    var byteCount: Int { slots.count * 8 }
    var mask: Int { slots.count - 1 }
    /// How many entries there is room for.
    var capacity: Int { slots.count / 2 }
    /// Whether waiting for memory is most of a look-up's time.
    var isLarge: Bool { slots.count >= Self.large }

    @inline(__always)
    static func slot(number: Int, hash: UInt32) -> UInt64 { UInt64(truncatingIfNeeded: number) << 32 | UInt64(hash) }
    @inline(__always)
    static func number(_ slot: UInt64) -> Int { Int(truncatingIfNeeded: slot >> 32) }
    @inline(__always)
    static func hash(_ slot: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: slot) }

    /// Makes room for so many entries.
    mutating func grow(toHold entries: Int) {
        guard entries > capacity else { return }
        var size = slots.count
        while size < entries * 2 { size *= 2 }
        let old = slots
        slots = Self.free(size)
        let mask = size - 1
        slots.withUnsafeMutableBufferPointer { slots in
            for entry in old where entry != 0 {
                var slot = Int(Self.hash(entry)) & mask
                while slots[slot] != 0 { slot = (slot + 1) & mask }
                slots[slot] = entry
            }
        }
    }

    /// Free slots.
    private static func free(_ count: Int) -> [UInt64] {
        [UInt64](unsafeUninitializedCapacity: count) { slots, initialized in
            LargePages.ask(for: UnsafeMutableRawBufferPointer(slots))
            slots.initialize(repeating: 0)
            initialized = count
        }
    }

    mutating func withSlots<Result>(_ body: (UnsafeMutableBufferPointer<UInt64>) -> Result) -> Result {
        slots.withUnsafeMutableBufferPointer { body($0) }
    }

    /// Forgets all entries; keeps the memory.
    mutating func removeAll() {
        slots.withUnsafeMutableBytes { _ = $0.initializeMemory(as: UInt8.self, repeating: 0) }
    }

    /// Begins to fetch the line of a place in memory.
    @inline(__always)
    static func fetch<Element>(_ memory: UnsafePointer<Element>?, _ index: Int) {
        if let memory { prefetch_line(memory + index) }
    }
}
