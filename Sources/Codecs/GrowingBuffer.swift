/// A buffer that grows up to a bound: where decompressed bytes go.

import Glibc

/// Bytes of which the first `count` are written. Freed when it goes out of scope.
struct GrowingBuffer: ~Copyable {
    private var base: UnsafeMutableRawPointer?
    private(set) var count = 0
    private var capacity = 0
    private let maxBytes: Int

    /// - Parameter maxBytes: it never holds room for more.
    init(maxBytes: Int) {
        self.maxBytes = max(0, maxBytes)
    }

    deinit { free(base) }

    /// What was written, for as long as `body` runs; a pointer handed out otherwise could outlive the buffer.
    func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Room for more, until the next call that makes room.
    var unused: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base.map { $0 + count }, count: capacity - count)
    }

    /// Makes room for `wanted` more bytes, or as many as the bound leaves.
    /// - Returns: false when the system gave no memory.
    mutating func makeRoom(_ wanted: Int) -> Bool {
        let needed = count &+ min(wanted, maxBytes - count)
        guard needed > capacity else { return true }
        let doubled = capacity > maxBytes / 2 ? maxBytes : capacity * 2
        let newCapacity = max(needed, doubled)
        guard let grown = realloc(base, newCapacity) else { return false }
        base = grown
        capacity = newCapacity
        return true
    }

    /// Says that bytes of `unused` were written.
    mutating func wrote(_ bytes: Int) {
        precondition(bytes >= 0 && bytes <= capacity - count)
        count += bytes
    }

    /// Appends bytes.
    /// - Returns: false when there was no room.
    mutating func append(_ bytes: [UInt8]) -> Bool {
        guard makeRoom(bytes.count), unused.count >= bytes.count else { return false }
        unused.copyBytes(from: bytes)
        wrote(bytes.count)
        return true
    }

    /// Replaces bytes that were written before.
    func overwrite(_ value: UInt32, at position: Int) {
        precondition(position >= 0 && position <= count - 4)
        base?.storeBytes(of: value, toByteOffset: position, as: UInt32.self)
    }

    /// Forgets what was written, keeping the room.
    mutating func removeAll() {
        count = 0
    }
}
