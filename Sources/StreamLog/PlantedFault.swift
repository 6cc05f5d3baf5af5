/// Faults that the simulator plants in the log to show that it would find them.

/// A mistake in the code, made on purpose. Nothing but the simulator's self-test sets one.
package enum PlantedFault: String, CaseIterable, Sendable {
    /// The journal's file is not synced before the group is acknowledged.
    case journalSyncLeftOut
}
