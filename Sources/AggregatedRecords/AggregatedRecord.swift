/// Records that the Kinesis Producer Library has put together into one, taken apart again.

public import StreamStore

/// The aggregation format of the KPL (awslabs/amazon-kinesis-producer, "aggregation-format.md"): four bytes of magic, a Protocol Buffers message with
/// tables of partition keys and explicit hash keys and the users' records, the MD5 of the message.
///
/// What is no such record, or only looks like one, is a record like any other: that is for whoever asks to treat so. Nothing is copied, and bytes from
/// outside may be anything.
public enum AggregatedRecord {
    /// A user's record. The pointers hold only during the call that was given it.
    public struct Part {
        /// Which one it is, from 0: the sub-sequence number.
        public var number: Int
        /// Meant to be UTF-8.
        public var partitionKey: UnsafeRawBufferPointer
        /// As it was sent, a decimal number; nil where there is none.
        public var explicitHashKey: UnsafeRawBufferPointer?
        /// Where its data lies in the whole record's.
        public var data: Range<Int>
    }

    private static let (magicBytes, digestBytes) = (4, 16)

    /// Whether the data begins as an aggregated record does. For nearly all others this is all that need be asked.
    @inline(__always)
    public static func mayBe(_ data: UnsafeRawBufferPointer) -> Bool {
        data.count > 20 && data[0] == 0xF3 && data[1] == 0x89 && data[2] == 0x9A && data[3] == 0xC2
    }

    /// Takes a record apart, as the Kinesis Client Library does.
    ///
    /// Where a user's record lies outside the range the whole is left out: the producer sees that it has gone to the wrong shard, as after a split it
    /// may, and sends its records anew. After a record that names a key which is in no table, those that follow are left out.
    /// - Parameters:
    ///   - data: of the whole record.
    ///   - range: of the shard that it is in.
    ///   - body: gets the users' records in their order; it is not called where there are none.
    /// - Returns: false, with `body` not called, when it is a record like any other.
    public static func forEachPart(
        of data: UnsafeRawBufferPointer, in range: HashKeyRange = .all, _ body: (Part) -> Void
    ) -> Bool {
        guard mayBe(data) else { return false }
        let message = UnsafeRawBufferPointer(rebasing: data[magicBytes..<data.count - digestBytes])
        let digest = UInt128(bigEndian: data.loadUnaligned(fromByteOffset: data.count - digestBytes, as: UInt128.self))
        guard HashKey.hash(partitionKey: message) == digest, let tables = KeyTables(message) else { return false }
        guard let count = tables.countInside(range, message) else { return true }
        tables.forEach(message, atMost: count) { part in
            var part = part
            part.data = part.data.lowerBound + magicBytes..<part.data.upperBound + magicBytes
            body(part)
        }
        return true
    }
}

/// Where the keys of a message lie; its records are read in place.
private struct KeyTables {
    private var partitionKeys: [Range<UInt32>] = []
    private var explicitHashKeys: [Range<UInt32>] = []

    /// Of a partition key, in bytes: 256 characters of up to four (Kinesis API, PutRecord). What is longer is none, so that to hash it again and again
    /// is no work.
    private static let longestKey = 1024
    /// More than an explicit hash key has, in bytes.
    private static let longestHashKey = 64

    private enum Field {
        static let (partitionKey, explicitHashKey, record) = (1, 2, 3)
        // Of a record.
        static let (partitionKeyIndex, explicitHashKeyIndex, data) = (1, 2, 3)
    }

    /// A record as the message has it.
    private struct Entry {
        var partitionKey: UInt64
        var explicitHashKey: UInt64?
        var data: Range<Int>
    }

    /// Nil where it is no message of the kind: then nothing of it counts.
    init?(_ message: UnsafeRawBufferPointer) {
        guard message.count <= Int(Int32.max) else { return nil }
        var fields = MessageFields(message, message.startIndex..<message.endIndex)
        while let field = fields.next() {
            guard case .bytes(let range) = field.value else { continue }
            switch field.number {
            case Field.partitionKey: partitionKeys.append(UInt32(range.lowerBound)..<UInt32(range.upperBound))
            case Field.explicitHashKey: explicitHashKeys.append(UInt32(range.lowerBound)..<UInt32(range.upperBound))
            case Field.record: guard Self.entry(message, range) != nil else { return nil }
            default: break
            }
        }
        guard fields.isWhole else { return nil }
    }

    private static func entry(_ message: UnsafeRawBufferPointer, _ range: Range<Int>) -> Entry? {
        var (partitionKey, explicitHashKey, data): (UInt64?, UInt64?, Range<Int>?)
        var fields = MessageFields(message, range)
        while let field = fields.next() {
            switch (field.number, field.value) {
            case (Field.partitionKeyIndex, .number(let index)): partitionKey = index
            case (Field.explicitHashKeyIndex, .number(let index)): explicitHashKey = index
            case (Field.data, .bytes(let range)): data = range
            default: break
            }
        }
        guard fields.isWhole, let partitionKey, let data else { return nil }
        return Entry(partitionKey: partitionKey, explicitHashKey: explicitHashKey, data: data)
    }

    /// How many of the first records count; nil when one of them lies outside the range, so that none does.
    func countInside(_ range: HashKeyRange, _ message: UnsafeRawBufferPointer) -> Int? {
        var count = 0
        // Keys that are the same entry of the table have one hash.
        var lastKey: (index: UInt64, hash: UInt128)?
        for entry in entries(message) {
            guard let key = key(entry.partitionKey, partitionKeys, message) else { return count }
            var hash: UInt128 = 0
            if let index = entry.explicitHashKey {
                guard let text = self.key(index, explicitHashKeys, message) else { return count }
                switch HashKey.parse(explicit: String(decoding: text.prefix(Self.longestHashKey), as: UTF8.self)) {
                case .key(let key): hash = key
                case .outOfRange: return nil
                case .malformed: return count
                }
            } else if range != .all {
                if let lastKey, lastKey.index == entry.partitionKey {
                    hash = lastKey.hash
                } else {
                    hash = HashKey.hash(partitionKey: key)
                    lastKey = (entry.partitionKey, hash)
                }
            }
            guard range == .all || (range.start...range.end).contains(hash) else { return nil }
            count += 1
        }
        return count
    }

    func forEach(_ message: UnsafeRawBufferPointer, atMost count: Int, _ body: (AggregatedRecord.Part) -> Void) {
        for (number, entry) in entries(message).prefix(count).enumerated() {
            guard let key = key(entry.partitionKey, partitionKeys, message) else { return }
            body(
                AggregatedRecord.Part(
                    number: number, partitionKey: key,
                    explicitHashKey: entry.explicitHashKey.flatMap { self.key($0, explicitHashKeys, message) }, data: entry.data))
        }
    }

    private func entries(_ message: UnsafeRawBufferPointer) -> some Sequence<Entry> {
        var fields = MessageFields(message, message.startIndex..<message.endIndex)
        return AnyIterator {
            while let field = fields.next() {
                if field.number == Field.record, case .bytes(let range) = field.value { return Self.entry(message, range) }
            }
            return nil
        }
    }

    private func key(_ index: UInt64, _ table: [Range<UInt32>], _ message: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard index < UInt64(table.count) else { return nil }
        let range = table[Int(index)]
        guard range.count <= Self.longestKey else { return nil }
        return UnsafeRawBufferPointer(rebasing: message[Int(range.lowerBound)..<Int(range.upperBound)])
    }
}
