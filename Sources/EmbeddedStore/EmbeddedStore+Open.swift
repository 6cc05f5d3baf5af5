/// Opening a store: catalog first, then the log, then whatever an interrupted change left to do.

import Catalog
import Dispatch
public import Host
import StreamLog
import StreamStore

extension EmbeddedStore {
    /// Opens the store of a data directory, or makes a new one.
    ///
    /// - Parameters:
    ///   - disk: The data directory as the log sees it.
    ///   - directory: The same directory's path, for SQLite's `catalog.sqlite`. It must exist.
    ///   - time: Labels records (wall) and measures delays (monotonic).
    /// - Returns: the store and what recovery found, to be logged.
    public static func open(
        disk: D, directory: String, time: any TimeSource, options: EmbeddedStoreOptions = EmbeddedStoreOptions()
    ) async throws(StoreOpenError) -> (store: EmbeddedStore, recovery: StoreRecovery) {
        try await open(disk: disk, directory: directory, time: time, options: options, stepping: nil)
    }

    /// As the public one; with `stepping` the log has no threads.
    static func open(
        disk: D, directory: String, time: any TimeSource, options: EmbeddedStoreOptions, stepping: Stepping?
    ) async throws(StoreOpenError) -> (store: EmbeddedStore, recovery: StoreRecovery) {
        let path = directory + "/catalog.sqlite"
        if !Catalog.exists(path: path) {
            let files = await recordFileCount(on: disk)
            guard files == 0 else { throw .catalogMissing(path: path, files: files) }
        }
        let catalog: Catalog
        let contents: CatalogContents
        do {
            catalog = try await Catalog.open(path: path, probe: stepping?.catalog)
            contents = try await catalog.load()
        } catch {
            throw .catalog(error)
        }
        do {
            return try await open(
                disk: disk, catalog: catalog, contents: contents, time: time, options: options, isStepped: stepping != nil)
        } catch {
            await catalog.close()
            throw error
        }
    }

    private static func open(
        disk: D, catalog: Catalog, contents: CatalogContents, time: any TimeSource, options: EmbeddedStoreOptions,
        isStepped: Bool
    ) async throws(StoreOpenError) -> (store: EmbeddedStore, recovery: StoreRecovery) {
        let known = Set(
            contents.streams.flatMap { stream in
                (stream.description.shards + stream.plannedShards).map { LogID(ShardReference(stream.description.id, $0.id)) }
            })
        let extents = extents(contents.streams)
        let removed = Set(contents.removedShards.map { LogID($0) })
        // Every log has a row in the catalog before it has a directory, and one is deleted before its tombstone there, so no crash leaves an
        // unknown one.
        let directories = await logDirectories(on: disk)
        let unknown = directories.subtracting(known).subtracting(removed)
        guard unknown.isEmpty else {
            throw .unknownLogs(
                path: catalog.path, directories: unknown.sorted().map { "logs/\($0.stream)/\($0.shard)" })
        }
        // The journal begins before the first stream is made, and its newest file goes on only after its first frame was synced.
        if contents.streams.contains(where: \.hasLogs), await !hasJournal(on: disk) { throw .journalMissing }
        let savedClock = try await savedClock(catalog)
        let log: StreamLog<D>
        let report: RecoveryReport
        do {
            if isStepped {
                (log, report) = try StreamLog.openStepped(
                    disk: disk, time: time, options: options.log, knownLogs: known, removedLogs: removed, extents: extents)
            } else {
                (log, report) = try await StreamLog.open(
                    disk: disk, time: time, options: options.log, knownLogs: known, removedLogs: removed, extents: extents)
            }
        } catch {
            throw .log(error)
        }
        var recovery = StoreRecovery(
            log: report, catalogIsNew: catalog.isNew, streamCount: contents.streams.count,
            finishedRemovals: [], problems: [])
        let (settled, jumped) = log.settledTimeAndJumps()
        let clock = RetentionClock(
            saved: savedClock, hasHistory: log.hasHistory, time: settled, jumped: jumped, nanoseconds: time.monotonicNanoseconds())
        if let savedClock { try await keepUp(clock, savedClock, catalog, log) }
        let store = EmbeddedStore(
            log: log, catalog: catalog, time: time, options: options, state: initialState(contents, clock, time, options))
        await store.finishInterrupted(contents.streams, removed: removed, recovery: &recovery)
        await store.finishResharding(contents.streams, recovery: &recovery)
        await store.completeDueChanges()
        store.startHousekeeping()
        return (store, recovery)
    }

    /// Where shards begin and end that do not begin at 0 or have ended. What is planned only is told by the journal.
    private static func extents(_ streams: [CatalogStream]) -> [LogID: LogExtent] {
        var extents: [LogID: LogExtent] = [:]
        for stream in streams {
            for shard in stream.description.shards where shard.startOffset > 0 || shard.endOffset != nil {
                extents[LogID(ShardReference(stream.description.id, shard.id))] = LogExtent(
                    startOffset: shard.startOffset, endOffset: shard.endOffset, endMilliseconds: shard.closedMilliseconds)
            }
        }
        return extents
    }

    /// What an earlier process has written of the time that had passed.
    private static func savedClock(_ catalog: Catalog) async throws(StoreOpenError) -> RetentionClock.Saved? {
        do throws(CatalogError) {
            guard let bytes = try await catalog.nodeValue(StorePaths.retentionClock) else { return nil }
            if let saved = RetentionClock.Saved(bytes) { return saved }
            throw CatalogError.newer(path: catalog.path, migrations: ["a clock of retention in format \(bytes.first ?? 0)"])
        } catch {
            throw .catalog(error)
        }
    }

    /// Where the log's time lies before what an earlier process has written, that is written anew before anything arrives: the next process would take
    /// records that arrive at these times for older than they are.
    private static func keepUp(
        _ clock: RetentionClock, _ saved: RetentionClock.Saved, _ catalog: Catalog, _ log: StreamLog<D>
    ) async throws(StoreOpenError) {
        guard clock.saved.time < saved.time else { return }
        do {
            try await catalog.setNodeValue(StorePaths.retentionClock, to: clock.saved.bytes)
        } catch {
            await log.close()
            throw .catalog(error)
        }
    }

    /// How many files of records there are; looked up on a thread of its own, for a disk blocks.
    private static func recordFileCount(on disk: D) async -> Int {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var count = 0
                for directory in ["journal", "logs"] {
                    // A directory that cannot be listed is not there yet.
                    count += (try? disk.list(directory))?.count ?? 0
                }
                continuation.resume(returning: count)
            }
        }
    }

    /// The logs that have a directory with something in it. A log has one from its making on, even while its records are only in the journal.
    private static func logDirectories(on disk: D) async -> Set<LogID> {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var found: Set<LogID> = []
                // What cannot be listed is not there yet, or the log's own recovery will say why.
                for streamName in (try? disk.list("logs")) ?? [] {
                    guard streamName.hasSuffix("/"), let stream = UInt64(streamName.dropLast()) else { continue }
                    for shardName in (try? disk.list("logs/\(stream)")) ?? [] {
                        guard shardName.hasSuffix("/"), let shard = UInt32(shardName.dropLast()),
                            let files = try? disk.list("logs/\(stream)/\(shard)"), !files.isEmpty
                        else { continue }
                        found.insert(LogID(stream: stream, shard: shard))
                    }
                }
                continuation.resume(returning: found)
            }
        }
    }

    /// Whether a journal file has something in it. One that cannot be read counts: the log's own recovery will say why.
    private static func hasJournal(on disk: D) async -> Bool {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                let names = (try? disk.list("journal")) ?? []
                let found = names.contains { name in
                    guard name.hasSuffix(".journal") else { return false }
                    guard let file = try? disk.open("journal/\(name)", .existing) else { return true }
                    defer { file.close() }
                    return (try? file.size()) != 0
                }
                continuation.resume(returning: found)
            }
        }
    }

    /// Streams resume the rest of their delay: never more than a whole one, whatever the wall clock says now.
    private static func initialState(
        _ contents: CatalogContents, _ clock: RetentionClock, _ time: any TimeSource, _ options: EmbeddedStoreOptions
    ) -> State {
        let wall = time.wallMilliseconds()
        let now = time.monotonicNanoseconds()
        var state = State(retentionClock: clock)
        for stream in contents.streams {
            var due: UInt64?
            if stream.description.status != .active {
                let delay = delayMilliseconds(stream.description.key, options)
                let elapsed = wall.subtractingReportingOverflow(stream.statusChangedMilliseconds).partialValue
                due = now &+ UInt64(min(max(delay - max(elapsed, 0), 0), delay)) * 1_000_000
            }
            state.directory.put(
                StreamEntry(
                    description: stream.description, statusChangedMilliseconds: stream.statusChangedMilliseconds,
                    dueNanoseconds: due, counters: StreamCounters()))
        }
        state.fences = FenceBook(epochs: contents.fences)
        return state
    }

    /// Only users' streams have a CREATING and a DELETING time; those of delivery and applications serve at once.
    static func delayMilliseconds(_ key: StreamKey, _ options: EmbeddedStoreOptions) -> Int64 {
        guard key.namespace == .stream else { return 0 }
        return Int64(min(max(options.lifecycleDelaySeconds, 0), 86_400)) * 1000
    }

    /// Whether the journal has begun. On a full disk it may not have: then nothing can be missing of it at the next start.
    var hasJournal: Bool { log.statistics().journalBytes > 0 }

    /// Ends creations and removals that were cut short, and keeps the numbers of unknown logs from being given to new streams.
    private func finishInterrupted(
        _ streams: [CatalogStream], removed: Set<LogID>, recovery: inout StoreRecovery
    ) async {
        for id in removed.sorted() {
            do {
                try await log.removeLog(id)
                recovery.finishedRemovals.append(id)
            } catch LogError.logNotFound {
                recovery.finishedRemovals.append(id)
            } catch {
                recovery.problems.append("the removed log \(id) is still there: \(error)")
            }
        }
        do {
            if hasJournal { try await catalog.markLogsMade(streams.filter { !$0.hasLogs }.map(\.description.id)) }
            // Where the journal still holds a removed log's records, the catalog alone knows what became of it.
            let forgotten = recovery.finishedRemovals.filter { !recovery.log.removedInJournal.contains($0) }
            try await catalog.forgetRemoved(forgotten.map { ShardReference($0) })
            if let last = recovery.log.unknownLogs.map(\.stream).max() {
                try await catalog.reserveStreamIDs(through: StreamID(last))
            }
        } catch {
            recovery.problems.append("\(error)")
        }
    }
}
