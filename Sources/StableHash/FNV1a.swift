/// FNV-1a, 64 bits: a hash that is the same on every machine and in every process, which Swift's own is not.

/// The hash of the bytes taken in so far (datatracker.ietf.org/doc/html/draft-eastlake-fnv). It tells altered bytes from whole ones and names what
/// is the same; against intent it is no defence.
public struct FNV1a: Sendable, Hashable {
    /// As it stands.
    public var value: UInt64 = 0xCBF2_9CE4_8422_2325

    @inlinable
    public init() {}

    /// The hash of some bytes.
    @inlinable
    public init(_ bytes: some Sequence<UInt8>) {
        self.init()
        add(bytes)
    }

    @inlinable
    public mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { add(UInt64(byte)) }
    }

    /// Takes in a word at once. That is another hash than that of its bytes, for digests that only this program compares.
    @inlinable
    public mutating func add(_ word: UInt64) { value = (value ^ word) &* 0x0000_0100_0000_01B3 }
}
