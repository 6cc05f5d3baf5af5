/// What members call: they say that they live, checkpoint, let go.

import LatestValues
import RecordBatch
import StreamStore
import Synchronization

extension NamedConsumers {
    /// How long a member may be silent, in milliseconds, where nobody says otherwise, and what may be said.
    public static let defaultLeaseMilliseconds: Int64 = 10_000
    public static let leaseMilliseconds: ClosedRange<Int64> = 1_000...3_600_000
    /// Members say that they live at least so often, so that one that is gone is replaced soon after its lease's time.
    private static let mostRenewMilliseconds: Int64 = 500
    /// How long it is remembered that a member was sent away, in milliseconds.
    private static let kickMemory: Int64 = 300_000

    /// A member lives, or joins; the consumer is made if there is none.
    /// - Parameters:
    ///   - start: where a consumer that is made now begins.
    ///   - leaseMilliseconds: of a consumer that is made now.
    /// - Throws: `.invalid`, `.limitExceeded`, `.kicked`, `.table`, `.store`.
    public func renew(
        _ member: String, of name: String, on streamName: String, start: ConsumerStart = .trimHorizon,
        leaseMilliseconds: Int64 = defaultLeaseMilliseconds
    ) async throws(ConsumerError) -> Membership {
        try check(name, member, leaseMilliseconds)
        let stream = try await stream(streamName)
        let key = ConsumerKey(stream.id, name)
        if state.withLock({ $0.consumers[key] == nil }) { try await create(key, stream, start, leaseMilliseconds) }
        try await learn(key, stream)
        let now = now
        _ = try await change { state throws(ConsumerError) in
            let grants = try state.update(key) { consumer throws(ConsumerError) in
                if let until = consumer.kicked.removeValue(forKey: member), now < until { throw .kicked(member: member) }
                guard consumer.board.isMember(member) || consumer.board.memberNames.count < limits.membersPerConsumer else {
                    throw .limitExceeded("A consumer has at most \(limits.membersPerConsumer) members.")
                }
                return consumer.board.renew(member, now: now)
            }
            return (grants, Changes(key, grants))
        } apply: {
            $0.confirm($1, key)
        } undo: {
            $0.withdraw($1, key)
        }
        return try state.withLock { state throws(ConsumerError) in
            guard let consumer = state.consumers[key] else { throw .consumerNotFound(name) }
            let lease = consumer.definition.leaseMilliseconds
            return Membership(
                leaseMilliseconds: lease, renewAfterMilliseconds: min(Self.mostRenewMilliseconds, lease / 4),
                leases: consumer.board.held(by: member), members: consumer.board.memberNames.count)
        }
    }

    /// Keeps how far a member has come, in all the shards given or in none, and what it writes with that.
    /// - Parameter outputs: records for streams of this node that are appended with it, exactly once.
    /// - Throws: `.leaseLost` for the first lease that it does not hold (any more); `.invalid` for a position that is not in the shard, or before the
    ///   one kept; `.consumerNotFound`, `.limitExceeded`, `.table`, `.store`.
    public func checkpoint(
        _ checkpoints: [LeaseCheckpoint], by member: String, of name: String, on streamName: String, outputs: [OutputRecord] = []
    ) async throws(ConsumerError) {
        let (key, stream) = try await find(name, of: streamName)
        guard Set(checkpoints.map(\.shard)).count == checkpoints.count else { throw .invalid("a shard is named twice") }
        var moves: [ShardID: ShardPosition] = [:]
        for checkpoint in checkpoints {
            moves[checkpoint.shard] = try await position(checkpoint, stream)
        }
        let (wanted, batches, now) = (moves, try await batches(outputs), now)
        _ = try await change { state throws(ConsumerError) in
            guard let board = state.consumers[key]?.board else { throw .consumerNotFound(name) }
            var changes = Changes(outputs: batches)
            for checkpoint in checkpoints {
                let lease = board.leases[checkpoint.shard]
                guard board.holds(member, checkpoint.shard, epoch: checkpoint.epoch, now: now), let lease else {
                    throw .leaseLost(
                        checkpoint.shard, member: member, epoch: checkpoint.epoch, owner: lease?.owner, current: lease?.epoch ?? 0)
                }
                guard let position = wanted[checkpoint.shard] else { continue }
                guard position.nextOffset >= lease.position.nextOffset else {
                    throw .invalid("the position in \(checkpoint.shard) is before the one kept; a reset goes back")
                }
                changes.set(key, checkpoint.shard, position)
            }
            return ((), changes)
        } apply: { state, _ in
            for checkpoint in checkpoints {
                if let position = wanted[checkpoint.shard] { state.consumers[key]?.board.move(checkpoint.shard, to: position) }
                guard checkpoint.releases else { continue }
                state.consumers[key]?.board.release(checkpoint.shard, of: member, epoch: checkpoint.epoch)
            }
        }
    }

    /// A member leaves; what it held goes to the others.
    /// - Throws: `.consumerNotFound`, `.table`, `.store`. A member that is not one has left already.
    public func leave(_ member: String, of name: String, on streamName: String) async throws(ConsumerError) {
        let (key, _) = try await find(name, of: streamName)
        try await remove(member, key)
    }

    /// Takes a member's leases away; it is told so when it is heard of next.
    /// - Throws: `.memberNotFound`, `.consumerNotFound`, `.table`, `.store`.
    public func kick(_ member: String, of name: String, on streamName: String) async throws(ConsumerError) {
        let (key, _) = try await find(name, of: streamName)
        let until = now + Self.kickMemory
        try state.withLock { state throws(ConsumerError) in
            try state.update(key) { consumer throws(ConsumerError) in
                guard consumer.board.isMember(member) else { throw .memberNotFound(member) }
                let now = now
                consumer.kicked = consumer.kicked.filter { $0.value > now }
                consumer.kicked[member] = until
            }
        }
        try await remove(member, key)
    }

    private func remove(_ member: String, _ key: ConsumerKey) async throws(ConsumerError) {
        let now = now
        _ = try await change { state throws(ConsumerError) in
            let grants = try state.update(key) { $0.board.remove(member, now: now) }
            return (grants, Changes(key, grants))
        } apply: {
            $0.confirm($1, key)
        } undo: {
            $0.withdraw($1, key)
        }
    }

    // MARK: Rules

    private func check(_ name: String, _ member: String, _ lease: Int64) throws(ConsumerError) {
        for text in [name, member] where !Self.isName(text) {
            throw .invalid("names have 1 to 128 of [a-zA-Z0-9_.-]; '\(text.prefix(200))' has not")
        }
        guard Self.leaseMilliseconds.contains(lease) else {
            let (least, most) = (Self.leaseMilliseconds.lowerBound, Self.leaseMilliseconds.upperBound)
            throw .invalid("a lease is for \(least) to \(most) milliseconds, not \(lease)")
        }
    }

    private static func isName(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// The position that a checkpoint asks for; nil where it asks for none.
    private func position(
        _ checkpoint: LeaseCheckpoint, _ stream: StreamDescription
    ) async throws(ConsumerError) -> ShardPosition? {
        let wall = time.wallMilliseconds()
        if checkpoint.progress == .unchanged { return nil }
        guard let shard = stream.shard(checkpoint.shard) else { throw .invalid("the stream has no \(checkpoint.shard)") }
        guard case .after(let number) = checkpoint.progress else {
            guard let end = shard.endOffset else { throw .invalid("\(shard.id) is open: it has no end yet") }
            return ShardPosition(nextOffset: end, changedMilliseconds: wall, isEnded: true)
        }
        guard number.shard == shard.id, number.belongs(to: shard) else {
            throw .invalid("sequence number \(number) is not one of \(shard.id)")
        }
        let next = number.firstOffsetAfter
        let bounds: ShardBounds
        do throws(StoreError) { bounds = try await store.bounds(ShardReference(stream.id, shard.id)) } catch { throw .store(error) }
        guard next <= bounds.highWatermark else {
            throw .invalid("sequence number \(number) is behind the last record of \(shard.id)")
        }
        return ShardPosition(
            nextOffset: next, arrivalSecond: number.arrivalSecond, changedMilliseconds: wall, isEnded: next == shard.endOffset)
    }

    /// The records as batches, one for each shard that gets some.
    private func batches(_ outputs: [OutputRecord]) async throws(ConsumerError) -> [ShardAppend] {
        guard outputs.reduce(0, { $0 + $1.data.count + $1.partitionKey.count }) <= limits.outputBytes else {
            throw .limitExceeded("The records of a checkpoint have at most \(limits.outputBytes) bytes together.")
        }
        var streams: [StreamKey: StreamDescription] = [:]
        var builders: [ShardReference: [OutputRecord]] = [:]
        var order: [ShardReference] = []
        for output in outputs {
            let target = if let known = streams[output.stream] { known } else { try await stream(output.stream.name) }
            streams[output.stream] = target
            let key = output.partitionKey.withUnsafeBytes { HashKey.hash(partitionKey: $0) }
            guard let shard = target.routing.shard(for: key) else {
                throw .invalid("stream \(output.stream.name) has no open shard")
            }
            guard output.data.count + output.partitionKey.count <= target.maxRecordKiB << 10 else {
                throw .invalid("a record for stream \(output.stream.name) has more than \(target.maxRecordKiB) KiB")
            }
            let reference = ShardReference(target.id, shard)
            if builders[reference] == nil { order.append(reference) }
            builders[reference, default: []].append(output)
        }
        return try order.map { reference throws(ConsumerError) in
            ShardAppend(reference, try batch(builders[reference] ?? []))
        }
    }

    private func batch(_ outputs: [OutputRecord]) throws(ConsumerError) -> RecordBatch {
        let wall = time.wallMilliseconds()
        do throws(RecordBatchError) {
            var builder = RecordBatchBuilder(
                baseTimestamp: wall, expectedBytes: outputs.reduce(64) { $0 + $1.data.count + $1.partitionKey.count + 20 })
            for output in outputs { try builder.append(key: output.partitionKey, value: output.data, timestamp: wall) }
            return try builder.finish()
        } catch {
            throw .invalid(error.description)
        }
    }
}

extension Changes {
    init(_ consumer: ConsumerKey, _ grants: [LeaseBoard.Grant]) {
        for grant in grants { set(consumer, grant.shard, LeaseRecord(epoch: grant.epoch, owner: grant.member)) }
    }
}

extension NamedConsumers.State {
    /// - Throws: `.consumerNotFound`.
    mutating func update<Result>(
        _ key: ConsumerKey, _ body: (inout NamedConsumers.Consumer) throws(ConsumerError) -> Result
    ) throws(ConsumerError) -> Result {
        // Taken out of the dictionary meanwhile, or it would be copied.
        guard var consumer = consumers.removeValue(forKey: key) else { throw .consumerNotFound(key.name) }
        defer { consumers[key] = consumer }
        return try body(&consumer)
    }

    mutating func confirm(_ grants: [LeaseBoard.Grant], _ key: ConsumerKey) {
        for grant in grants { consumers[key]?.board.confirm(grant) }
    }

    mutating func withdraw(_ grants: [LeaseBoard.Grant], _ key: ConsumerKey) {
        for grant in grants { consumers[key]?.board.withdraw(grant) }
    }
}
