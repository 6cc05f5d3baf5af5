/// Shards end and begin: split, merge and close, each one entry of the journal with the catalog's word around it.

import Catalog
import Host
import StreamLog
public import StreamStore
import Synchronization

extension EmbeddedStore {
    public func splitShard(
        _ key: StreamKey, _ shard: ShardID, at newStartingHashKey: UInt128
    ) async throws(StoreError) -> StreamDescription {
        try await reshard(key) { (stream, now) throws(StoreError) in try stream.split(shard, at: newStartingHashKey, now: now) }
    }

    public func mergeShards(
        _ key: StreamKey, _ shard: ShardID, _ adjacent: ShardID
    ) async throws(StoreError) -> StreamDescription {
        try await reshard(key) { (stream, now) throws(StoreError) in try stream.merge(shard, with: adjacent, now: now) }
    }

    public func closeShard(_ key: StreamKey, _ shard: ShardID) async throws(StoreError) -> StreamDescription {
        try await reshard(key) { (stream, _) throws(StoreError) in try stream.close(shard) }
    }

    /// Plan in the catalog, journal, memory, catalog (see `EmbeddedStore`).
    /// - Parameter plan: makes the change of the stream as it stands and the time in seconds.
    private func reshard(
        _ key: StreamKey, _ plan: (StreamDescription, Int64) throws(StoreError) -> Resharding
    ) async throws(StoreError) -> StreamDescription {
        await turnstile.enter()
        defer { turnstile.leave() }
        await completeDue()
        let now = time.monotonicNanoseconds()
        let (found, openShards) = state.withLock { ($0.directory[key], $0.directory.openShardCount(at: now)) }
        guard let entry = found, let status = entry.status(at: now) else { throw .streamNotFound(key) }
        guard status == .active else { throw .streamBusy(key, status) }
        // The log's time: the wall's may lie before that of the records which the shards hold.
        let change = try plan(entry.description, max(0, log.settledTime() / 1000))
        guard key.namespace != .stream || change.growth <= 0 || change.growth <= options.shardLimit - openShards else {
            throw .shardLimitExceeded(limit: options.shardLimit, current: openShards, requested: change.growth)
        }
        if entry.isUnwritten { try await write(entry) }
        do {
            if !change.children.isEmpty { try await catalog.plan(change.children, of: entry.description.id) }
        } catch {
            throw .failed("\(error)")
        }
        do {
            try await commit(change, of: entry.description.id)
        } catch {
            // After a failed sync the next start will find what became of it.
            if !log.isSealed { try? await catalog.plan([], of: entry.description.id) }
            throw StoreError(error)
        }
        await writeUnwritten()
        guard let changed = state.withLock({ $0.directory[key]?.described(at: now) }) else { throw .streamNotFound(key) }
        return changed
    }

    /// Makes a change durable in the journal and takes it into memory before anybody is told that a shard has ended.
    private func commit(_ change: Resharding, of stream: StreamID) async throws(LogError) {
        let takesTime = state.withLock { $0.directory[stream].map { Self.delayMilliseconds($0.description.key, options) } ?? 0 }
        let (wall, dueTime) = (time.wallMilliseconds(), due(after: takesTime))
        _ = try await log.succeed(change.succession(in: stream)) { [self] ends in
            let waiting = state.withLock { state -> [@Sendable () -> Void] in
                guard var entry = state.directory[stream], let first = ends.first else { return [] }
                entry.description.apply(
                    change, ends: Dictionary(zip(change.parents, ends.map(\.offset))) { first, _ in first },
                    at: first.arrivalMilliseconds)
                entry.isUnwritten = true
                if takesTime > 0 {
                    entry.description.status = .updating
                    entry.statusChangedMilliseconds = wall
                    entry.dueNanoseconds = dueTime
                }
                state.directory.put(entry)
                return change.parents.flatMap { state.awaitingEnds.removeValue(forKey: ShardReference(stream, $0)) ?? [] }
            }
            for work in waiting { work() }
        }
    }

    /// Runs work once the end of a shard that the log has told of is known here too: whoever hears of it finds the children.
    func afterEnd(of shard: ShardReference, _ work: @escaping @Sendable () -> Void) {
        let isKnown = state.withLock { state in
            guard let description = state.directory[shard.stream]?.description.shard(shard.shard), description.endOffset == nil
            else { return true }
            state.awaitingEnds[shard, default: []].append(work)
            return false
        }
        if isKnown { work() }
    }

    /// Waits until what an append's caller is told is true for those who look.
    func untilKnown(_ error: LogError) async {
        guard case .ended(let log) = error else { return }
        await withCheckedContinuation { continuation in afterEnd(of: ShardReference(log)) { continuation.resume() } }
    }

    // MARK: In the catalog

    /// Writes streams of which the journal knows more than the catalog, for a caller that is past the turnstile. What fails is tried again by the
    /// next round of upkeep, and by the next start, to which the journal tells it.
    func writeUnwritten() async {
        for var entry in state.withLock({ $0.directory.unwritten }) {
            do throws(StoreError) {
                try await write(entry)
                entry.isUnwritten = false
                state.withLock { [entry] in $0.directory.put(entry) }
            } catch {
                report("the shards of stream \(entry.description.key.name): \(error)")
            }
        }
    }

    // MARK: Closed shards that are empty

    /// Takes out the closed shards of a stream whose records are gone and whose retention time is over.
    /// - Parameter oldest: what was closed before goes, milliseconds since 1970-01-01 UTC.
    func retireShards(of id: StreamID, closedBefore oldest: Int64) async {
        let mayRetire = { (entry: StreamEntry) -> Set<ShardID> in
            Set(
                entry.description.shards.lazy.filter { shard in
                    guard let closed = shard.closedMilliseconds, closed < oldest, shard.endOffset != nil else { return false }
                    guard let bounds = try? self.log.bounds(LogID(ShardReference(id, shard.id))) else { return false }
                    return bounds.startOffset >= bounds.highWatermark
                }.map(\.id))
        }
        guard let found = state.withLock({ $0.directory[id] }), found.description.openShardCount < found.description.shards.count
        else { return }
        await turnstile.enter()
        defer { turnstile.leave() }
        guard var entry = state.withLock({ $0.directory[id] }), entry.description.status != .deleting else { return }
        let before = Set(entry.description.shards.map(\.id))
        entry.description.forget(mayRetire(entry))
        let gone = before.subtracting(entry.description.shards.map(\.id))
        guard !gone.isEmpty else { return }
        do throws(StoreError) {
            // From here on they are tombstones: an interrupted removal is ended by the next opening.
            try await write(entry)
        } catch {
            return report("closed shards of stream \(entry.description.key.name): \(error)")
        }
        state.withLock { [entry] state in
            var entry = entry
            entry.isUnwritten = false
            state.directory.put(entry)
        }
        await removeLogs(gone.sorted().map { LogID(ShardReference(id, $0)) })
    }

    // MARK: At the start

    /// Brings the streams up to what the journal tells of their shards: ends what an interrupted change has left to do, or forgets its plan.
    func finishResharding(_ streams: [CatalogStream], recovery: inout StoreRecovery) async {
        for stream in streams {
            do {
                try await finishResharding(stream)
            } catch {
                recovery.problems.append("the shards of stream \(stream.description.key.name): \(error)")
            }
        }
        await writeUnwritten()
    }

    private func finishResharding(_ stream: CatalogStream) async throws {
        let id = stream.description.id
        var ends: [ShardID: LogEnd] = [:]
        for shard in stream.description.openShards {
            if let end = try log.end(LogID(ShardReference(id, shard.id))) { ends[shard.id] = end }
        }
        let planned = stream.plannedShards
        let parents = Set(planned.flatMap { [$0.parent, $0.adjacentParent].compactMap { $0 } })
        if !planned.isEmpty {
            let hasBegun = planned.contains { child in
                (try? log.bounds(LogID(ShardReference(id, child.id))))?.highWatermark ?? 0 > 0
            }
            if ends.keys.contains(where: parents.contains) || hasBegun {
                let change = Resharding(parents: parents.sorted(), children: planned)
                // Only damage leaves a parent open beside one that has ended, or beside children with records.
                let open = change.parents.filter { ends[$0] == nil }
                if !open.isEmpty {
                    let found = try await log.succeed(LogSuccession(ending: open.map { LogID(ShardReference(id, $0)) }))
                    for (shard, end) in zip(open, found) { ends[shard] = end }
                }
                apply(change, ends, to: id)
            } else {
                try await catalog.plan([], of: id)
            }
        }
        for shard in ends.keys.filter({ !parents.contains($0) }).sorted() {
            apply(Resharding(parents: [shard], children: []), ends, to: id)
        }
    }

    private func apply(_ change: Resharding, _ ends: [ShardID: LogEnd], to stream: StreamID) {
        state.withLock { state in
            guard var entry = state.directory[stream] else { return }
            let latest = change.parents.compactMap { ends[$0]?.arrivalMilliseconds }.max() ?? 0
            entry.description.apply(change, ends: ends.mapValues(\.offset), at: latest)
            entry.isUnwritten = true
            state.directory.put(entry)
        }
    }
}

extension Resharding {
    /// The same for the logs of the shards.
    func succession(in stream: StreamID) -> LogSuccession {
        LogSuccession(
            ending: parents.map { LogID(ShardReference(stream, $0)) },
            beginning: children.map { child in
                // The first parent is the one with the lower lane; the first child goes on with it.
                LogSuccession.Beginning(
                    LogID(ShardReference(stream, child.id)),
                    continuing: child.id == children.first?.id ? parents.first.map { LogID(ShardReference(stream, $0)) } : nil)
            })
    }
}
