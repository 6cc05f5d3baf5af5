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
        /// A function was asked first.
        case asked(FirstAnswer<Result<DecodedPiece, ProcessingFailure>>)
        /// It gave no answer.
        case unanswered
    }

    private var pieces: [(piece: InputPiece, rows: Rows)] = []
    /// How many pieces are ahead at most: one for each core.
    let depth: Int
    private let processing: RecordProcessing?
    private let stop: StopSignal?

    /// - Parameters:
    ///   - processing: calls the functions of inputs that have one; without it their records are decoded as they are.
    ///   - stop: ends the wait for a function.
    init(depth: Int, processing: RecordProcessing? = nil, stop: StopSignal? = nil) {
        self.depth = max(1, depth)
        self.processing = processing
        self.stop = stop
    }

    var isEmpty: Bool { pieces.isEmpty }
    var isFull: Bool { pieces.count >= depth }

    mutating func add(_ piece: InputPiece) { pieces.append((piece, begin(piece))) }

    private func begin(_ piece: InputPiece) -> Rows {
        if let processing, piece.isProcessed { return .asked(ask(piece, processing)) }
        let isAtOnce = piece.byteCount < Self.smallPieceBytes && !piece.isShared
        return isAtOnce ? .done(piece.decoded()) : .underWay(Task { await piece.decodedOnce() })
    }

    private func ask(
        _ piece: InputPiece, _ processing: RecordProcessing
    ) -> FirstAnswer<Result<DecodedPiece, ProcessingFailure>> {
        let answer = FirstAnswer<Result<DecodedPiece, ProcessingFailure>>()
        Task {
            do throws(ProcessingFailure) { answer.give(.success(try await piece.decoded(with: processing))) } catch {
                answer.give(.failure(error))
            }
        }
        stop?.whenSet { answer.give(.failure(ProcessingFailure("the application was stopped"))) }
        return answer
    }

    /// Takes out the first piece when it is decoded.
    /// - Throws: `ProcessingFailure`: the piece stays, and the next call asks its function again.
    mutating func next() async throws(ProcessingFailure) -> (piece: DecodedPiece, positions: [InputShard: Int64])? {
        guard let first = pieces.first else { return nil }
        var rows = first.rows
        if case .unanswered = rows {
            rows = begin(first.piece)
            pieces[0].rows = rows
        }
        let decoded: DecodedPiece
        switch rows {
        case .done(let piece): decoded = piece
        case .underWay(let task): decoded = await task.value
        case .unanswered: return nil
        case .asked(let answer):
            switch await answer.value {
            case .success(let piece): decoded = piece
            case .failure(let failure):
                pieces[0].rows = .unanswered
                throw failure
            }
        }
        pieces.removeFirst()
        return (decoded, first.piece.positions)
    }
}
