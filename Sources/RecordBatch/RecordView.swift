/// A record seen within the bytes of its batch, and the same as a value of its own.

/// One record of a batch. Its pointers hold only during the call that was given it.
public struct RecordView {
    /// Within the batch: 0, 1, 2 and so on.
    public let offsetDelta: Int32
    /// The batch's base offset plus the delta.
    public let offset: Int64
    /// Milliseconds since 1970-01-01 UTC, from the producer (or the broker: `RecordBatch.hasLogAppendTime`).
    public let timestamp: Int64
    /// Kinesis's partition key; nil when there is none, which is not the same as empty.
    public let key: UnsafeRawBufferPointer?
    /// Nil is a tombstone to Kafka, not the same as empty.
    public let value: UnsafeRawBufferPointer?
    public let headers: RecordHeaderViews
}

/// The headers of a record, in order. They were checked when the record was read.
public struct RecordHeaderViews: Sequence {
    public typealias Element = (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?)

    /// How many there are.
    public let count: Int
    private let bytes: UnsafeRawBufferPointer

    init(count: Int, bytes: UnsafeRawBufferPointer) {
        self.count = count
        self.bytes = bytes
    }

    public var underestimatedCount: Int { count }

    public func makeIterator() -> Iterator { Iterator(remaining: count, cursor: RecordCursor(bytes)) }

    public struct Iterator: IteratorProtocol {
        var remaining: Int
        var cursor: RecordCursor

        public mutating func next() -> Element? {
            guard remaining > 0 else { return nil }
            remaining -= 1
            return try? cursor.header()
        }
    }
}

extension RecordCursor {
    /// The next header of a record.
    mutating func header() throws(RecordBatchError) -> RecordHeaderViews.Element {
        let keyLength = try varint()
        guard let key = try bytes(keyLength, .headerKeyLength) else {
            throw .invalid(.headerKeyLength, value: -1, rule: "a header has a key")
        }
        let valueLength = try varint()
        return (key, try bytes(valueLength, .headerValueLength))
    }
}

/// A record header as a value of its own.
public struct RecordHeader: Hashable, Sendable {
    public var key: String
    /// Nil is not the same as empty.
    public var value: [UInt8]?
    public init(key: String, value: [UInt8]?) {
        self.key = key
        self.value = value
    }
}

/// A record copied out of its batch.
public struct OwnedRecord: Hashable, Sendable {
    public var offset: Int64
    /// Milliseconds since 1970-01-01 UTC.
    public var timestamp: Int64
    public var key: [UInt8]?
    public var value: [UInt8]?
    public var headers: [RecordHeader]

    public init(offset: Int64, timestamp: Int64, key: [UInt8]?, value: [UInt8]?, headers: [RecordHeader] = []) {
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }

    /// Copies a record. Bytes of a header key that are not UTF-8 become U+FFFD.
    public init(_ view: RecordView) {
        self.init(
            offset: view.offset, timestamp: view.timestamp, key: view.key.map { [UInt8]($0) },
            value: view.value.map { [UInt8]($0) },
            headers: view.headers.map {
                RecordHeader(key: String(decoding: $0.key, as: UTF8.self), value: $0.value.map { [UInt8]($0) })
            })
    }
}
