/// Decides where a run begins: from what was asked for and what the hidden stream says.

import StreamStore

/// Where and with what a run begins.
enum RunBeginning {
    /// With the state of the last run, from its last commit. After a change of the program its operators take what is theirs.
    case goOn(RecoveredState, isSameProgram: Bool)
    /// Without state: where each input begins, and what is kept of it.
    case anew([(StartingPosition, kept: KeptPositions)])

    /// What the last run says of positions in a source.
    enum KeptPositions: Equatable {
        /// Nothing.
        case none
        /// It had read up to here.
        case read([ShardID: Int64])
        /// The source was made (anew) while it ran: it has seen nothing of it yet.
        case unseen
    }

    /// - Parameters:
    ///   - requested: where a start asked to begin in each input; nil to go on after a crash or a restart of the node.
    ///   - stored: where the definition's last start asked to begin in each input.
    ///   - startNumber: of the definition's last start.
    ///   - sources: of the inputs, in their order.
    init(
        requested: [StartingPosition]?, stored: [StartingPosition?], startNumber: Int64, recovered: RecoveredState?,
        program: CompiledApplication, sources: [StreamDescription]
    ) {
        // A node that went down between a start and its first record has the start still to do.
        let isBegun = recovered?.run.startNumber == startNumber
        let positions = sources.indices.map { input -> StartingPosition in
            let asked = requested.flatMap { $0.indices.contains(input) ? $0[input] : nil }
            let before = stored.indices.contains(input) ? stored[input] : nil
            return asked ?? (isBegun ? nil : before) ?? .lastStoppedPoint
        }
        // State of a source that was deleted and made anew means nothing to this one. Inputs that the state does not know begin beside it.
        if let recovered, positions.allSatisfy({ $0 == .lastStoppedPoint }),
            recovered.run.sources.count <= sources.count,
            zip(recovered.run.sources, sources).allSatisfy({ $0 == $1.id })
        {
            let digest = recovered.isFirst ? program.firstDigest : program.digest
            self = .goOn(recovered, isSameProgram: recovered.run.programDigest == digest)
            return
        }
        self = .anew(
            sources.indices.map { input in
                (positions[input], kept: recovered.map { Self.kept(of: input, sources[input], $0) } ?? .none)
            })
    }

    private static func kept(of input: Int, _ source: StreamDescription, _ recovered: RecoveredState) -> KeptPositions {
        guard recovered.run.sources.indices.contains(input) else { return .none }
        if recovered.run.sources[input] == source.id { return .read(recovered.last.positions(of: input)) }
        return source.createdMilliseconds >= recovered.run.startMilliseconds ? .unseen : .none
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
