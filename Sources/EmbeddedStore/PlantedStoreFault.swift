/// Faults that the simulator plants in the store to show that it would find them.

/// A mistake in the store, made on purpose. Nothing but the simulator's self-test sets one.
package enum PlantedStoreFault: String, CaseIterable, Sendable {
    /// A deleted stream leaves the catalog without tombstones for its logs.
    case tombstonesLeftOut
    /// Opening drops the tombstones of logs of which the journal still holds records.
    case tombstonesForgottenEarly
    /// The logs of a deleted stream are removed before the catalog says so.
    case logsRemovedFirst
    /// A claim's epoch is kept in memory only.
    case fenceNotPersisted
    /// An append is not held to its fence.
    case fenceNotChecked
    /// Retention believes every jump of the wall clock.
    case wallClockTrusted
    /// Changed tags are kept in memory only.
    case tagsNotPersisted
}
