/// Faults that the simulator plants in the log to show that it would find them.

/// A mistake in the code, made on purpose. Nothing but the simulator's self-test sets one.
package enum PlantedFault: String, CaseIterable, Sendable {
    /// The journal's file is not synced before the group is acknowledged.
    case journalSyncLeftOut
    /// A group is acknowledged after it was written and before it is synced.
    case acknowledgedBeforeSync
    /// A sync of the journal that fails is taken for one that succeeded.
    case syncFailureIgnored
    /// A sync of the journal that fails is asked for again, and trusted.
    case syncRetried
    /// The directory of the journal is not synced after a file was begun.
    case journalDirectorySyncLeftOut
    /// What a write that failed has left is not cleared away.
    case remainsLeft
    /// Segments are published, and the journal's files dropped, before the segments are synced.
    case segmentSyncLeftOut
    /// The directory of a log is not synced after a segment was made.
    case segmentDirectorySyncLeftOut
    /// Journal files are dropped, or recycled, though segments do not hold all that is in them.
    case journalDroppedEarly
    /// The start offset is written into the same slot each time.
    case startSlotNotAlternated
    /// The start offset is not synced.
    case startSyncLeftOut
    /// Recovery does not check the batches of a journal frame.
    case frameChecksumIgnored
    /// Recovery cuts the journal's tail one frame short.
    case tailCutShort
    /// Recovery takes frames of a recycled file's earlier life.
    case staleFramesAccepted
    /// Recovery does not write the last frame once more.
    case lastFrameNotSecured
    /// Recovery does not look for the latest arrival.
    case arrivalsForgotten
    /// Recovery takes no notice of the position entries.
    case positionsIgnored
    /// Recovery believes the trailer of a segment whose flush may not have been synced.
    case trailerTrusted
    /// Salvage keeps what is left of an append that has lost a batch.
    case appendSplitAtSalvage
    /// A batch that is read from a segment is not checked.
    case readChecksumIgnored
}
