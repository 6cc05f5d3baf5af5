/// The rows of one period of a sort, with the values that they are sorted by.

import StreamSQL

/// Grows at its end only, so that what is frozen is a count of rows.
struct HeldRows: WindowContent {
    private(set) var rows: ColumnBatchBuilder
    private(set) var terms: [ColumnBuilder]
    private(set) var byteCount = 0
    private let columns: [ColumnDefinition]
    private var frozenCount = 0
    private var writtenCount = 0

    init(_ columns: [ColumnDefinition], _ keys: [SortKey]) {
        self.columns = columns
        rows = ColumnBatchBuilder(columns.map(\.type))
        terms = keys.map { ColumnBuilder($0.expression.type) }
    }

    mutating func add(_ range: Range<Int>, of batch: ColumnBatch, _ termColumns: [Column]) {
        byteCount += batch.slice(range).byteCount
        rows.rowtimes.append(contentsOf: batch.slice(range).rowtimes)
        for index in rows.columns.indices { rows.columns[index].append(rows: range, of: batch.columns[index]) }
        for index in terms.indices { terms[index].append(rows: range, of: termColumns[index]) }
    }

    // MARK: State

    mutating func freeze(whole: Bool, head: inout StateWriter) {
        if whole { writtenCount = 0 }
        frozenCount = rows.count
        head.write(count: frozenCount)
    }

    var isFrozen: Bool { writtenCount < frozenCount }

    mutating func writePiece(bytes: Int, to writer: inout StateWriter) {
        let count = max(1, bytes / max(1, byteCount / max(1, rows.count)))
        var range = writtenCount..<min(frozenCount, writtenCount + count)
        let all = rows.finish()
        // Some rows are larger than the average.
        while range.count > 1, all.slice(range).byteCount > 2 * bytes {
            range = range.lowerBound..<range.lowerBound + range.count / 2
        }
        writer.write(all.slice(range))
        for column in terms { writer.write(column.finish().slice(range)) }
        writtenCount = range.upperBound
    }

    mutating func restore(head: inout StateReader, pieces: [StateReader]) throws(SnapshotError) {
        let count = try head.number()
        for piece in pieces {
            var piece = piece
            try readWhole(from: &piece)
            try piece.checkEnd()
        }
        guard rows.count == count else { throw .damaged("held rows are missing") }
        (frozenCount, writtenCount) = (count, count)
    }

    /// Adds rows that stand one after the other: a piece, or all that a snapshot of version 2 has.
    mutating func readWhole(from reader: inout StateReader) throws(SnapshotError) {
        let batch = try reader.batch(columns)
        var all: [Column] = []
        for term in terms { all.append(try reader.column(term.type, rows: batch.count)) }
        add(0..<batch.count, of: batch, all)
    }
}
