/// Which shards a consumer has and where it begins in them: when it is made, when a stream was resharded, when it is reset.

import LatestValues
import StreamStore
import Synchronization

extension NamedConsumers {
    /// Makes a consumer. That another caller has made it meanwhile is as good.
    func create(
        _ key: ConsumerKey, _ stream: StreamDescription, _ start: ConsumerStart, _ leaseMilliseconds: Int64
    ) async throws(ConsumerError) {
        let positions = try await positions(from: start, in: stream)
        let definition = ConsumerDefinition(
            leaseMilliseconds: leaseMilliseconds, createdMilliseconds: time.wallMilliseconds())
        let now = now
        do throws(ConsumerError) {
            _ = try await change { state throws(ConsumerError) in
                try checkRoom(state, for: positions.count)
                var changes = Changes()
                changes.create(key, definition)
                for (shard, position) in positions { changes.set(key, shard.id, position) }
                return ((), changes)
            } apply: { state, _ in
                let leases = positions.map { ($0.shard.id, LeaseBoard.Lease(position: $0.position, parents: $0.shard.parents)) }
                state.consumers[key] = Consumer(
                    definition: definition,
                    board: LeaseBoard(
                        leaseMilliseconds: leaseMilliseconds, leases: Dictionary(leases) { first, _ in first }, now: now))
            }
        } catch .table(.conditionFailed) {
            return
        }
    }

    private func checkRoom(_ state: borrowing State, for leases: Int) throws(ConsumerError) {
        guard state.consumers.count < limits.consumers else {
            throw .limitExceeded("There are \(state.consumers.count) consumers already; \(limits.consumers) may be.")
        }
        guard state.leases + leases <= limits.leases else {
            throw .limitExceeded("All consumers together may have \(limits.leases) shards.")
        }
    }

    /// Takes in what became of a stream's shards since the last time.
    func learn(_ key: ConsumerKey, _ stream: StreamDescription) async throws(ConsumerError) {
        let wall = time.wallMilliseconds()
        _ = try await change { state throws(ConsumerError) in
            try state.update(key) { consumer throws(ConsumerError) in
                var changes = Changes()
                var new: [(ShardID, ShardPosition)] = []
                for shard in stream.shards where consumer.board.leases[shard.id] == nil {
                    let position = ShardPosition(nextOffset: shard.startOffset, changedMilliseconds: wall)
                    changes.set(key, shard.id, position)
                    new.append((shard.id, position))
                }
                for shard in stream.shards { consumer.board.setParents(shard.parents, of: shard.id) }
                // What is newer than the description is not gone: the description is old.
                let newest = stream.shards.last?.id ?? ShardID(0)
                let gone = consumer.board.leases.keys.filter { $0 < newest && stream.shard($0) == nil }
                for shard in gone { changes.remove(key, shard) }
                return ((new, gone), changes)
            }
        } apply: { state, learned in
            for (shard, position) in learned.0 {
                state.consumers[key]?.board.add(shard, position)
                if let found = stream.shard(shard) { state.consumers[key]?.board.setParents(found.parents, of: shard) }
            }
            for shard in learned.1 { state.consumers[key]?.board.drop(shard) }
        }
    }

    /// Where a consumer that begins so is in each shard of a stream.
    /// - Throws: `.invalid` for a sequence number that no shard holds; `.store`.
    func positions(
        from start: ConsumerStart, in stream: StreamDescription
    ) async throws(ConsumerError) -> [(shard: ShardDescription, position: ShardPosition)] {
        if case .atSequenceNumber(let number) = start {
            guard let shard = stream.shard(number.shard), number.belongs(to: shard) else {
                throw .invalid("no shard of \(stream.key.name) holds sequence number \(number)")
            }
        }
        var positions: [(shard: ShardDescription, position: ShardPosition)] = []
        // Those that are not done with; parents come before their children.
        var due: Set<ShardID> = []
        for shard in stream.shards {
            do throws(StoreError) {
                var position = try await position(from: start, in: shard, of: stream.id)
                // One that never had a record stands between its parents and its children all the same.
                position.isEnded = position.isEnded && due.isDisjoint(with: shard.parents)
                if !position.isEnded { due.insert(shard.id) }
                positions.append((shard, position))
            } catch {
                throw .store(error)
            }
        }
        return positions
    }

    private func position(
        from start: ConsumerStart, in shard: ShardDescription, of stream: StreamID
    ) async throws(StoreError) -> ShardPosition {
        let reference = ShardReference(stream, shard.id)
        let wall = time.wallMilliseconds()
        let bounds = try await store.bounds(reference)
        let offset: Int64
        switch start {
        case .trimHorizon: offset = bounds.startOffset
        case .latest: offset = shard.endOffset ?? bounds.highWatermark
        case .atTimestamp(let milliseconds):
            offset = try await store.firstOffset(reference, arrivedAtOrAfter: milliseconds)
        case .atSequenceNumber(let number):
            offset = number.shard == shard.id ? min(number.firstOffsetAtOrAfter, bounds.highWatermark) : bounds.startOffset
        }
        // A closed shard of which nothing is wanted is done with.
        return ShardPosition(
            nextOffset: offset, changedMilliseconds: wall, isEnded: shard.endOffset.map { offset >= $0 } ?? false)
    }
}

extension ShardDescription {
    /// What it was made of.
    var parents: [ShardID] { [parent, adjacentParent].compactMap { $0 } }
}
