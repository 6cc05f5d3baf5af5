/// The control plane: streams come, change and go, one change at a time.

import Catalog
import Host
import StreamLog
public import StreamStore
import Synchronization

extension EmbeddedStore {
    public func createStream(_ definition: StreamDefinition) async throws(StoreError) -> StreamDescription {
        await turnstile.enter()
        defer { turnstile.leave() }
        await completeDue()
        let key = definition.key
        let now = time.monotonicNanoseconds()
        let (exists, openShards) = state.withLock { state in
            (state.directory[key] != nil, state.directory.openShardCount(at: now))
        }
        guard !exists else { throw .streamExists(key) }
        guard definition.shardCount >= 1 else { throw .failed("a stream has at least one shard") }
        guard key.namespace != .stream || definition.shardCount <= options.shardLimit - openShards else {
            throw .shardLimitExceeded(
                limit: options.shardLimit, current: openShards, requested: definition.shardCount)
        }
        // A full disk may have space again: the attempt will tell. A failed sync is for good.
        if case .readOnly(let reason) = writability, log.isSealed { throw .readOnly(reason: reason) }

        let delay = Self.delayMilliseconds(key, options)
        let added: CatalogStream
        do {
            added = try await catalog.addStream(
                definition, status: delay > 0 ? .creating : .active, atMilliseconds: time.wallMilliseconds())
        } catch {
            throw .failed("\(error)")
        }
        try await createLogs(of: added.description)
        let entry = StreamEntry(
            description: added.description, statusChangedMilliseconds: added.statusChangedMilliseconds,
            dueNanoseconds: delay > 0 ? due(after: delay) : nil, counters: StreamCounters())
        state.withLock { $0.directory.put(entry) }
        return added.description
    }

    /// Makes the logs of a new stream; when they cannot be made, the stream is taken out again.
    private func createLogs(of stream: StreamDescription) async throws(StoreError) {
        let shards = stream.shards.map { ShardReference(stream.id, $0.id) }
        do {
            try log.createLogs(shards.map { LogID($0) })
        } catch {
            // Where this fails as well, the stream is found when the store is opened.
            try? await catalog.removeStream(stream.id)
            try? await catalog.forgetRemoved(shards)
            throw StoreError(error)
        }
        guard hasJournal else { return }
        do {
            try await catalog.markLogsMade([stream.id])
        } catch {
            // The stream is whole without it: the next opening marks it.
            report("\(error)")
        }
    }

    public func deleteStream(_ key: StreamKey) async throws(StoreError) {
        await turnstile.enter()
        defer { turnstile.leave() }
        await completeDue()
        guard var entry = state.withLock({ $0.directory[key] }) else { throw .streamNotFound(key) }
        guard entry.description.status != .deleting else { throw .streamBusy(key, .deleting) }
        let delay = Self.delayMilliseconds(key, options)
        if delay > 0 {
            entry.description.status = .deleting
            entry.statusChangedMilliseconds = time.wallMilliseconds()
            try await write(entry)
            entry.isUnwritten = false
            entry.dueNanoseconds = due(after: delay)
            state.withLock { [entry] in $0.directory.put(entry) }
        } else {
            try await remove(entry)
        }
    }

    public func changeTags(
        _ key: StreamKey, _ change: @escaping @Sendable (inout [String: String]) -> Bool
    ) async throws(StoreError) -> Bool {
        await turnstile.enter()
        defer { turnstile.leave() }
        await completeDue()
        let now = time.monotonicNanoseconds()
        guard var entry = state.withLock({ $0.directory[key] }), let status = entry.status(at: now) else {
            throw .streamNotFound(key)
        }
        guard status == .active || status == .updating else { throw .streamBusy(key, status) }
        guard change(&entry.description.tags) else { return false }
        do {
            try await catalog.setTags(entry.description.tags, of: entry.description.id)
        } catch {
            throw .failed("\(error)")
        }
        state.withLock { [entry] in $0.directory.put(entry) }
        return true
    }

    public func changeRetention(
        _ key: StreamKey, _ change: @escaping @Sendable (Int) -> Int?
    ) async throws(StoreError) -> Int {
        await turnstile.enter()
        defer { turnstile.leave() }
        await completeDue()
        let now = time.monotonicNanoseconds()
        guard var entry = state.withLock({ $0.directory[key] }), let status = entry.status(at: now) else {
            throw .streamNotFound(key)
        }
        guard status == .active else { throw .streamBusy(key, status) }
        guard let hours = change(entry.description.retentionHours) else { return entry.description.retentionHours }
        do {
            try await catalog.setRetention(hours: hours, of: entry.description.id)
        } catch {
            throw .failed("\(error)")
        }
        entry.description.retentionHours = hours
        state.withLock { [entry] in $0.directory.put(entry) }
        return hours
    }

    public func stream(_ key: StreamKey) async throws(StoreError) -> StreamDescription { try described(key) }

    public func currentStream(_ key: StreamKey) throws(StoreError) -> StreamDescription? { try described(key) }

    private func described(_ key: StreamKey) throws(StoreError) -> StreamDescription {
        let now = time.monotonicNanoseconds()
        guard let description = state.withLock({ $0.directory[key]?.described(at: now) }) else {
            throw .streamNotFound(key)
        }
        return description
    }

    public func streams(in namespace: StreamNamespace) async throws(StoreError) -> [StreamDescription] {
        let now = time.monotonicNanoseconds()
        return state.withLock { $0.directory.streams(in: namespace, at: now) }
    }

    // MARK: Changes that are due

    /// Ends the CREATING and DELETING times that have passed.
    func completeDueChanges() async {
        await turnstile.enter()
        defer { turnstile.leave() }
        await completeDue()
    }

    /// The same for a caller that is past the turnstile.
    func completeDue() async {
        await writeUnwritten()
        let now = time.monotonicNanoseconds()
        for var entry in state.withLock({ $0.directory.due(at: now) }) {
            do throws(StoreError) {
                if entry.description.status == .deleting {
                    try await remove(entry)
                } else {
                    entry.description.status = .active
                    entry.statusChangedMilliseconds = time.wallMilliseconds()
                    entry.dueNanoseconds = nil
                    try await write(entry)
                    entry.isUnwritten = false
                    state.withLock { [entry] in $0.directory.put(entry) }
                }
            } catch {
                // The change stays due and is tried again; meanwhile the status that is told is the new one already.
                report("stream \(entry.description.key.name): \(error)")
            }
        }
    }

    /// Takes a stream out of the catalog, then out of memory, then removes its logs.
    private func remove(_ entry: StreamEntry) async throws(StoreError) {
        let id = entry.description.id
        let logs = entry.description.shards.map { LogID(ShardReference(id, $0.id)) }
        do {
            try await catalog.removeStream(id)
        } catch {
            throw .failed("\(error)")
        }
        state.withLock { $0.directory.remove(id) }
        await removeLogs(logs)
    }

    /// Removes logs and the tombstones of those that are gone. What stays is removed when the store is opened.
    func removeLogs(_ ids: [LogID]) async {
        var gone: [ShardReference] = []
        for id in ids {
            do {
                // While a backup keeps its files, the tombstone stays for the next start.
                if try await log.removeLog(id) { gone.append(ShardReference(id)) }
            } catch {
                report("the log \(id) cannot be removed: \(error)")
            }
        }
        do {
            try await catalog.forgetRemoved(gone)
        } catch {
            report("\(error)")
        }
    }

    func write(_ entry: StreamEntry) async throws(StoreError) {
        do {
            try await catalog.update(
                CatalogStream(
                    description: entry.description, statusChangedMilliseconds: entry.statusChangedMilliseconds,
                    hasLogs: true))
        } catch {
            throw .failed("\(error)")
        }
    }

    func due(after milliseconds: Int64) -> UInt64 {
        time.monotonicNanoseconds() &+ UInt64(max(milliseconds, 0)) &* 1_000_000
    }
}
