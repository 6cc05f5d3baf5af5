/// A reference table of a dataflow: its rows as of a version, which are part of the state.

import StreamSQL
import Synchronization

/// Rows that joins and subqueries look at. They change as a whole, between two calls of the dataflow, and are written with the state, so that what is
/// computed again is computed with the rows of the first time.
struct ReferenceTable: Sendable {
    let schema: StreamSchema
    private(set) var rows: ColumnBatch
    /// What the rows were read from, in words of whoever gave them; empty before the first time.
    private(set) var version = ""
    /// Whether they have changed since they were last frozen.
    private var isChanged = true
    private var frozen: ColumnBatch?
    private var written = 0

    private static let dictionaries = Atomic<UInt64>(1 << 48)

    init(_ schema: StreamSchema) {
        self.schema = schema
        rows = .empty(schema.columns)
    }

    mutating func set(_ rows: ColumnBatch, version: String) {
        self.version = version
        isChanged = true
        self.rows = ColumnBatch(
            rowtime: .repeating(.integer(0), .timestamp, count: rows.count),
            columns: rows.columns.map { column in
                guard case .bytes(let texts) = column.values else { return column }
                let identity = Self.dictionaries.add(1, ordering: .relaxed).newValue
                return Column(column.type, .bytes(texts.coded(dictionary: identity)), nulls: column.nulls)
            })
    }

    // MARK: State

    /// As an operator's.
    var state: OperatorState {
        let columns = schema.columns.map { "\"\($0.name)\" \($0.type)" }.joined(separator: ", ")
        return OperatorState(kind: "table", version: 1, signature: "(\(columns))")
    }

    mutating func freeze(whole: Bool, head: inout StateWriter) {
        let isWritten = whole || isChanged
        head.write(version.utf8)
        head.write(isWritten)
        head.write(count: rows.count)
        frozen = isWritten ? rows : nil
        written = 0
        isChanged = false
    }

    /// - Returns: whether there was one left.
    mutating func nextPiece(bytes: Int, to writer: inout StateWriter) -> Bool {
        guard let frozen, written < frozen.count else {
            self.frozen = nil
            return false
        }
        let count = max(1, bytes / max(1, frozen.byteCount / max(1, frozen.count)))
        let range = written..<min(frozen.count, written + count)
        writer.write(frozen.slice(range))
        written = range.upperBound
        return true
    }

    mutating func restore(_ layers: [StateLayer]) throws(SnapshotError) {
        for layer in layers {
            var head = layer.head
            let version = String(decoding: try head.byteString(), as: UTF8.self)
            let isWritten = try head.bool()
            let count = try head.number()
            try head.checkEnd()
            guard isWritten else { continue }
            var all = ColumnBatch.empty(schema.columns)
            for piece in layer.pieces {
                var piece = piece
                all.append(contentsOf: try piece.batch(schema.columns))
                try piece.checkEnd()
            }
            guard all.count == count else { throw .damaged("rows of the table \(schema.name) are missing") }
            set(all, version: version)
        }
        isChanged = false
    }
}
