/// What the Kinesis Producer Library puts together comes apart again, and nothing else does.

import AggregatedRecords
import StreamStore
import Testing

/// Makes aggregates as the library does.
struct Aggregate {
    var keys: [String] = []
    var hashKeys: [String] = []
    var records: [(key: Int, hashKey: Int?, data: [UInt8])] = []
    /// Fields that a later version may have.
    var more: [UInt8] = []

    static func varint(_ number: UInt64) -> [UInt8] {
        var (rest, bytes): (UInt64, [UInt8]) = (number, [])
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
        varint(UInt64(number) << 3 | 2) + varint(UInt64(bytes.count)) + bytes
    }

    var message: [UInt8] {
        var message = keys.flatMap { Self.field(1, Array($0.utf8)) } + hashKeys.flatMap { Self.field(2, Array($0.utf8)) }
        for record in records {
            var inner = Self.varint(1 << 3) + Self.varint(UInt64(record.key))
            if let hashKey = record.hashKey { inner += Self.varint(2 << 3) + Self.varint(UInt64(hashKey)) }
            message += Self.field(3, inner + Self.field(3, record.data))
        }
        return message + more
    }

    var bytes: [UInt8] { Self.sealed(message) }

    /// With its magic and its digest.
    static func sealed(_ message: [UInt8]) -> [UInt8] {
        let digest = message.withUnsafeBytes { HashKey.hash(partitionKey: $0) }
        return [0xF3, 0x89, 0x9A, 0xC2] + message + withUnsafeBytes(of: digest.bigEndian) { Array($0) }
    }
}

@Suite struct AggregatedRecordTests {
    private struct User: Hashable {
        var key: String
        var hashKey: String?
        var data: [UInt8]
    }

    /// Nil for a record like any other.
    private func users(_ bytes: [UInt8], in range: HashKeyRange = .all) -> [User]? {
        var users: [User] = []
        let isAggregated = bytes.withUnsafeBytes { memory in
            AggregatedRecord.forEachPart(of: memory, in: range) { part in
                #expect(part.number == users.count && part.data.lowerBound >= 4 && part.data.upperBound <= memory.count - 16)
                users.append(
                    User(
                        key: String(decoding: part.partitionKey, as: UTF8.self),
                        hashKey: part.explicitHashKey.map { String(decoding: $0, as: UTF8.self) }, data: Array(memory[part.data])))
            }
        }
        return isAggregated ? users : nil
    }

    private let sample = Aggregate(
        keys: ["a", "bb"], hashKeys: ["0", "340282366920938463463374607431768211455"],
        records: [(0, nil, [1, 2, 3]), (1, 0, []), (0, 1, [UInt8](repeating: 7, count: 300))])

    @Test("the records of a whole come in their order with their keys")
    func parts() {
        let whole: [User] = [
            User(key: "a", hashKey: nil, data: [1, 2, 3]), User(key: "bb", hashKey: "0", data: []),
            User(key: "a", hashKey: sample.hashKeys[1], data: [UInt8](repeating: 7, count: 300)),
        ]
        #expect(users(sample.bytes) == whole)
        var later = sample
        later.more = Aggregate.field(9, [1, 2]) + Aggregate.varint(10 << 3) + [5] + Aggregate.varint(11 << 3 | 5) + [1, 2, 3, 4]
        #expect(users(later.bytes) == whole)
        #expect(users(Aggregate(keys: ["a"]).bytes) == [])
    }

    @Test("what only looks like one is a record like any other")
    func plain() {
        let whole = sample.bytes
        for length in 0..<whole.count { #expect(users(Array(whole[..<length])) == nil) }
        for index in whole.indices {
            var changed = whole
            changed[index] ^= 0x40
            #expect(users(changed) == nil, "byte \(index)")
        }
        // A message that is none, though its digest is right.
        for message in [[0x0A], [0x0A, 5, 1], [0xFF], [0x07], Aggregate.field(3, []), Aggregate.field(3, [8, 0]), [0x1B, 1]]
            as [[UInt8]]
        {
            #expect(users(Aggregate.sealed(message)) == nil, "\(message)")
        }
    }

    @Test("a whole of which a part lies outside the shard is left out; one that names no key ends there")
    func outside() {
        let (lower, upper) = (HashKeyRange(start: 0, end: .max / 2), HashKeyRange(start: .max / 2 + 1, end: .max))
        func aggregate(_ hashKeys: String...) -> [UInt8] {
            Aggregate(keys: ["k"], hashKeys: hashKeys, records: hashKeys.indices.map { (0, $0, [UInt8($0)]) }).bytes
        }
        #expect(users(aggregate("0", "1"), in: lower)?.count == 2)
        #expect(users(aggregate("0", "1"), in: upper) == [])
        #expect(users(aggregate("0", "340282366920938463463374607431768211455"), in: lower) == [])
        #expect(users(aggregate("0", "340282366920938463463374607431768211456")) == [])
        for malformed in ["", "-1", "x", "00", String(repeating: "1", count: 5000)] {
            #expect(users(aggregate("7", malformed, "8"), in: lower)?.map(\.hashKey) == ["7"])
        }
        // By the digest of its key.
        let key = Aggregate(keys: ["k"], records: [(0, nil, [1])]).bytes
        let isLower = lower.contains(HashKey.hash(partitionKey: "k"))
        #expect(users(key, in: lower)?.count == (isLower ? 1 : 0) && users(key, in: upper)?.count == (isLower ? 0 : 1))
        #expect(users(Aggregate(keys: ["a"], records: [(0, nil, [1]), (1, nil, [2]), (0, nil, [3])]).bytes)?.map(\.data) == [[1]])
        let long = String(repeating: "k", count: 1025)
        #expect(users(Aggregate(keys: ["a", long], records: [(0, nil, [1]), (1, nil, [2])]).bytes)?.map(\.key) == ["a"])
    }

    @Test("300,000 changed messages, their digests made right again, neither trap nor reach outside")
    func mutated() {
        var random = SplitMix(state: 20_261_130)
        let originals = [
            sample.message,
            Aggregate(
                keys: (0..<20).map { "key-\($0)" }, hashKeys: ["12345"],
                records: (0..<40).map { ($0 % 20, $0 % 3 == 0 ? 0 : nil, [UInt8](repeating: UInt8($0), count: $0)) }
            ).message,
        ]
        var aggregated = 0
        for round in 0..<300_000 {
            var message = originals[round % 2]
            for _ in 0...Int(random.next() % 4) { Self.change(&message, &random) }
            if users(Aggregate.sealed(message), in: round % 3 == 0 ? .all : HashKeyRange(start: 0, end: .max / 2)) != nil {
                aggregated += 1
            }
        }
        #expect(aggregated > 10_000)
    }

    private static func change(_ message: inout [UInt8], _ random: inout SplitMix) {
        guard !message.isEmpty else { return message.append(UInt8(truncatingIfNeeded: random.next())) }
        let place = Int(random.next() % UInt64(message.count))
        switch random.next() % 6 {
        case 0: message[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: message[place] ^= 1 << UInt8(random.next() % 8)
        case 2: message.remove(at: place)
        case 3: message.insert([0xFF, 0x80, 0, 0x7F][Int(random.next() % 4)], at: place)
        case 4: message.removeLast(message.count - place)
        default: message.insert(contentsOf: Aggregate.varint(random.next()), at: place)
        }
    }
}

/// Numbers that are the same in every run (Steele, Lea, Flood: SplitMix).
private struct SplitMix {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
