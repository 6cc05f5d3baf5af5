/// A store whose every step a simulator decides about.

package import Catalog
package import Host
package import StreamLog

extension EmbeddedStore {
    /// How a store without threads is watched.
    struct Stepping: Sendable {
        var catalog: CatalogProbe?
    }

    /// Opens a store whose log has no threads: its work is done within the calls that wait for it, and when `stepJournal` and `stepSegments` are
    /// called. Driven by one task it does the same each time. There is no background work: `maintain` is the caller's.
    package static func openStepped(
        disk: D, directory: String, time: any TimeSource, options: EmbeddedStoreOptions, probe: CatalogProbe?
    ) async throws(StoreOpenError) -> (store: EmbeddedStore, recovery: StoreRecovery) {
        var options = options
        options.retentionSweepSeconds = nil
        return try await open(
            disk: disk, directory: directory, time: time, options: options, stepping: Stepping(catalog: probe))
    }

    /// The log behind the store, for a simulator that looks at it and takes its steps.
    package var steppedLog: StreamLog<D> { log }

    /// The catalog behind the store, for a simulator that errs on purpose.
    package var steppedCatalog: Catalog { catalog }

    /// Ends as a process that is killed: only the catalog's file is closed, so that the next one can open it.
    package func abandon() async {
        await catalog.close()
    }
}
