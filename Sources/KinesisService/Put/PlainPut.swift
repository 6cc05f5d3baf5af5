/// Reads the JSON of PutRecord and PutRecords in one pass where it is of the plainest form and breaks no rule, as nearly all are.

import AWSWire
import StreamStore

/// What a put says, straight out of its body. Every other body is read by the general way, which knows the words for what is wrong.
package struct PlainPut {
    package private(set) var entries: [PutEntry] = []
    /// Holds the parts of all records.
    package private(set) var arena: [UInt8] = []
    package private(set) var streamName: String?
    package private(set) var streamARN: String?

    private typealias Bytes = UnsafeBufferPointer<UInt8>

    /// The members of PutRecord, save SequenceNumberForOrdering.
    package init?(record body: UnsafeRawBufferPointer) {
        let isPlain = read(body) { (put, cursor, arena) in
            var entry = PutEntry()
            let isObject = cursor.object { (cursor, name) in
                arena.read(name, of: &entry, &cursor) || put.readStream(name, &cursor)
            }
            put.entries = [entry]
            return isObject && arena.isPlain(entry)
        }
        guard isPlain else { return nil }
    }

    /// The members of PutRecords.
    package init?(records body: UnsafeRawBufferPointer, maxRecords: Int) {
        let isPlain = read(body) { (put, cursor, arena) in
            cursor.object { (cursor, name) in
                guard name.isName("Records"), put.entries.isEmpty else { return put.readStream(name, &cursor) }
                put.entries.reserveCapacity(min(maxRecords, 1 + body.count / 256))
                return cursor.array { (cursor) in
                    var entry = PutEntry()
                    let isObject = cursor.object { (cursor, name) in arena.read(name, of: &entry, &cursor) }
                    guard isObject, arena.isPlain(entry), put.entries.count < maxRecords else { return false }
                    put.entries.append(entry)
                    return true
                }
            } && !put.entries.isEmpty
        }
        guard isPlain else { return nil }
    }

    /// Gives the reader a cursor over the body and an arena that takes all that can be in it.
    private mutating func read(
        _ body: UnsafeRawBufferPointer, _ members: (inout PlainPut, inout JSONCursor, inout Arena) -> Bool
    ) -> Bool {
        var isPlain = false
        arena = body.withMemoryRebound(to: UInt8.self) { text in
            [UInt8](unsafeUninitializedCapacity: text.count) { buffer, count in
                var cursor = JSONCursor(text)
                var arena = Arena(buffer)
                isPlain = members(&self, &cursor, &arena) && cursor.isAtEnd
                count = arena.count
            }
        }
        return isPlain && hasPlainStream
    }

    private mutating func readStream(_ name: Bytes, _ cursor: inout JSONCursor) -> Bool {
        // A member that comes twice counts the second time; the general way knows.
        if name.isName("StreamName"), streamName == nil {
            guard let text = cursor.string() else { return false }
            streamName = String(decoding: text, as: UTF8.self)
            return true
        }
        guard name.isName("StreamARN"), streamARN == nil, let text = cursor.string() else { return false }
        streamARN = String(decoding: text, as: UTF8.self)
        return true
    }

    private var hasPlainStream: Bool {
        guard streamARN == nil, let name = streamName else {
            return PutStream.streamRules.error(for: PutStream(streamName: streamName, streamARN: streamARN)) == nil
        }
        return name.utf8.count <= 128 && Pattern.isName(name.utf8)
    }

    private struct PutStream: ChoosesStream {
        var streamName: String?
        var streamARN: String?
    }
}

/// Memory for the parts of a body's records. What is decoded is never longer than what it was decoded from, so a body's length is enough.
private struct Arena {
    private let buffer: UnsafeMutableBufferPointer<UInt8>
    private(set) var count = 0

    init(_ buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = buffer }

    /// Reads a member of a record; false when it is none, comes twice or is not plain.
    mutating func read(_ name: UnsafeBufferPointer<UInt8>, of entry: inout PutEntry, _ cursor: inout JSONCursor) -> Bool {
        if name.isName("Data"), entry.data == nil {
            entry.data = base64(&cursor)
            return entry.data != nil
        }
        if name.isName("PartitionKey"), entry.partitionKey == nil {
            entry.partitionKey = text(&cursor)
            return entry.partitionKey != nil
        }
        guard name.isName("ExplicitHashKey"), entry.explicitHashKey == nil else { return false }
        entry.explicitHashKey = text(&cursor)
        return entry.explicitHashKey != nil
    }

    func isPlain(_ entry: PutEntry) -> Bool { entry.isPlain(UnsafeBufferPointer(buffer)) }

    private mutating func text(_ cursor: inout JSONCursor) -> Range<Int>? {
        guard let text = cursor.string(), text.count <= buffer.count - count else { return nil }
        let start = count
        _ = UnsafeMutableBufferPointer(rebasing: buffer[start...]).update(fromContentsOf: text)
        count += text.count
        return start..<count
    }

    private mutating func base64(_ cursor: inout JSONCursor) -> Range<Int>? {
        guard let length = cursor.base64(into: UnsafeMutableBufferPointer(rebasing: buffer[count...])) else { return nil }
        defer { count += length }
        return count..<count + length
    }
}
