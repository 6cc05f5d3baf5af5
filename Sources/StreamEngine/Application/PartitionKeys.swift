/// The partition keys of rows that leave, as texts: column by column, as most keys are made of texts alone.

import StreamSQL

/// Writes the partition keys of the rows of one output.
struct PartitionKeys: Sendable {
    /// Longest partition key, in characters (Kinesis API, PutRecord).
    private static let longest = 256
    private static let separator = UInt8(ascii: "|")

    let rule: PartitionKeyRule
    /// The key of rows that have none.
    let otherwise: [UInt8]

    /// - Parameter recordKeys: the partition keys of the input's rows, where the rule asks for them.
    func keys(_ part: Range<Int>, of rows: KeyedBatch, recordKeys: Column?) -> ByteColumn {
        switch rule {
        case .whole: return ByteColumn(part.map { _ in otherwise })
        case .record:
            guard let recordKeys else { return ByteColumn(part.map { _ in otherwise }) }
            let sources = part.map { row in rows.keys[row].inputRow.flatMap { $0 < recordKeys.count ? $0 : nil } ?? -1 }
            return texts([recordKeys], sources) ?? oneByOne([recordKeys], sources)
        case .columns(let columns):
            let columns = columns.map { rows.batch.columns[$0] }
            return texts(columns, Array(part)) ?? oneByOne(columns, Array(part))
        }
    }

    // MARK: Column by column

    /// The keys of rows where all columns are texts; nil where one may be too long. A row that is not there (-1) has no key.
    private func texts(_ columns: [Column], _ rows: [Int]) -> ByteColumn? {
        var texts: [(column: ByteColumn, nulls: [Bool]?, rows: [Int])] = []
        for column in columns {
            guard case .bytes(let values) = column.stored else { return nil }
            // Where the rows' values are stored: not all rows of the batch are written out for some of them.
            let places = column.runEnds == nil ? rows : rows.map { $0 < 0 ? $0 : column.cell($0).row }
            texts.append((values, column.storedNulls, places))
        }
        var ends = [Int](repeating: max(0, columns.count - 1), count: rows.count)
        for (values, nulls, rows) in texts {
            values.forEachText(rows, nulls) { index, text in ends[index] += text.count }
        }
        var (end, without) = (0, [Int]())
        for index in ends.indices {
            guard ends[index] <= Self.longest else { return nil }
            if ends[index] == 0 { without.append(index) }
            end += ends[index] == 0 ? otherwise.count : ends[index]
            ends[index] = end
        }
        let bytes = [UInt8](unsafeUninitializedCapacity: end) { buffer, length in
            guard let start = buffer.baseAddress else { return }
            // Where the next part of each key goes.
            var places = [0] + ends.dropLast()
            for (number, text) in texts.enumerated() {
                text.column.forEachText(text.rows, text.nulls) { index, text in
                    if number > 0 {
                        start[places[index]] = Self.separator
                        places[index] += 1
                    }
                    if let first = text.baseAddress {
                        UnsafeMutableRawPointer(start + places[index]).copyMemory(from: first, byteCount: text.count)
                    }
                    places[index] += text.count
                }
            }
            for index in without {
                for (place, byte) in otherwise.enumerated() { start[places[index] + place] = byte }
            }
            length = end
        }
        return ByteColumn(bytes: bytes, ends: ends)
    }

    // MARK: Row by row

    private func oneByOne(_ columns: [Column], _ rows: [Int]) -> ByteColumn {
        var keys = ByteColumn()
        keys.ends.reserveCapacity(rows.count)
        for row in rows {
            let start = keys.bytes.count
            for (place, column) in columns.enumerated() where row >= 0 {
                if place > 0 { keys.bytes.append(Self.separator) }
                Self.appendText(row, of: column, to: &keys.bytes)
            }
            if keys.bytes.count == start {
                keys.bytes.append(contentsOf: otherwise)
            } else if keys.bytes.count - start > Self.longest {
                Self.cutKey(from: start, in: &keys.bytes)
            }
            keys.ends.append(keys.bytes.count)
        }
        return keys
    }

    /// Leaves the characters of a key that fit.
    private static func cutKey(from start: Int, in bytes: inout [UInt8]) {
        let characters = String(decoding: bytes[start...], as: UTF8.self).unicodeScalars.prefix(longest)
        let key = String(String.UnicodeScalarView(characters))
        bytes.removeSubrange(start...)
        bytes.append(contentsOf: key.utf8)
    }

    /// A value as the text of a key; NULL is none.
    private static func appendText(_ row: Int, of column: Column, to key: inout [UInt8]) {
        if column.isNull(row) { return }
        let (values, row) = column.cell(row)
        switch values {
        case .bytes(let values): key.append(contentsOf: values.bytes[values.range(row)])
        case .integers(let values): key.append(contentsOf: String(values[row]).utf8)
        case .doubles(let values): key.append(contentsOf: "\(values[row])".utf8)
        case .booleans(let values): key.append(contentsOf: (values[row] ? "true" : "false").utf8)
        }
    }
}

extension ByteColumn {
    /// A column of these texts.
    fileprivate init(_ texts: [[UInt8]]) {
        self.init()
        for text in texts {
            bytes.append(contentsOf: text)
            ends.append(bytes.count)
        }
    }

    /// The texts of rows with their places in the list; those of NULL and of rows that are not there (-1) are empty.
    @inline(__always)
    fileprivate func forEachText(_ rows: [Int], _ nulls: [Bool]?, _ body: (_ index: Int, _ text: UnsafeRawBufferPointer) -> Void) {
        let (isCoded, hasNulls) = (codes != nil, nulls != nil)
        bytes.withUnsafeBytes { bytes in
            ends.withUnsafeBufferPointer { ends in
                (codes ?? []).withUnsafeBufferPointer { codes in
                    (nulls ?? []).withUnsafeBufferPointer { nulls in
                        for (index, row) in rows.enumerated() {
                            if row < 0 || hasNulls && nulls[row] {
                                body(index, UnsafeRawBufferPointer(rebasing: bytes[0..<0]))
                                continue
                            }
                            let text = isCoded ? Int(codes[row]) : row
                            body(index, UnsafeRawBufferPointer(rebasing: bytes[(text == 0 ? 0 : ends[text - 1])..<ends[text]]))
                        }
                    }
                }
            }
        }
    }
}
