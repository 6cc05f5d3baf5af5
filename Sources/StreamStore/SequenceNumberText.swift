/// The decimal forms of a shard's sequence numbers one after the other, by additions instead of wide divisions.

/// The text of a number, which can be moved on to the numbers of the records after it.
///
/// The records of a batch share shard and arrival time, so each number exceeds the one before by 2^80 (`SequenceNumber`). The text is kept
/// in seven groups of eight digits, of which that changes four and, now and then, a carry more.
public struct SequenceNumberText: Sendable {
    private static let groupCount = 7
    /// 2^80 in groups of eight digits, the lowest first.
    private static let step: (UInt32, UInt32, UInt32, UInt32) = (74_706_176, 96_146_291, 20_892_581, 1)
    private static let groupLimit: UInt32 = 100_000_000

    /// The value of each group, the lowest first.
    private var groups: InlineArray<7, UInt32>
    /// The digits of each group as they lie in memory, the highest first.
    private var digits: InlineArray<7, UInt64>

    public init(_ number: SequenceNumber) {
        groups = number.decimalGroups
        digits = InlineArray(repeating: 0)
        for index in 0..<Self.groupCount { render(index) }
    }

    /// Moves on to the number of the next record.
    public mutating func advance() {
        var carry = add(Self.step.0, to: 0)
        carry = add(Self.step.1 &+ carry, to: 1)
        carry = add(Self.step.2 &+ carry, to: 2)
        carry = add(Self.step.3 &+ carry, to: 3)
        var index = 4
        while carry > 0, index < Self.groupCount {
            carry = add(carry, to: index)
            index &+= 1
        }
    }

    /// Writes the digits: `SequenceNumber.digitCount` bytes.
    public func write(to bytes: UnsafeMutableRawPointer) {
        for index in 0..<Self.groupCount {
            bytes.storeBytes(of: digits[index], toByteOffset: 8 &* index, as: UInt64.self)
        }
    }

    @inline(__always)
    private mutating func add(_ value: UInt32, to index: Int) -> UInt32 {
        // Both are below 10^8 + 1.
        let sum = groups[index] &+ value
        let overflows = sum >= Self.groupLimit
        groups[index] = overflows ? sum &- Self.groupLimit : sum
        render(index)
        return overflows ? 1 : 0
    }

    @inline(__always)
    private mutating func render(_ index: Int) {
        digits[Self.groupCount &- 1 &- index] = Self.eightDigits(groups[index])
    }

    /// The ASCII digits of a number below 10^8, the first digit in the first byte of memory.
    ///
    /// Halves, quarters and digits are parted in all lanes of a word at once, by multiplications with rounded-up reciprocals.
    @inline(__always)
    static func eightDigits(_ value: UInt32) -> UInt64 {
        let upper = value / 10_000
        let halves = UInt64(upper) | UInt64(value &- upper &* 10_000) << 32
        let hundreds = (halves &* 10_486) >> 20 & 0x0000_007F_0000_007F
        let pairs = hundreds | (halves &- hundreds &* 100) << 16
        let tens = (pairs &* 103) >> 10 & 0x000F_000F_000F_000F
        let single = tens | (pairs &- tens &* 10) << 8
        return (single | 0x3030_3030_3030_3030).littleEndian
    }
}
