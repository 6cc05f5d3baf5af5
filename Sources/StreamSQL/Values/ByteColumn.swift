/// Texts and binaries of a column: one after the other, or by the codes of a dictionary.

/// Byte strings of the rows of a column.
///
/// Plain: string `i` is `bytes[ends[i-1] ..< ends[i]]`, with `ends[-1]` = 0. Coded: `bytes` and `ends` are those of a dictionary, whose string
/// number `codes[i]` is that of row `i`. `range` knows both forms; who reads `bytes[range(row)]` need not.
public struct ByteColumn: Sendable {
    public var bytes: [UInt8]
    /// Of the rows, or of the dictionary's strings.
    public var ends: [Int]
    /// For each row the number of its string; nil where they stand one after the other.
    public private(set) var codes: [UInt32]?
    /// Columns of the same dictionary, other than 0, use the same codes for the same strings. Later columns of it may have more.
    public private(set) var dictionary: UInt64 = 0

    public init(bytes: [UInt8] = [], ends: [Int] = []) {
        self.bytes = bytes
        self.ends = ends
    }

    /// Rows coded by a dictionary.
    /// - Precondition: every code is less than the count of `ends`.
    public init(codes: [UInt32], dictionary: UInt64 = 0, bytes: [UInt8], ends: [Int]) {
        self.bytes = bytes
        self.ends = ends
        self.codes = codes
        self.dictionary = dictionary
    }

    public var count: Int { codes?.count ?? ends.count }

    /// Where a row's string lies in `bytes`.
    public func range(_ row: Int) -> Range<Int> {
        if let codes { return stringRange(Int(codes[row])) }
        return stringRange(row)
    }

    private func stringRange(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    /// The bytes of all rows together.
    public var totalLength: Int {
        guard codes != nil else { return bytes.count }
        return (0..<count).reduce(0) { $0 + range($1).count }
    }

    /// The same rows, one string after the other.
    public var plain: ByteColumn {
        guard let codes else { return self }
        var plain = ByteColumn()
        plain.ends.reserveCapacity(codes.count)
        for code in codes {
            plain.bytes.append(contentsOf: bytes[stringRange(Int(code))])
            plain.ends.append(plain.bytes.count)
        }
        return plain
    }

    /// The bytes of each row given, in that order.
    func gather(_ rows: [Int]) -> ByteColumn {
        if let codes { return with(codes: rows.map { codes[$0] }) }
        var size = 0
        for row in rows { size += range(row).count }
        var gathered = ByteColumn()
        gathered.bytes.reserveCapacity(size)
        gathered.ends.reserveCapacity(rows.count)
        for row in rows {
            gathered.bytes.append(contentsOf: bytes[range(row)])
            gathered.ends.append(gathered.bytes.count)
        }
        return gathered
    }

    func slice(_ rows: Range<Int>) -> ByteColumn {
        if let codes { return with(codes: Array(codes[rows])) }
        guard let first = rows.first, let last = rows.last else { return ByteColumn() }
        let start = range(first).lowerBound
        return ByteColumn(bytes: Array(bytes[start..<ends[last]]), ends: ends[rows].map { $0 - start })
    }

    /// The i-th row up to the i-th end.
    func repeated(_ rowEnds: [Int]) -> ByteColumn {
        if let codes { return with(codes: codes.repeated(rowEnds)) }
        return ByteColumn(codes: ends.indices.map { UInt32(truncatingIfNeeded: $0) }.repeated(rowEnds), bytes: bytes, ends: ends)
    }

    private func with(codes: [UInt32]) -> ByteColumn {
        ByteColumn(codes: codes, dictionary: dictionary, bytes: bytes, ends: ends)
    }

    package mutating func append(contentsOf other: ByteColumn) {
        if let mine = codes, let others = other.codes, dictionary == other.dictionary, dictionary != 0 {
            // The later of the two knows the strings of both.
            let isLater = other.ends.count > ends.count
            self = ByteColumn(
                codes: mine + others, dictionary: dictionary, bytes: isLater ? other.bytes : bytes,
                ends: isLater ? other.ends : ends)
            return
        }
        if codes != nil { self = plain }
        let other = other.plain
        let base = bytes.count
        bytes.append(contentsOf: other.bytes)
        ends.append(contentsOf: other.ends.lazy.map { $0 + base })
    }

    /// The bytes of a row as text; bytes that are not UTF-8 become U+FFFD.
    package func text(_ row: Int) -> String { String(decoding: bytes[range(row)], as: UTF8.self) }
}

extension ByteColumn: Hashable {
    /// Whether the rows have the same strings, in whatever form.
    public static func == (a: Self, b: Self) -> Bool {
        let (a, b) = (a.plain, b.plain)
        return a.ends == b.ends && a.bytes == b.bytes
    }

    public func hash(into hasher: inout Hasher) {
        let plain = plain
        hasher.combine(plain.ends)
        hasher.combine(plain.bytes)
    }
}
