/// Rows on their way out: as they will stand in the destination, before it is known which shards that has.

package import StreamSQL

/// The records of one output in their order: a partition key and a text each.
package struct OutgoingRows: Hashable, Sendable {
    package var keys: ByteColumn
    package var values: ByteColumn

    package init(keys: ByteColumn = ByteColumn(), values: ByteColumn = ByteColumn()) {
        self.keys = keys
        self.values = values
    }

    package var count: Int { values.count }
    package var byteCount: Int { keys.bytes.count + values.bytes.count + 16 * count }

    /// Adds rows of another one.
    mutating func append(_ rows: Range<Int>, of other: OutgoingRows) {
        if count == 0, rows == 0..<other.count {
            self = other
            return
        }
        keys.append(rows, of: other.keys)
        values.append(rows, of: other.values)
    }

    /// The end of the rows from `start` on that together take about `bytes`: at least one.
    func end(from start: Int, bytes: Int) -> Int {
        var size = 0
        var row = start
        while row < count, size < bytes {
            size += keys.range(row).count + values.range(row).count + 16
            row += 1
        }
        return row
    }

    func write(to writer: inout StateWriter) {
        writer.write(Column(.varbinary(65_535), .bytes(keys)))
        writer.write(Column(.varbinary(65_535), .bytes(values)))
    }

    init(from reader: inout StateReader) throws(SnapshotError) {
        let keys = try reader.column(.varbinary(65_535))
        let values = try reader.column(.varbinary(65_535), rows: keys.count)
        guard case .bytes(let keyBytes) = keys.values, case .bytes(let valueBytes) = values.values else {
            throw .damaged("outgoing rows are not bytes")
        }
        self.init(keys: keyBytes, values: valueBytes)
    }
}

extension ByteColumn {
    /// Adds rows of another one; both stand one after the other.
    fileprivate mutating func append(_ rows: Range<Int>, of other: ByteColumn) {
        guard let first = rows.first, let last = rows.last else { return }
        let (start, end) = (other.range(first).lowerBound, other.range(last).upperBound)
        let shift = bytes.count - start
        bytes.append(contentsOf: other.bytes[start..<end])
        ends.append(contentsOf: other.ends[rows].lazy.map { $0 + shift })
    }
}

/// All that the input up to some place gives: computed, not yet appended.
struct Cut: Sendable {
    var progress: InputProgress
    /// By the output's id.
    var rows: [String: OutgoingRows] = [:]

    var byteCount: Int { rows.values.reduce(0) { $0 + $1.byteCount } }
    var rowCount: Int { rows.values.reduce(0) { $0 + $1.count } }

    /// Takes in what a later cut has.
    /// - Parameter room: bytes that the whole may come to, so that it grows without being moved.
    mutating func merge(_ later: Cut, room: Int) {
        progress = later.progress
        for (output, more) in later.rows {
            var all = rows.removeValue(forKey: output) ?? OutgoingRows()
            if all.count > 0, all.values.bytes.capacity < all.values.bytes.count + more.values.bytes.count {
                all.values.bytes.reserveCapacity(max(room, all.values.bytes.count + more.values.bytes.count))
            }
            all.append(0..<more.count, of: more)
            rows[output] = all
        }
    }
}
