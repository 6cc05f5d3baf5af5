/// Random histories: members join, pause, leave, records come, shards are split and merged, the node crashes. Each record is done with at least once, in
/// the order of its key, and never again once a checkpoint that covers it was taken.

import Consumers
import Foundation
import RecordBatch
import StreamStore
import StreamStoreTesting
import Testing

/// What is believed of a consumer's work.
private struct Judge {
    /// The number of the last record of each key that was put, and that was done with.
    var put: [String: Int] = [:]
    var done: [String: Int] = [:]
    /// How far checkpoints that were acknowledged cover each shard.
    var covered: [ShardID: Int64] = [:]
    var faults: [String] = []

    /// A member has done with a record that it read from a shard.
    mutating func process(_ shard: ShardID, _ offset: Int64, _ key: String, _ number: Int) {
        if offset < covered[shard] ?? 0 { faults.append("\(shard) \(offset) is done again after a checkpoint") }
        let last = done[key] ?? 0
        if number > last + 1 { faults.append("\(key): \(number), in \(shard), is done before \(last + 1)") }
        done[key] = max(last, number)
    }

    mutating func cover(_ shard: ShardID, _ offset: Int64) {
        if offset < covered[shard] ?? 0 { faults.append("\(shard): a checkpoint at \(offset) after one at \(covered[shard] ?? 0)") }
        covered[shard] = max(covered[shard] ?? 0, offset)
    }
}

/// A member as a client would be: it knows what it was told last.
private struct Member {
    var name: String
    var leases: [ShardID: HeldLease] = [:]
    /// Where it reads next.
    var next: [ShardID: Int64] = [:]
    var isPaused = false

    mutating func take(_ membership: Membership) {
        for lease in membership.leases where leases[lease.shard]?.epoch != lease.epoch {
            next[lease.shard] = lease.position.nextOffset
        }
        leases = Dictionary(uniqueKeysWithValues: membership.leases.map { ($0.shard, $0) })
    }
}

@Suite struct ConsumerHistoryTests {
    private static let lease: Int64 = 1000
    private static let seeds: Range<UInt64> =
        0..<(ProcessInfo.processInfo.environment["MILLRACE_CONSUMER_SEEDS"].flatMap(UInt64.init) ?? 60)

    @Test(arguments: seeds)
    func `each record is done with, in order, and not again`(seed: UInt64) async throws {
        var history = try await History(seed)
        for _ in 0..<100 { try await history.step() }
        try await history.finish()
        #expect(history.judge.faults.isEmpty, "MILLRACE_CONSUMER_SEEDS=\(seed + 1): seed \(seed)")
        #expect(history.judge.done == history.judge.put, "MILLRACE_CONSUMER_SEEDS=\(seed + 1): seed \(seed)")
    }

    private struct History {
        var world: World
        var random: Random
        var judge = Judge()
        var members: [Member] = []
        var names = 0

        init(_ seed: UInt64) async throws {
            random = Random(seed)
            world = try await World(shards: random.below(3) + 1)
        }

        mutating func step() async throws {
            switch random.below(20) {
            case 0..<7: try await put()
            case 7..<13: if let place = somebody { try await work(place) }
            case 13:
                names += 1
                members.append(Member(name: "m\(names)"))
            case 14: if let place = somebody { members[place].isPaused.toggle() }
            case 15:
                guard let place = somebody else { return }
                let member = members.remove(at: place)
                // Half of them go without a word.
                if random.below(2) == 0 { try? await world.consumers.leave(member.name, of: "c", on: World.stream) }
            case 16: try await reshard()
            case 17: try await world.restart()
            default: world.time.advance(Int64(random.below(800)))
            }
        }

        private var somebody: Int? {
            mutating get { members.isEmpty ? nil : random.below(members.count) }
        }

        private mutating func put() async throws {
            for _ in 0..<random.below(4) + 1 {
                let key = "k\(random.below(6))"
                let number = (judge.put[key] ?? 0) + 1
                try await world.put(key, "\(number)")
                judge.put[key] = number
            }
        }

        private mutating func reshard() async throws {
            let open = try await world.description().openShards.sorted { $0.hashKeyRange.start < $1.hashKeyRange.start }
            if random.below(2) == 0, open.count < 6 {
                let shard = open[random.below(open.count)]
                let (start, end) = (shard.hashKeyRange.start, shard.hashKeyRange.end)
                if end > start {
                    _ = try await world.store.splitShard(StreamKey(World.stream), shard.id, at: start + (end - start) / 2 + 1)
                }
            } else if open.count > 1 {
                let place = random.below(open.count - 1)
                _ = try await world.store.mergeShards(StreamKey(World.stream), open[place].id, open[place + 1].id)
            }
        }

        /// A member says that it lives, reads and checkpoints; one that is paused does what it was about to do without asking first.
        mutating func work(_ place: Int) async throws {
            var member = members[place]
            defer { members[place] = member }
            if !member.isPaused {
                member.take(
                    try await world.consumers.renew(
                        member.name, of: "c", on: World.stream, leaseMilliseconds: ConsumerHistoryTests.lease))
            }
            for lease in member.leases.values.sorted(by: { $0.shard < $1.shard }) {
                try await work(&member, lease)
            }
        }

        private mutating func work(_ member: inout Member, _ lease: HeldLease) async throws {
            let description = try await world.description()
            guard let shard = description.shard(lease.shard) else { return }
            let from = member.next[lease.shard] ?? lease.position.nextOffset
            let read = try await world.store.read(ShardReference(description.id, shard.id), from: from, maxBytes: .max)
            var records: [(offset: Int64, key: String, number: Int)] = []
            for batch in read.batches {
                try batch.batch.forEachRecord { view in
                    let offset = batch.baseOffset + Int64(view.offsetDelta)
                    guard offset >= from, records.count < 3 else { return }
                    records.append(
                        (
                            offset, String(decoding: view.key ?? .init(start: nil, count: 0), as: UTF8.self),
                            Int(String(decoding: view.value ?? .init(start: nil, count: 0), as: UTF8.self)) ?? 0
                        ))
                }
            }
            let next = (records.last?.offset ?? from - 1) + 1
            let isEnd = read.endOffset.map { next >= $0 } ?? false
            guard !records.isEmpty || isEnd || lease.isToBeReleased else { return }
            let number = next > 0 ? try await world.number(next - 1, shard.id) : SequenceNumber.starting(shard)
            let checkpoint = LeaseCheckpoint(
                shard.id, epoch: lease.epoch, isEnd ? .end : .after(number), releases: lease.isToBeReleased)
            // Who works after its lease has run out does so in vain; what it has done is not judged before its checkpoint is taken.
            do throws(ConsumerError) {
                try await world.consumers.checkpoint([checkpoint], by: member.name, of: "c", on: World.stream)
            } catch {
                guard error.isLoss else { throw error }
                member.leases[shard.id] = nil
                return
            }
            for record in records { judge.process(shard.id, record.offset, record.key, record.number) }
            judge.cover(shard.id, next)
            member.next[shard.id] = next
        }

        /// One member does what is left.
        mutating func finish() async throws {
            world.time.advance(10_000)
            members = [Member(name: "last")]
            for _ in 0..<400 where judge.done != judge.put { try await work(0) }
        }
    }
}

extension ConsumerError {
    /// What a member is told whose lease has gone to another, or whose consumer nobody has made yet.
    fileprivate var isLoss: Bool {
        switch self {
        case .leaseLost, .consumerNotFound: true
        default: false
        }
    }
}
