/// Rows on their way out: as they will stand in the destination, before it is known which shards that has.

package import StreamSQL

/// The records of one output in their order: a partition key and a text each.
///
/// They lie in pieces, which are handed on as they are: what is put together from others holds the same pieces, so that rows are not moved on their way
/// from the program to an append.
package struct OutgoingRows: Sendable {
    /// Rows that lie together.
    package struct Piece: Sendable {
        package var keys: ByteColumn
        package var values: ByteColumn

        package var count: Int { values.count }
        var byteCount: Int { keys.bytes.count + values.bytes.count + 16 * count }
    }

    /// About how long the texts of a piece are.
    static let pieceBytes = 256 << 10
    /// Pieces up to this size are joined: many little ones would cost more than moving them.
    private static let smallPieceBytes = 16 << 10

    package private(set) var pieces: [Piece] = []
    package private(set) var count = 0
    package private(set) var byteCount = 0

    package init() {}

    package init(keys: ByteColumn, values: ByteColumn) { append(Piece(keys: keys, values: values)) }

    /// Adds rows.
    mutating func append(_ piece: Piece) {
        guard piece.count > 0 else { return }
        count += piece.count
        byteCount += piece.byteCount
        guard piece.byteCount <= Self.smallPieceBytes, var last = pieces.popLast() else { return pieces.append(piece) }
        if last.byteCount <= Self.smallPieceBytes {
            last.keys.append(0..<piece.count, of: piece.keys)
            last.values.append(0..<piece.count, of: piece.values)
            pieces.append(last)
        } else {
            pieces.append(last)
            pieces.append(piece)
        }
    }

    /// Adds rows of another one.
    mutating func append(_ rows: Range<Int>, of other: OutgoingRows) {
        var first = 0
        for piece in other.pieces {
            let wanted = rows.clamped(to: first..<(first + piece.count))
            let part = (wanted.lowerBound - first)..<(wanted.upperBound - first)
            first += piece.count
            if part.count == piece.count {
                append(piece)
            } else if !wanted.isEmpty {
                var some = Piece(keys: ByteColumn(), values: ByteColumn())
                some.keys.append(part, of: piece.keys)
                some.values.append(part, of: piece.values)
                append(some)
            }
        }
    }

    /// The end of the rows from `start` on that together take about `bytes`: at least one. Where pieces are not much larger than that, it lies at the end of
    /// one.
    func end(from start: Int, bytes: Int) -> Int {
        var size = 0
        var row = start
        var first = 0
        for piece in pieces {
            defer { first += piece.count }
            guard row < first + piece.count, size < bytes else { continue }
            if row == first, piece.byteCount <= max(2 * (bytes - size), bytes / 4) {
                size += piece.byteCount
                row = first + piece.count
                continue
            }
            while row < first + piece.count, size < bytes {
                size += piece.keys.range(row - first).count + piece.values.range(row - first).count + 16
                row += 1
            }
        }
        return row
    }

    // MARK: Bytes

    /// All keys, then all values, each as a column.
    func write(to writer: inout StateWriter) {
        writer.write(texts: pieces.map(\.keys))
        writer.write(texts: pieces.map(\.values))
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

extension OutgoingRows: Hashable {
    /// The same rows, whatever pieces they lie in.
    package static func == (a: Self, b: Self) -> Bool {
        let (a, b) = (a.whole, b.whole)
        return a.keys == b.keys && a.values == b.values
    }

    package func hash(into hasher: inout Hasher) {
        let whole = whole
        hasher.combine(whole.keys)
        hasher.combine(whole.values)
    }

    private var whole: Piece {
        pieces.reduce(into: Piece(keys: ByteColumn(), values: ByteColumn())) { all, piece in
            all.keys.append(0..<piece.count, of: piece.keys)
            all.values.append(0..<piece.count, of: piece.values)
        }
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
    mutating func merge(_ later: Cut) {
        progress = later.progress
        for (output, more) in later.rows { rows[output, default: OutgoingRows()].append(0..<more.count, of: more) }
    }
}
