/// State that is written whole every time: frozen as bytes, given piece by piece.

import StreamSQL

struct WholeState: Sendable {
    private var rest: ArraySlice<UInt8> = []

    mutating func freeze(_ writer: StateWriter) { rest = writer.bytes[...] }

    mutating func nextPiece(bytes: Int, to writer: inout StateWriter) -> Bool {
        if rest.isEmpty { return false }
        writer.write(rest.prefix(bytes))
        rest = rest.dropFirst(bytes)
        return true
    }

    /// What the last of the layers holds.
    static func reader(of layers: [StateLayer]) throws(SnapshotError) -> StateReader {
        var bytes: [UInt8] = []
        for piece in layers.last?.pieces ?? [] {
            var piece = piece
            bytes += try piece.byteString()
            try piece.checkEnd()
        }
        return StateReader(bytes)
    }
}

/// An operator that keeps a `WholeState`.
protocol WholeStateOperator: Operator {
    var frozen: WholeState { get set }
    func write(to writer: inout StateWriter)
    /// Into a fresh operator.
    mutating func read(from reader: inout StateReader) throws(SnapshotError)
}

extension WholeStateOperator {
    mutating func freezeState(whole: Bool, head: inout StateWriter) {
        var writer = StateWriter()
        write(to: &writer)
        frozen.freeze(writer)
    }

    mutating func nextPiece(bytes: Int, to writer: inout StateWriter) -> Bool { frozen.nextPiece(bytes: bytes, to: &writer) }

    mutating func restore(_ layers: [StateLayer]) throws(SnapshotError) {
        var reader = try WholeState.reader(of: layers)
        try read(from: &reader)
        try reader.checkEnd()
    }
}

extension StateWriter {
    /// Writes a column that says which rows are NULL only where one is: the same rows give the same bytes, wherever they come from.
    mutating func write(plain column: Column) {
        let nulls = column.nulls
        write(Column(column.type, column.values, nulls: nulls?.contains(true) == true ? nulls : nil))
    }
}
