/// Bytes of batches as slices of shared memory: what holds them keeps the memory, and nobody copies to hand them over.

/// A range of bytes in memory that several values share and nobody changes.
///
/// Whoever keeps a small slice of a large piece of memory keeps all of it; `copied()` lets it go.
public struct BatchBytes: @unchecked Sendable {
    /// Keeps the memory; nobody writes to it any more.
    private let owner: AnyObject
    private let start: UnsafeRawPointer
    public let count: Int

    /// Copies bytes.
    public init(copying bytes: UnsafeRawBufferPointer) {
        self.init(SharedMemory(copying: bytes), 0..<bytes.count)
    }

    /// Copies bytes.
    public init(_ bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { BatchBytes(copying: $0) }
    }

    /// Takes memory that somebody else allocated, such as what a socket was read into.
    /// - Parameters:
    ///   - bytes: stay where they are, and as they are, for as long as `owner` lives.
    ///   - owner: keeps them.
    public init(unowned bytes: UnsafeRawBufferPointer, keeping owner: some AnyObject & Sendable) {
        self.owner = owner
        // Of no bytes any address will do.
        start = bytes.baseAddress ?? UnsafeRawPointer(Unmanaged.passUnretained(owner).toOpaque())
        count = bytes.count
    }

    /// A range of memory that is not written to any more.
    public init(_ memory: SharedMemory, _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= memory.byteCount)
        owner = memory
        start = UnsafeRawPointer(memory.start + range.lowerBound)
        count = range.count
    }

    private init(owner: AnyObject, start: UnsafeRawPointer, count: Int) {
        self.owner = owner
        self.start = start
        self.count = count
    }

    /// The bytes, for as long as `body` runs.
    @inlinable
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(pointer)
    }

    /// Valid only while this value lives.
    @usableFromInline var pointer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    /// A part, in the same memory.
    public func slice(_ range: Range<Int>) -> BatchBytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return BatchBytes(owner: owner, start: start + range.lowerBound, count: range.count)
    }

    /// The same bytes in memory of their own, for those who keep them long.
    public func copied() -> BatchBytes { withUnsafeBytes { BatchBytes(copying: $0) } }

    /// This and another slice as one, where the other stands right behind it in the same memory.
    public func joined(_ next: BatchBytes) -> BatchBytes? {
        guard owner === next.owner, start + count == next.start else { return nil }
        return BatchBytes(owner: owner, start: start, count: count + next.count)
    }
}

extension BatchBytes: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { count }
    public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count)
        return withUnsafeBytes { $0[index] }
    }
    public func withContiguousStorageIfAvailable<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result? {
        try withUnsafeBytes { bytes in try bytes.withMemoryRebound(to: UInt8.self) { try body($0) } }
    }
}

extension BatchBytes: Hashable {
    public static func == (left: BatchBytes, right: BatchBytes) -> Bool {
        left.count == right.count
            && left.withUnsafeBytes { left in right.withUnsafeBytes { right in left.elementsEqual(right) } }
    }
    public func hash(into hasher: inout Hasher) {
        withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}

/// Memory of a fixed size, freed with its last slice. It is written to by whoever made it, until it is shared.
public final class SharedMemory: @unchecked Sendable {
    fileprivate let start: UnsafeMutableRawPointer
    public let byteCount: Int

    /// - Parameter byteCount: what it holds at first is undefined.
    public init(byteCount: Int) {
        precondition(byteCount >= 0)
        self.byteCount = byteCount
        start = .allocate(byteCount: Swift.max(1, byteCount), alignment: 16)
    }

    /// - Parameter bytes: what it holds at first.
    public convenience init(copying bytes: UnsafeRawBufferPointer) {
        self.init(byteCount: bytes.count)
        if !bytes.isEmpty { self.bytes.copyMemory(from: bytes) }
    }

    deinit { start.deallocate() }

    /// To be written only while nobody else has a slice; valid only while the memory is kept.
    public var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: start, count: byteCount) }
}
