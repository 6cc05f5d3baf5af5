/// How named consumers stand in their table: keys and values, with their version.

import LatestValues
package import StreamStore

/// What is kept of a consumer besides its shards.
struct ConsumerDefinition: Sendable, Hashable {
    /// How long a member may be silent, in milliseconds.
    var leaseMilliseconds: Int64
    /// Milliseconds since 1970-01-01 UTC.
    var createdMilliseconds: Int64
}

/// Who holds a shard, as it is kept.
struct LeaseRecord: Sendable, Hashable {
    var epoch: UInt64
    var owner: String?
}

/// The three kinds of entries. A key is the kind's letter, the stream's number and the consumer's name, and where it is a shard's the shard's
/// number, with slashes between; names have none. A value begins with its format, 1; numbers are little-endian.
package enum ConsumerRecord {
    package enum Kind: UInt8 {
        case definition = 0x63  // c
        case lease = 0x6C  // l
        case position = 0x70  // p
    }

    private static let format: UInt8 = 1

    // MARK: Keys

    package static func key(_ kind: Kind, _ consumer: ConsumerKey, _ shard: ShardID? = nil) -> [UInt8] {
        let tail = shard.map { "/" + hexadecimal(UInt64($0.index), digits: 8) } ?? ""
        return [kind.rawValue] + Array("/\(hexadecimal(consumer.stream.rawValue, digits: 16))/\(consumer.name)\(tail)".utf8)
    }

    /// All keys of a kind.
    static func range(_ kind: Kind) -> KeyRange { .prefix([kind.rawValue, UInt8(ascii: "/")]) }

    /// Nil for a key that is none of ours.
    static func parse(_ key: [UInt8]) -> (consumer: ConsumerKey, shard: ShardID?)? {
        let parts = String(decoding: key, as: UTF8.self).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3 || parts.count == 4, let stream = UInt64(parts[1], radix: 16) else { return nil }
        let consumer = ConsumerKey(StreamID(stream), String(parts[2]))
        guard parts.count == 4 else { return (consumer, nil) }
        guard let shard = UInt32(parts[3], radix: 16) else { return nil }
        return (consumer, ShardID(shard))
    }

    private static func hexadecimal(_ number: UInt64, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    // MARK: Values

    static func bytes(_ definition: ConsumerDefinition) -> [UInt8] {
        [format] + little(definition.leaseMilliseconds) + little(definition.createdMilliseconds)
    }

    static func bytes(_ lease: LeaseRecord) -> [UInt8] {
        [format] + little(Int64(bitPattern: lease.epoch)) + Array((lease.owner ?? "").utf8)
    }

    static func bytes(_ position: ShardPosition) -> [UInt8] {
        [format, position.isEnded ? 1 : 0] + little(position.nextOffset) + little(position.arrivalSecond)
            + little(position.changedMilliseconds)
    }

    static func definition(_ bytes: [UInt8]) throws(ConsumerError) -> ConsumerDefinition {
        var reader = try Reader(bytes, format)
        return ConsumerDefinition(leaseMilliseconds: try reader.number(), createdMilliseconds: try reader.number())
    }

    static func lease(_ bytes: [UInt8]) throws(ConsumerError) -> LeaseRecord {
        var reader = try Reader(bytes, format)
        let epoch = UInt64(bitPattern: try reader.number())
        let owner = String(decoding: reader.rest, as: UTF8.self)
        return LeaseRecord(epoch: epoch, owner: owner.isEmpty ? nil : owner)
    }

    static func position(_ bytes: [UInt8]) throws(ConsumerError) -> ShardPosition {
        var reader = try Reader(bytes, format)
        let isEnded = try reader.byte() == 1
        return ShardPosition(
            nextOffset: try reader.number(), arrivalSecond: try reader.number(), changedMilliseconds: try reader.number(),
            isEnded: isEnded)
    }

    private static func little(_ number: Int64) -> [UInt8] { withUnsafeBytes(of: number.littleEndian) { Array($0) } }

    /// Reads a value's fields in order.
    private struct Reader {
        private(set) var rest: ArraySlice<UInt8>

        init(_ bytes: [UInt8], _ known: UInt8) throws(ConsumerError) {
            guard let found = bytes.first, found == known else {
                throw .unknownFormat(found: Int(bytes.first ?? 0), known: Int(known))
            }
            rest = bytes.dropFirst()
        }

        mutating func byte() throws(ConsumerError) -> UInt8 {
            guard let byte = rest.popFirst() else { throw .invalid("an entry of the table of consumers ends early") }
            return byte
        }

        mutating func number() throws(ConsumerError) -> Int64 {
            guard rest.count >= 8 else { throw .invalid("an entry of the table of consumers ends early") }
            defer { rest = rest.dropFirst(8) }
            return Int64(bitPattern: rest.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) })
        }
    }
}
