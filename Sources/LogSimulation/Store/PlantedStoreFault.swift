/// Mistakes of a store, made around it: the simulator plants one to show that it would find it.

internal import Catalog
internal import EmbeddedStore
internal import HostSimulation
internal import StreamLog
internal import StreamStore

/// A mistake that a store could have. None of them is in the store: the catalog's disk forgets, or the simulator does behind the store's back what
/// a store with that mistake would do.
public enum PlantedStoreFault: String, CaseIterable, Sendable {
    /// A deleted stream leaves the catalog without tombstones for its logs.
    case tombstonesLeftOut
    /// Opening drops the tombstones of logs of which the journal still holds records.
    case tombstonesForgottenEarly
    /// The logs of a deleted stream are removed before the catalog says so.
    case logsRemovedFirst
    /// A claim's epoch is not written down.
    case fenceNotPersisted
    /// An append is not held to its fence.
    case fenceNotChecked
    /// Retention believes every jump of the wall clock.
    case wallClockTrusted
    /// Changed tags are not written down.
    case tagsNotPersisted

    /// Whether the catalog's disk forgets a change.
    func forgets(_ change: CatalogChange) -> Bool {
        switch change {
        case .fence: self == .fenceNotPersisted
        case .tags: self == .tagsNotPersisted
        case .streamRemoval, .other: false
        }
    }
}

extension StoreWorld {
    private func logID(_ stream: StreamID, _ shard: ShardID) -> LogID { LogID(stream: stream.rawValue, shard: shard.index) }

    /// Before a change of the catalog.
    func errBefore(_ change: CatalogChange) async {
        guard planted == .logsRemovedFirst, change == .streamRemoval, !disk.isDead, chance(1, in: 3), let store else { return }
        for stream in (try? await store.steppedCatalog.load())?.streams ?? [] where stream.description.status == .deleting {
            for shard in stream.description.shards {
                _ = try? await store.steppedLog.removeLog(logID(stream.description.id, shard.id))
            }
        }
        // The mistake shows only if the catalog's change does not follow.
        if !disk.isDead { nextDisk = disk.crash(keeping: survival()) }
    }

    /// After it.
    func errAfter(_ change: CatalogChange) async {
        guard planted == .tombstonesLeftOut, change == .streamRemoval, let catalog = store?.steppedCatalog else { return }
        try? await catalog.forgetRemoved(Array((try? await catalog.load())?.removedShards ?? []))
    }

    /// After a start.
    func err(after recovery: StoreRecovery, of store: Store) async {
        guard planted == .tombstonesForgottenEarly, !disk.isDead else { return }
        let early = recovery.finishedRemovals.filter { recovery.log.removedInJournal.contains($0) }
        try? await store.steppedCatalog.forgetRemoved(early.map { ShardReference(StreamID($0.stream), ShardID($0.shard)) })
    }

    /// After a round of upkeep.
    func errAfterUpkeep(of store: Store) async {
        guard planted == .wallClockTrusted, !disk.isDead else { return }
        for stream in (try? await store.streams(in: .stream)) ?? [] {
            let oldest = time.wallMilliseconds() - Int64(stream.retentionHours) * 3_600_000
            for shard in stream.shards {
                try? await store.steppedLog.applyRetention(logID(stream.id, shard.id), arrivedBefore: oldest)
            }
        }
    }
}
