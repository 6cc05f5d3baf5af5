/// Decodes pieces of a run's input beside the run's own work.

import StreamStore

/// Pieces that were read and are not computed yet, in their order; the larger ones are decoded by tasks of their own.
struct PieceDecoding {
    /// Pieces smaller than this are decoded where they were read: another task would cost more.
    private static let smallPieceBytes = 64 << 10

    /// The rows of a piece, at hand or on their way.
    private enum Rows {
        case done(DecodedPiece)
        case underWay(Task<DecodedPiece, Never>)
    }

    private var pieces: [(positions: [ShardID: Int64], rows: Rows)] = []
    /// How many pieces are ahead at most: one for each core.
    let depth: Int

    init(depth: Int) { self.depth = max(1, depth) }

    var isEmpty: Bool { pieces.isEmpty }
    var isFull: Bool { pieces.count >= depth }

    mutating func add(_ piece: InputPiece) {
        let isAtOnce = piece.byteCount < Self.smallPieceBytes && !piece.isShared
        pieces.append((piece.positions, isAtOnce ? .done(piece.decoded()) : .underWay(Task { await piece.decodedOnce() })))
    }

    /// Takes out the first piece when it is decoded.
    mutating func next() async -> (piece: DecodedPiece, positions: [ShardID: Int64])? {
        if pieces.isEmpty { return nil }
        let first = pieces.removeFirst()
        switch first.rows {
        case .done(let piece): return (piece, first.positions)
        case .underWay(let task): return (await task.value, first.positions)
        }
    }
}
