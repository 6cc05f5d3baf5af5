/// Where things lie in the one durable table: keys whose order is that of queries.

import StableHash

/// Makes keys. The first byte says what is kept:
///
/// | begins with | then | value |
/// |---|---|---|
/// | `t` | a table's name | its definition |
/// | `i` | a table's number, 0, the hash of the partition key, the key | an item |
/// | `i` | a table's number, an index's number, the hash of its partition key, its key, the item's key | what is projected |
/// | `i` | a table's number, 65,535, a time, the item's key | nothing: when items expire |
/// | `d` | the beginning of keys that are being removed | nothing |
/// | `k` | the token of a transaction | when it was, and its digest |
package enum KeyCoding {
    static let definitions = UInt8(ascii: "t")
    static let items = UInt8(ascii: "i")
    static let removals = UInt8(ascii: "d")
    static let tokens = UInt8(ascii: "k")

    /// Stands for the items themselves where the number of an index stands.
    static let base: UInt16 = 0
    /// Stands for the times of expiry.
    static let expiries: UInt16 = .max

    static func definition(_ table: String) -> [UInt8] { [definitions] + Array(table.utf8) }
    static func removal(of prefix: [UInt8]) -> [UInt8] { [removals] + prefix }
    static func token(_ token: String) -> [UInt8] { [tokens] + Array(token.utf8) }

    /// What the keys of a table begin with.
    static func prefix(table: UInt64) -> [UInt8] {
        [items] + withUnsafeBytes(of: table.bigEndian, Array.init)
    }

    /// What the keys of an index, or of the items themselves, begin with.
    static func prefix(table: UInt64, index: UInt16) -> [UInt8] {
        prefix(table: table) + [UInt8(index >> 8), UInt8(truncatingIfNeeded: index)]
    }

    /// What the keys of one partition begin with.
    static func prefix(table: UInt64, index: UInt16, partition: AttributeValue) -> [UInt8] {
        let raw = raw(partition)
        var key = prefix(table: table, index: index)
        let hash = hash(raw)
        for shift in [24, 16, 8, 0] as [UInt32] { key.append(UInt8(truncatingIfNeeded: hash >> shift)) }
        append(raw, to: &key)
        return key
    }

    /// The key of an item.
    static func key(table: UInt64, _ key: ItemKey) -> [UInt8] {
        prefix(table: table, index: base, partition: key.partition) + (key.sort.map(ordered) ?? [])
    }

    /// The key of an item in an index.
    static func key(table: UInt64, index: UInt16, _ indexKey: ItemKey, of item: ItemKey) -> [UInt8] {
        var key = prefix(table: table, index: index, partition: indexKey.partition) + (indexKey.sort.map(ordered) ?? [])
        append(raw(item.partition), to: &key)
        if let sort = item.sort { append(raw(sort), to: &key) }
        return key
    }

    /// The key of an item among the times of expiry.
    /// - Parameter seconds: since 1970-01-01 UTC.
    static func key(table: UInt64, expiring seconds: Int64, _ item: ItemKey) -> [UInt8] {
        var key = prefix(table: table, index: expiries) + time(seconds)
        append(raw(item.partition), to: &key)
        if let sort = item.sort { append(raw(sort), to: &key) }
        return key
    }

    /// A time such that later ones come later.
    static func time(_ seconds: Int64) -> [UInt8] {
        withUnsafeBytes(of: (UInt64(bitPattern: seconds) ^ 1 << 63).bigEndian, Array.init)
    }

    /// The hashes that belong to a segment of a parallel scan, as the bytes that follow an index's prefix.
    static func segment(_ segment: Int, of count: Int) -> (start: [UInt8], end: [UInt8]?) {
        func bytes(_ part: Int) -> [UInt8] {
            let hash = UInt32(truncatingIfNeeded: UInt64(part) * (1 << 32) / UInt64(count))
            return withUnsafeBytes(of: hash.bigEndian, Array.init)
        }
        return (segment == 0 ? [] : bytes(segment), segment + 1 == count ? nil : bytes(segment + 1))
    }

    private static func hash(_ bytes: [UInt8]) -> UInt32 {
        var hash = FNV1a(bytes).value
        // FNV's upper bits of short texts are much alike; segments go by them.
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        return UInt32(truncatingIfNeeded: hash >> 32)
    }

    private static func append(_ part: [UInt8], to key: inout [UInt8]) {
        key.append(UInt8(truncatingIfNeeded: part.count >> 8))
        key.append(UInt8(truncatingIfNeeded: part.count))
        key.append(contentsOf: part)
    }

    /// The bytes of a key attribute, the same for equal ones.
    private static func raw(_ value: AttributeValue) -> [UInt8] {
        switch value {
        case .string(let bytes), .binary(let bytes): bytes
        default: ordered(value)
        }
    }

    // MARK: Order

    /// The bytes of a sort key: their order is that of the values, and none begins with another.
    package static func ordered(_ value: AttributeValue) -> [UInt8] {
        switch value {
        case .string(let bytes), .binary(let bytes): escaped(bytes) + [0, 0]
        case .number(let number): ordered(number)
        default: [0, 0]
        }
    }

    /// What the ordered bytes of all texts begin with that begin so.
    static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(0) else { return bytes }
        return bytes.flatMap { $0 == 0 ? [0, 0xFF] : [$0] }
    }

    /// A sign, the power of the first digit, two digits a byte, an end; all complemented for negative numbers.
    private static func ordered(_ number: DynamoNumber) -> [UInt8] {
        guard number.digits != 0 else { return [0x80] }
        let power = UInt16(number.digitCount + number.exponent + 1000)
        var bytes = [UInt8(power >> 8), UInt8(truncatingIfNeeded: power)]
        var digits = Array(String(number.digits).utf8).map { $0 - UInt8(ascii: "0") }
        if digits.count % 2 == 1 { digits.append(0) }
        for index in stride(from: 0, to: digits.count, by: 2) { bytes.append(digits[index] * 10 + digits[index + 1] + 1) }
        bytes.append(0)
        return number.isNegative ? [0x7F] + bytes.map { ~$0 } : [0x81] + bytes
    }
}

/// The attributes that name an item, or that an index has it under.
package struct ItemKey: Hashable, Sendable {
    package var partition: AttributeValue
    /// Nil where the table has none.
    package var sort: AttributeValue?

    package init(partition: AttributeValue, sort: AttributeValue? = nil) {
        (self.partition, self.sort) = (partition, sort)
    }
}

// MARK: Back

extension KeyCoding {
    /// The key of the item that an entry of the times of expiry is about.
    static func itemKey(ofExpiry entry: [UInt8], of table: KnownTable) -> ItemKey? {
        var rest = entry.dropFirst(prefix(table: table.number, index: expiries).count + 8)
        guard let partition = part(&rest, table.partition) else { return nil }
        guard let sort = table.sort else { return ItemKey(partition: partition) }
        guard let value = part(&rest, sort) else { return nil }
        return ItemKey(partition: partition, sort: value)
    }

    private static func part(_ rest: inout ArraySlice<UInt8>, _ element: KeyElement) -> AttributeValue? {
        guard rest.count >= 2 else { return nil }
        let count = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
        guard rest.count >= 2 + count else { return nil }
        let bytes = Array(rest.dropFirst(2).prefix(count))
        rest = rest.dropFirst(2 + count)
        switch element.kind {
        case .string: return .string(bytes)
        case .binary: return .binary(bytes)
        default: return number(bytes).map { .number($0) }
        }
    }

    /// The number that `ordered` wrote.
    private static func number(_ bytes: [UInt8]) -> DynamoNumber? {
        guard let sign = bytes.first else { return nil }
        if sign == 0x80 { return .zero }
        let plain = sign == 0x7F ? bytes.dropFirst().map { ~$0 } : Array(bytes.dropFirst())
        guard plain.count >= 4, plain.last == 0 else { return nil }
        let power = Int(plain[0]) << 8 | Int(plain[1])
        var digits: UInt128 = 0
        for pair in plain[2..<plain.count - 1] { digits = digits &* 100 &+ UInt128(pair) &- 1 }
        var exponent = power - 1000 - 2 * (plain.count - 3)
        while digits != 0, digits % 10 == 0 { (digits, exponent) = (digits / 10, exponent + 1) }
        // The power counts the digits that there were, of which an odd number was filled up.
        return DynamoNumber(kept: digits, exponent: exponent, isNegative: sign == 0x7F)
    }
}
