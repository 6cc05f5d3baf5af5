/// Kinesis's decimal sequence numbers, made from and taken apart into a shard, an offset and an arrival time.

/// A record's sequence number in the version-2 layout that AWS uses (reference kinesis-api.md, section 2).
///
/// The number has 188 bits, which read as 47 hexadecimal digits:
///
/// | bits | digits | meaning |
/// |---|---|---|
/// | 184...187 | 1 | always 2 |
/// | 148...183 | 9 | second in which the shard was created |
/// | 144...147 | 1 | the lowest four bits of the shard's index |
/// | 80...143 | 16 | counter: 0 is where the shard starts, a record at offset n has n + 1 |
/// | 68...79 | 3 | always 0 |
/// | 36...67 | 8 | second of arrival |
/// | 4...35 | 8 | the shard's index |
/// | 0...3 | 1 | version, 2 |
///
/// Within a shard the numbers rise with the offset. As text they have 56 digits for present-day times.
public struct SequenceNumber: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Bits 128...187, 64...127 and 0...63.
    private let high: UInt64
    private let middle: UInt64
    private let low: UInt64

    private static let version: UInt64 = 2
    private static let leadingDigit: UInt64 = 2
    /// 10^19, the largest power of ten that 64 bits hold.
    private static let group: UInt64 = 10_000_000_000_000_000_000
    private static let secondsMask: UInt64 = (1 << 36) - 1

    /// The counter's value in the `EndingSequenceNumber` of a closed shard: past every record.
    private static let endingCounter = UInt64(Int64.max)

    private init(high: UInt64, middle: UInt64, low: UInt64) {
        self.high = high
        self.middle = middle
        self.low = low
    }

    private init(counter: UInt64, shardIndex: UInt32, createdSecond: Int64, arrivalSecond: Int64) {
        let created = UInt64(min(max(createdSecond, 0), Int64(Self.secondsMask)))
        let arrival = UInt64(min(max(arrivalSecond, 0), Int64(UInt32.max)))
        let index = UInt64(shardIndex)
        low = Self.version | index << 4 | arrival << 36
        middle = arrival >> 28 | counter << 16
        high = counter >> 48 | (index & 0xF) << 16 | created << 20 | Self.leadingDigit << 56
    }

    /// The number of the record at `offset`, which must not be negative.
    /// Seconds count from 1970-01-01 UTC; those outside the layout's range are clamped to it.
    public init(offset: Int64, shardIndex: UInt32, shardCreatedSecond: Int64, arrivalSecond: Int64) {
        precondition(offset >= 0, "an offset is never negative")
        self.init(
            counter: UInt64(offset) + 1, shardIndex: shardIndex, createdSecond: shardCreatedSecond,
            arrivalSecond: arrivalSecond)
    }

    /// The number of the record at `offset` of a shard, with its arrival in milliseconds since 1970-01-01 UTC.
    public init(offset: Int64, in shard: ShardDescription, arrivalMilliseconds: Int64) {
        self.init(
            offset: offset, shardIndex: shard.id.index, shardCreatedSecond: shard.createdSecond,
            arrivalSecond: arrivalMilliseconds / 1000)
    }

    /// The `StartingSequenceNumber` of a shard: before every record.
    public static func starting(_ shard: ShardDescription) -> SequenceNumber {
        SequenceNumber(
            counter: 0, shardIndex: shard.id.index, createdSecond: shard.createdSecond,
            arrivalSecond: shard.createdSecond)
    }

    /// The `EndingSequenceNumber` of a shard, after every record; nil while the shard is open.
    public static func ending(_ shard: ShardDescription) -> SequenceNumber? {
        guard shard.endOffset != nil else { return nil }
        return SequenceNumber(
            counter: endingCounter, shardIndex: shard.id.index, createdSecond: shard.createdSecond,
            arrivalSecond: shard.createdSecond)
    }

    // MARK: Parts

    /// 0 for the shard's starting number, offset + 1 for a record.
    public var counter: UInt64 { middle >> 16 | high << 48 }
    /// The record's offset; nil for a shard's starting and ending numbers.
    public var offset: Int64? {
        counter == 0 || counter >= Self.endingCounter ? nil : Int64(counter - 1)
    }
    /// The first offset that is not before this number: 0 for a starting number, the record's own for a record's.
    public var firstOffsetAtOrAfter: Int64 { counter == 0 ? 0 : Int64(clamping: counter - 1) }
    /// The first offset after this number.
    public var firstOffsetAfter: Int64 { Int64(clamping: counter) }
    public var shardIndex: UInt32 { UInt32(truncatingIfNeeded: low >> 4) }
    public var shard: ShardID { ShardID(shardIndex) }
    /// Seconds since 1970-01-01 UTC.
    public var shardCreatedSecond: Int64 { Int64(high >> 20 & Self.secondsMask) }
    /// Seconds since 1970-01-01 UTC.
    public var arrivalSecond: Int64 { Int64(low >> 36 | (middle & 0xF) << 28) }

    /// Whether this number was made for the given shard: index and creation time agree.
    public func belongs(to shard: ShardDescription) -> Bool {
        shardIndex == shard.id.index && shardCreatedSecond == shard.createdSecond
    }

    public static func < (a: Self, b: Self) -> Bool {
        (a.high, a.middle, a.low) < (b.high, b.middle, b.low)
    }

    // MARK: Text

    /// Reads the decimal form.
    ///
    /// Nil when the text is not `0|([1-9]\d{0,128})` or the number does not have the version-2 layout.
    public init?(_ text: some StringProtocol) {
        guard let number = text.utf8.withContiguousStorageIfAvailable({ Self(decimal: $0) }) ?? Self(decimal: text.utf8)
        else { return nil }
        self = number
    }

    private init?(decimal digits: some Collection<UInt8>) {
        // The layout's numbers lie between 2 * 2^184 and 3 * 2^184.
        guard digits.count == Self.digitCount else { return nil }
        // Groups of 18, 19 and 19 digits, each of which fits 64 bits.
        var groups: (UInt64, UInt64, UInt64) = (0, 0, 0)
        var position = 0
        for byte in digits {
            let digit = UInt64(byte &- UInt8(ascii: "0"))
            guard digit <= 9 else { return nil }
            if position < 18 {
                groups.0 = groups.0 &* 10 &+ digit
            } else if position < 37 {
                groups.1 = groups.1 &* 10 &+ digit
            } else {
                groups.2 = groups.2 &* 10 &+ digit
            }
            position += 1
        }
        // The first two groups together are below 10^37, the whole is below 10^56: nothing overflows.
        let upper = UInt128(groups.0) &* UInt128(Self.group) &+ UInt128(groups.1)
        let lowerProduct = UInt64(truncatingIfNeeded: upper).multipliedFullWidth(by: Self.group)
        let upperProduct = UInt64(truncatingIfNeeded: upper >> 64).multipliedFullWidth(by: Self.group)
        let (low, lowCarry) = lowerProduct.low.addingReportingOverflow(groups.2)
        let (sum, sumCarry) = lowerProduct.high.addingReportingOverflow(upperProduct.low)
        let (middle, middleCarry) = sum.addingReportingOverflow(lowCarry ? 1 : 0)
        let high = upperProduct.high &+ (sumCarry ? 1 : 0) &+ (middleCarry ? 1 : 0)
        self.init(high: high, middle: middle, low: low)
        guard high >> 56 == Self.leadingDigit, low & 0xF == Self.version, middle >> 4 & 0xFFF == 0,
            high >> 16 & 0xF == UInt64(shardIndex & 0xF), counter <= Self.endingCounter
        else { return nil }
    }

    /// The decimal form.
    public var description: String {
        String(unsafeUninitializedCapacity: Self.digitCount) { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            writeDigits(to: base)
            return Self.digitCount
        }
    }

    /// How many digits every number of the layout has.
    public static let digitCount = 56

    /// Writes the decimal form as ASCII digits: `digitCount` bytes. For many numbers in a row there is `SequenceNumberText`.
    public func writeDigits(to bytes: UnsafeMutableRawPointer) { SequenceNumberText(self).write(to: bytes) }

    /// The number in groups of eight decimal digits, the lowest first.
    var decimalGroups: InlineArray<7, UInt32> {
        var groups = InlineArray<7, UInt32>(repeating: 0)
        // Three times sixteen digits from the right, then eight. What is above the two lower limbs is below the divisor each time, for the whole
        // number has fewer than 192 bits: 2^60, 2^7 and 0 remain there.
        let divisor: UInt64 = 10_000_000_000_000_000
        var (top, middle, low) = (high, middle, low)
        for pair in 0..<3 {
            let (topQuotient, topRest) = top.quotientAndRemainder(dividingBy: divisor)
            let (middleQuotient, middleRest) = divisor.dividingFullWidth((topRest, middle))
            let (lowQuotient, rest) = divisor.dividingFullWidth((middleRest, low))
            (top, middle, low) = (topQuotient, middleQuotient, lowQuotient)
            groups[2 &* pair] = UInt32(truncatingIfNeeded: rest % 100_000_000)
            groups[2 &* pair &+ 1] = UInt32(truncatingIfNeeded: rest / 100_000_000)
        }
        groups[6] = UInt32(truncatingIfNeeded: low)
        return groups
    }
}
