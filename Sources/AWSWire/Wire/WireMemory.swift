/// The memory that answers are written into: its own, which grows, or a piece of somebody else's, which does not.

/// Bytes at the end of which more are written. Appending is a comparison and a store.
struct WireMemory: ~Copyable {
    private var base: UnsafeMutableRawPointer
    private(set) var count = 0
    private var capacity: Int
    private let isFixed: Bool

    /// Memory that grows.
    init(capacity: Int) {
        self.capacity = max(16, capacity)
        base = .allocate(byteCount: self.capacity, alignment: 16)
        isFixed = false
    }

    /// A piece of memory that belongs to somebody else.
    init(fixed memory: UnsafeMutableRawBufferPointer) {
        // An empty piece may have no address; nothing will be written there.
        base = memory.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped
        capacity = memory.count
        isFixed = true
    }

    deinit {
        if !isFixed { base.deallocate() }
    }

    /// The byte written last.
    var last: UInt8? { count == 0 ? nil : base.load(fromByteOffset: count &- 1, as: UInt8.self) }

    borrowing func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(UnsafeRawBufferPointer(start: base, count: count))
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        makeRoom(1)
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        makeRoom(bytes.count)
        (base + count).copyMemory(from: source, byteCount: bytes.count)
        count &+= bytes.count
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends exactly `more` bytes, all of which `write` writes.
    @inline(__always)
    mutating func extend(by more: Int, _ write: (UnsafeMutableRawPointer) -> Void) {
        makeRoom(more)
        write(base + count)
        count &+= more
    }

    @inline(__always)
    private mutating func makeRoom(_ more: Int) {
        if more > capacity &- count { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        precondition(!isFixed, "an answer is no longer than was counted")
        let larger = max(2 * capacity, count + more)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        moved.copyMemory(from: base, byteCount: count)
        base.deallocate()
        (base, capacity) = (moved, larger)
    }
}
