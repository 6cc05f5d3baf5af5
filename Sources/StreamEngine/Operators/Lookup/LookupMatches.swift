/// The right side of a lookup, known whole, and which of its rows match rows of the left.

import StreamSQL

/// The rows of the right with what finds them.
struct LookupSide: Sendable {
    let rows: KeyedBatch
    private(set) var index: LookupIndex?

    /// - Parameter keys: the values of the key's terms in all rows; none for a side that is looked through.
    init(_ rows: KeyedBatch, keys: [Column]) {
        self.rows = rows
        index = keys.isEmpty ? nil : LookupIndex(keys)
    }

    var count: Int { rows.count }
    var byteCount: Int { rows.batch.byteCount + rows.count * 16 + (index?.byteCount ?? 0) }

    /// For each row of the left the number of its key; nil where all rows of the right are candidates.
    mutating func numbers(of keys: [Column]) -> [UInt32]? {
        // Taken out, so that what it learns of dictionaries stays.
        guard var index else { return nil }
        self.index = nil
        defer { self.index = index }
        return index.numbers(of: keys)
    }
}

/// Pairs of rows that match, in the order of the left's rows and then of the right's.
struct LookupMatches {
    var left: [Int] = []
    var right: [Int] = []

    var count: Int { left.count }

    mutating func append(_ row: Int, _ other: Int) {
        left.append(row)
        right.append(other)
    }

    mutating func append(_ other: LookupMatches) {
        left += other.left
        right += other.right
    }

    mutating func removeAll() {
        left.removeAll(keepingCapacity: true)
        right.removeAll(keepingCapacity: true)
    }
}

extension Column {
    /// The rows given; NULL for -1.
    func gather(orNull rows: [Int]) -> Column {
        guard rows.contains(-1) else { return gather(rows: rows) }
        guard count > 0 else { return .nulls(type, count: rows.count) }
        // Any row stands in for one that is missing.
        let gathered = gather(rows: rows.map { max(0, $0) })
        return Column(type, gathered.values, nulls: rows.indices.map { rows[$0] < 0 || gathered.isNull($0) })
    }
}

extension ByteColumn {
    /// The same texts by the codes of a dictionary of their own, so that gathering and grouping rows of them copies and compares no texts.
    func coded(dictionary: UInt64) -> ByteColumn {
        var known = KnownTexts()
        var (dictionaryBytes, ends, codes) = ([UInt8](), [Int](), [UInt32]())
        codes.reserveCapacity(count)
        for row in 0..<count {
            let range = range(row)
            let number = bytes.withUnsafeBytes { known.insert(UnsafeRawBufferPointer(rebasing: $0[range])) }
            if Int(number) > ends.count {
                dictionaryBytes += bytes[range]
                ends.append(dictionaryBytes.count)
            }
            codes.append(number - 1)
        }
        return ByteColumn(codes: codes, dictionary: dictionary, bytes: dictionaryBytes, ends: ends)
    }
}
