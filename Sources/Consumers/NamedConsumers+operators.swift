/// What operators call: which consumers there are, how far behind they are, reset, removal.

import LatestValues
public import StreamStore
import Synchronization

extension NamedConsumers {
    /// How often it is looked how far consumers are behind, for metrics.
    private static let lookInterval = Duration.seconds(5)

    /// The consumers of a stream, by name; of all streams where none is given.
    /// - Parameters:
    ///   - after: begins behind this one; nil at the first.
    ///   - limit: the most of them.
    /// - Throws: `.store`.
    public func list(
        of stream: String?, after: (stream: String, name: String)? = nil, limit: Int = .max
    ) async throws(ConsumerError) -> [ConsumerDescription] {
        let streams: [StreamDescription]
        do throws(StoreError) {
            streams = if let stream { [try await store.stream(StreamKey(stream))] } else { try await store.streams(in: .stream) }
        } catch {
            throw .store(error)
        }
        var descriptions: [ConsumerDescription] = []
        for stream in streams.sorted(by: { $0.key.name < $1.key.name }) {
            let names = state.withLock { $0.consumers.keys.filter { $0.stream == stream.id }.map(\.name).sorted() }
            for name in names {
                if let after, (stream.key.name, name) <= (after.stream, after.name) { continue }
                if descriptions.count >= limit { return descriptions }
                descriptions.append(try await describe(ConsumerKey(stream.id, name), stream))
            }
        }
        return descriptions
    }

    /// A consumer with how far it is behind in each shard.
    /// - Throws: `.consumerNotFound`, `.store`.
    public func describe(_ name: String, of streamName: String) async throws(ConsumerError) -> ConsumerDescription {
        let (key, stream) = try await find(name, of: streamName)
        return try await describe(key, stream)
    }

    private func describe(_ key: ConsumerKey, _ stream: StreamDescription) async throws(ConsumerError) -> ConsumerDescription {
        guard let consumer = state.withLock({ $0.consumers[key] }) else { throw .consumerNotFound(key.name) }
        let now = now
        return ConsumerDescription(
            name: key.name, stream: stream.key, createdMilliseconds: consumer.definition.createdMilliseconds,
            leaseMilliseconds: consumer.definition.leaseMilliseconds,
            members: consumer.board.memberNames.filter { (consumer.board.deadline(of: $0) ?? 0) > now },
            shards: try await progress(consumer.board, stream))
    }

    /// Where a consumer is in each shard of a stream, also in those that it has not heard of yet.
    private func progress(_ board: LeaseBoard, _ stream: StreamDescription) async throws(ConsumerError) -> [ShardProgress] {
        var board = board
        let wall = time.wallMilliseconds()
        for shard in stream.shards {
            board.add(shard.id, ShardPosition(nextOffset: shard.startOffset, changedMilliseconds: wall))
            board.setParents(shard.parents, of: shard.id)
        }
        var shards: [ShardProgress] = []
        for shard in stream.shards {
            guard let lease = board.leases[shard.id] else { continue }
            do throws(StoreError) {
                let lag = try await lag(ShardReference(stream.id, shard.id), behind: lease.position)
                let owner = lease.owner.flatMap { (board.deadline(of: $0) ?? 0) > now ? $0 : nil }
                shards.append(
                    ShardProgress(
                        shard: shard.id, owner: owner, epoch: lease.epoch, position: lease.position,
                        checkpoint: lease.position.sequenceNumber(in: shard),
                        waitsForParents: !lease.position.isEnded && !board.mayBeRead(shard.id), lagRecords: lag.records,
                        lagMilliseconds: lag.records > 0 ? max(0, wall - lag.since) : 0,
                        stuckSince: lag.records > 0 ? max(lag.since, lease.position.changedMilliseconds) : nil))
            } catch .streamNotFound, .shardNotFound {
                continue
            } catch {
                throw .store(error)
            }
        }
        return shards
    }

    /// How many records of a shard a consumer has before it, and when the first of them arrived.
    private func lag(
        _ shard: ShardReference, behind position: ShardPosition
    ) async throws(StoreError) -> (records: Int64, since: Int64) {
        if position.isEnded { return (0, 0) }
        let bounds = try await store.bounds(shard)
        let next = max(position.nextOffset, bounds.startOffset)
        guard next < bounds.highWatermark else { return (0, 0) }
        let first: StoredBatch?
        do throws(StoreError) {
            first = try await store.read(shard, from: next, maxBytes: 1).batches.first
        } catch .damaged {
            // Whoever reads is told; how many there are is known all the same.
            first = nil
        }
        return (bounds.highWatermark - next, first?.arrivalMilliseconds ?? position.changedMilliseconds)
    }

    /// Sets a consumer to another position. Whoever holds a lease loses it, and goes on from there when it has a new one.
    /// - Parameter isDryRun: nothing is done.
    /// - Returns: where it was and where it is in each shard.
    /// - Throws: `.consumerNotFound`, `.invalid`, `.table`, `.store`.
    public func reset(
        _ name: String, of streamName: String, to start: ConsumerStart, isDryRun: Bool = false
    ) async throws(ConsumerError) -> [(shard: ShardDescription, from: ShardPosition?, to: ShardPosition)] {
        let (key, stream) = try await find(name, of: streamName)
        let positions = try await positions(from: start, in: stream)
        let before = try state.withLock { state throws(ConsumerError) in
            guard let consumer = state.consumers[key] else { throw .consumerNotFound(name) }
            return consumer.board.leases.mapValues(\.position)
        }
        if !isDryRun { try await move(key, to: positions) }
        return positions.map { ($0.shard, before[$0.shard.id], $0.position) }
    }

    private func move(
        _ key: ConsumerKey, to positions: [(shard: ShardDescription, position: ShardPosition)]
    ) async throws(ConsumerError) {
        _ = try await change { state throws(ConsumerError) in
            try state.update(key) { consumer throws(ConsumerError) in
                var changes = Changes()
                for (shard, epoch) in consumer.board.revokeAll() {
                    changes.set(key, shard, LeaseRecord(epoch: epoch, owner: nil))
                }
                for (shard, position) in positions { changes.set(key, shard.id, position) }
                return ((), changes)
            }
        } apply: { state, _ in
            for (shard, position) in positions {
                state.consumers[key]?.board.add(shard.id, position)
                state.consumers[key]?.board.move(shard.id, to: position)
            }
        }
    }

    /// Forgets a consumer and its positions.
    /// - Throws: `.inUse` while members live; `.consumerNotFound`, `.table`, `.store`.
    public func delete(_ name: String, of streamName: String) async throws(ConsumerError) {
        let (key, _) = try await find(name, of: streamName)
        try await delete(key, evenIfInUse: false)
    }

    private func delete(_ key: ConsumerKey, evenIfInUse: Bool) async throws(ConsumerError) {
        let now = now
        _ = try await change { state throws(ConsumerError) in
            guard let board = state.consumers[key]?.board else { throw .consumerNotFound(key.name) }
            let members = board.memberNames.filter { (board.deadline(of: $0) ?? 0) > now }.count
            guard evenIfInUse || members == 0 else { throw .inUse(key.name, members: members) }
            var changes = Changes()
            changes.remove(key)
            for shard in board.leases.keys { changes.remove(key, shard) }
            return ((), changes)
        } apply: { state, _ in
            state.consumers[key] = nil
            state.seen[key] = nil
        }
    }

    // MARK: Watching

    /// Looks now and then how far consumers are behind, and forgets those whose streams are gone; until the task is cancelled.
    /// - Parameter report: is told of what could not be done.
    public func watch(report: @Sendable (ConsumerError) -> Void) async {
        while !Task.isCancelled {
            do throws(ConsumerError) { try await look() } catch { report(error) }
            try? await Task.sleep(for: Self.lookInterval)
        }
    }

    private func look() async throws(ConsumerError) {
        let keys = state.withLock { Array($0.consumers.keys) }
        if keys.isEmpty { return }
        let streams: [StreamDescription]
        do throws(StoreError) { streams = try await store.streams(in: .stream) } catch { throw .store(error) }
        let living = Dictionary(streams.map { ($0.id, $0) }) { first, _ in first }
        for key in keys {
            if let stream = living[key.stream] {
                guard let seen = try? await describe(key, stream) else { continue }
                state.withLock { state in
                    if state.consumers[key] != nil { state.seen[key] = seen }
                }
            } else {
                do throws(ConsumerError) { try await delete(key, evenIfInUse: true) } catch .consumerNotFound { continue }
            }
        }
    }

    /// The consumers as they were at the last look, a few seconds ago.
    public var lastSeen: [ConsumerDescription] { state.withLock { state in state.seen.sorted { $0.key < $1.key }.map(\.value) } }
}
