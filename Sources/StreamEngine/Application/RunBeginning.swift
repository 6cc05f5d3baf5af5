/// Decides where a run begins: from what was asked for and what the hidden stream says.

import StreamStore

/// Where and with what a run begins.
enum RunBeginning {
    /// With the state of the last run, from its last commit. After a change of the program its operators take what is theirs.
    case goOn(RecoveredState, isSameProgram: Bool)
    /// Without state.
    case anew(StartingPosition, kept: KeptPositions)

    /// What the last run says of positions in the source.
    enum KeptPositions: Equatable {
        /// Nothing.
        case none
        /// It had read up to here.
        case read([ShardID: Int64])
        /// The source was made (anew) while it ran: it has seen nothing of it yet.
        case unseen
    }

    /// - Parameters:
    ///   - requested: where a start asked to begin; nil to go on after a crash or a restart of the node.
    ///   - stored: where the definition's last start asked to begin.
    ///   - startNumber: of the definition's last start.
    init(
        requested: StartingPosition?, stored: StartingPosition?, startNumber: Int64, recovered: RecoveredState?,
        program: CompiledApplication,
        source: StreamDescription
    ) {
        // A node that went down between a start and its first record has the start still to do.
        let isBegun = recovered?.run.startNumber == startNumber
        let position = requested ?? (isBegun ? nil : stored) ?? .lastStoppedPoint
        // State of a source that was deleted and made anew means nothing to this one.
        if position == .lastStoppedPoint, let recovered, recovered.run.source == source.id {
            let digest = recovered.isFirst ? program.firstDigest : program.digest
            self = .goOn(recovered, isSameProgram: recovered.run.programDigest == digest)
            return
        }
        var kept = KeptPositions.none
        if let recovered {
            if recovered.run.source == source.id {
                kept = .read(recovered.last.positions)
            } else if source.createdMilliseconds >= recovered.run.startMilliseconds {
                kept = .unseen
            }
        }
        self = .anew(position, kept: kept)
    }

    /// The first offset to read of a shard.
    static func position(_ start: StartingPosition, kept: KeptPositions, shard: ShardID, bounds: ShardBounds) -> Int64 {
        switch (start, kept) {
        case (.now, _), (.lastStoppedPoint, .none): bounds.highWatermark
        case (.trimHorizon, _), (.lastStoppedPoint, .unseen): bounds.startOffset
        case (.lastStoppedPoint, .read(let positions)): positions[shard] ?? bounds.startOffset
        }
    }
}
