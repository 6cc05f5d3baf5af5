/// Where a record belongs: hash keys from partition keys, and how shards divide the hash space.

internal import CCrypto
internal import CMD5

/// The 128-bit hash key that routes a record to a shard.
public enum HashKey {
    /// The MD5 of a partition key in UTF-8, read as a big-endian unsigned integer (Kinesis API, PutRecord, PartitionKey).
    public static func hash(partitionKey: String) -> UInt128 {
        var key = partitionKey
        return key.withUTF8 { hash(partitionKey: UnsafeRawBufferPointer($0)) }
    }

    /// The same for a key that is at hand as bytes.
    public static func hash(partitionKey: UnsafeRawBufferPointer) -> UInt128 {
        var digest = UInt128()
        withUnsafeMutableBytes(of: &digest) { digest in
            CCrypto_md5(partitionKey.baseAddress, partitionKey.count, digest.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        return UInt128(bigEndian: digest)
    }

    /// The same for many keys, which lie in one buffer: eight are hashed at once where the processor can.
    /// - Parameters:
    ///   - keys: where each begins and how long it is, in bytes; none reaches past the buffer's end.
    /// - Returns: a hash key for each, in their order.
    public static func hashes(
        of keys: [(start: UInt32, length: UInt32)], in buffer: UnsafeRawBufferPointer
    ) -> [UInt128] {
        let lanes = CMD5_lanes()
        return [UInt128](unsafeUninitializedCapacity: keys.count) { hashes, count in
            while count < keys.count {
                if lanes > 0, keys.count - count >= lanes,
                    hashLanes(of: keys[count..<(count + lanes)], in: buffer, to: &hashes, at: count)
                {
                    count += lanes
                    continue
                }
                let (start, length) = (Int(keys[count].start), Int(keys[count].length))
                hashes[count] = hash(partitionKey: UnsafeRawBufferPointer(rebasing: buffer[start..<start + length]))
                count += 1
            }
        }
    }

    /// Hashes as many keys as the processor does at once; false, with nothing done, when one is too long for that.
    private static func hashLanes(
        of keys: ArraySlice<(start: UInt32, length: UInt32)>, in buffer: UnsafeRawBufferPointer,
        to hashes: inout UnsafeMutableBufferPointer<UInt128>, at first: Int
    ) -> Bool {
        var ranges = InlineArray<8, CMD5_range>(repeating: CMD5_range())
        for (lane, key) in keys.enumerated() {
            precondition(Int(key.start) + Int(key.length) <= buffer.count, "a partition key lies inside its buffer")
            guard key.length <= CMD5_longest else { return false }
            ranges[lane] = CMD5_range(start: key.start, length: key.length)
        }
        withUnsafeBytes(of: &ranges) { ranges in
            CMD5_digest_lanes(
                buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
                ranges.baseAddress?.assumingMemoryBound(to: CMD5_range.self),
                UnsafeMutableRawPointer(hashes.baseAddress.map { $0 + first })?.assumingMemoryBound(to: UInt8.self))
        }
        for index in first..<first + keys.count { hashes[index] = UInt128(bigEndian: hashes[index]) }
        return true
    }

    /// What the text of an ExplicitHashKey means.
    public enum Explicit: Hashable, Sendable {
        case key(UInt128)
        /// Decimal, but 2^128 or more.
        case outOfRange
        /// Not of the form `0|([1-9]\d{0,38})`.
        case malformed
    }

    /// Reads an ExplicitHashKey or a NewStartingHashKey (Kinesis API).
    public static func parse(explicit text: some StringProtocol) -> Explicit {
        let digits = text.utf8
        guard (1...39).contains(digits.count) else { return .malformed }
        // Through the generic text, byte by byte, it was the largest part of loading a catalog, which has two for each shard.
        return digits.withContiguousStorageIfAvailable(parse) ?? Array(digits).withUnsafeBufferPointer(parse)
    }

    /// The decimal form of a hash key, as `String(key)` gives it, but made of 64-bit numbers, which is quicker.
    public static func text(_ key: UInt128) -> String {
        let group: UInt128 = 10_000_000_000_000_000_000
        guard key >= group else { return String(UInt64(key)) }
        let (upper, last) = key.quotientAndRemainder(dividingBy: group)
        let digits = String(UInt64(last))
        return text(upper) + String(repeating: "0", count: 19 - digits.utf8.count) + digits
    }

    private static func parse(_ digits: UnsafeBufferPointer<UInt8>) -> Explicit {
        guard digits.first != UInt8(ascii: "0") || digits.count == 1 else { return .malformed }
        var value: UInt128 = 0
        var isInRange = true
        // Groups of 19 digits fit 64 bits; only a whole group touches the wide number.
        var (group, scale): (UInt64, UInt64) = (0, 1)
        for (index, byte) in digits.enumerated() {
            let digit = byte &- UInt8(ascii: "0")
            guard digit <= 9 else { return .malformed }
            group = group &* 10 &+ UInt64(digit)
            scale &*= 10
            guard index % 19 == 18 || index == digits.count - 1 else { continue }
            let (product, productOverflow) = value.multipliedReportingOverflow(by: UInt128(scale))
            let (sum, sumOverflow) = product.addingReportingOverflow(UInt128(group))
            isInRange = isInRange && !productOverflow && !sumOverflow
            value = sum
            (group, scale) = (0, 1)
        }
        return isInRange ? .key(value) : .outOfRange
    }
}

extension HashKeyRange {
    /// The whole hash space.
    public static let all = HashKeyRange(start: 0, end: .max)

    /// Divides the hash space among `count` shards as Kinesis does: each is floor(2^128 / count) wide, and the last one
    /// reaches to the end. `count` must be at least 1.
    public static func even(_ count: Int) -> [HashKeyRange] {
        precondition(count >= 1, "a stream has at least one shard")
        guard count > 1 else { return [.all] }
        let divisor = UInt128(count)
        let (quotient, remainder) = UInt128.max.quotientAndRemainder(dividingBy: divisor)
        let width = remainder == divisor - 1 ? quotient + 1 : quotient
        return (0..<count).map { index in
            let start = UInt128(index) * width
            return HashKeyRange(start: start, end: index == count - 1 ? .max : start + (width - 1))
        }
    }
}

/// The open shards of a stream in order of their hash ranges, to find the one that takes a hash key.
public struct ShardRouting: Hashable, Sendable {
    private let starts: [UInt128]
    private let ends: [UInt128]
    private let shards: [ShardID]

    /// - Parameter shards: the stream's shards; closed ones are left out.
    public init(_ shards: [ShardDescription]) {
        let open = shards.filter { $0.endOffset == nil }.sorted { $0.hashKeyRange.start < $1.hashKeyRange.start }
        starts = open.map(\.hashKeyRange.start)
        ends = open.map(\.hashKeyRange.end)
        self.shards = open.map(\.id)
    }

    /// How many shards are open.
    public var count: Int { starts.count }

    /// The open shard whose range holds the key; nil when there is none, which a whole stream never shows.
    public func shard(for hashKey: UInt128) -> ShardID? {
        var lower = 0
        var upper = starts.count
        while lower < upper {
            let middle = (lower + upper) / 2
            if starts[middle] <= hashKey { lower = middle + 1 } else { upper = middle }
        }
        guard lower > 0, hashKey <= ends[lower - 1] else { return nil }
        return shards[lower - 1]
    }
}
