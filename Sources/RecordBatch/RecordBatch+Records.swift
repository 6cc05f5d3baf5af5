/// The records within a batch.

import Codecs

extension RecordBatch {
    /// How large the records of a batch may become when they are decompressed, unless the caller says otherwise: 64 MiB.
    public static let defaultMaxDecompressedBytes = 64 << 20

    /// Gives the records to `body` one after the other, in order, without copying them.
    ///
    /// Before the first call nothing is known of the records; when a damaged one is found, those before it have been given. A control batch has none:
    /// its offsets are passed over.
    /// - Parameters:
    ///   - maxDecompressedBytes: the most the records of a compressed batch may become.
    ///   - body: is given a record, whose pointers hold only during that call.
    /// - Throws: what `body` throws; else a `RecordBatchError`: `.codec`, `.truncated` or `.invalid`.
    public func forEachRecord(
        maxDecompressedBytes: Int = RecordBatch.defaultMaxDecompressedBytes, _ body: (RecordView) throws -> Void
    ) throws {
        if !isControl { try forEachStoredRecord(maxDecompressedBytes: maxDecompressedBytes, body) }
    }

    /// As `forEachRecord`, with the markers of control batches as well.
    public func forEachStoredRecord(
        maxDecompressedBytes: Int = RecordBatch.defaultMaxDecompressedBytes, _ body: (RecordView) throws -> Void
    ) throws {
        try bytes.withUnsafeBytes { bytes in
            let stored = UnsafeRawBufferPointer(rebasing: bytes[BatchLayout.records...])
            if codec == .none { return try walk(stored, body) }
            var bodyFailed = false
            do {
                try codec.withDecompressed(stored, maxBytes: maxDecompressedBytes) { records in
                    do { try walk(records, body) } catch {
                        bodyFailed = true
                        throw error
                    }
                }
            } catch let error as CodecError where !bodyFailed {
                throw RecordBatchError.codec(error)
            }
        }
    }

    /// Reads all records, those of control batches too, and throws what `forEachRecord` would.
    ///
    /// For batches from outside: a batch that was stored unread could be one that no reader can decode.
    public func checkRecords(maxDecompressedBytes: Int = RecordBatch.defaultMaxDecompressedBytes) throws(RecordBatchError) {
        do {
            try forEachStoredRecord(maxDecompressedBytes: maxDecompressedBytes) { _ in }
        } catch let error as RecordBatchError {
            throw error
        } catch {
            preconditionFailure("the body above throws nothing")
        }
    }

    /// All records, copied. For tests and rare paths.
    /// - Throws: a `RecordBatchError`, as `forEachRecord`.
    public func records(
        maxDecompressedBytes: Int = RecordBatch.defaultMaxDecompressedBytes
    ) throws -> [OwnedRecord] {
        var records: [OwnedRecord] = []
        try forEachRecord(maxDecompressedBytes: maxDecompressedBytes) { records.append(OwnedRecord($0)) }
        return records
    }

    private func walk(_ bytes: UnsafeRawBufferPointer, _ body: (RecordView) throws -> Void) throws {
        let (baseOffset, baseTimestamp) = (baseOffset, baseTimestamp)
        let appendTime: Int64? = hasLogAppendTime ? maxTimestamp : nil
        var cursor = RecordCursor(bytes)
        for index in 0..<recordCount {
            try cursor.enterRecord()
            // Record attributes: Kafka defines no bit of them.
            _ = try cursor.byte()
            let timestampDelta = try cursor.varlong()
            let (timestamp, overflow) = baseTimestamp.addingReportingOverflow(timestampDelta)
            if overflow {
                throw RecordBatchError.invalid(.timestampDelta, value: timestampDelta, rule: "the timestamp must fit 64 bits")
            }
            let offsetDelta = try cursor.varint()
            guard offsetDelta == index else {
                throw RecordBatchError.invalid(.offsetDelta, value: Int64(offsetDelta), rule: "record \(index) must have \(index)")
            }
            let key = try cursor.bytes(cursor.varint(), .keyLength)
            let value = try cursor.bytes(cursor.varint(), .valueLength)
            let headers = try Self.headers(&cursor)
            try cursor.leaveRecord()
            try body(
                RecordView(
                    offsetDelta: Int32(truncatingIfNeeded: index), offset: baseOffset &+ Int64(index),
                    timestamp: appendTime ?? timestamp, key: key, value: value, headers: headers))
        }
        guard cursor.isAtEnd else {
            throw RecordBatchError.invalid(.records, value: Int64(cursor.remaining), rule: "no bytes follow the last record")
        }
    }

    @inline(__always)
    private static func headers(_ cursor: inout RecordCursor) throws(RecordBatchError) -> RecordHeaderViews {
        let count = try cursor.varint()
        // A header takes at least two bytes, so a count that fits bounds the loop.
        guard count >= 0, count <= cursor.remaining / 2 else {
            throw .invalid(.headerCount, value: Int64(count), rule: "\(cursor.remaining) bytes are left in the record")
        }
        let start = cursor.position
        for _ in 0..<count { _ = try cursor.header() }
        return RecordHeaderViews(count: count, bytes: cursor.bytes(from: start))
    }
}
