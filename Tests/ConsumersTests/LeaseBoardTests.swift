/// Who gets which shard, decided from facts.

import Consumers
import HostSimulation
import StreamStore
import Testing

@Suite struct LeaseBoardTests {
    private func board(shards: Int, lease: Int64 = 1000) -> LeaseBoard {
        let position = ShardPosition(nextOffset: 0, changedMilliseconds: 0)
        let leases = (0..<shards).map { (ShardID(UInt32($0)), LeaseBoard.Lease(position: position, parents: [])) }
        return LeaseBoard(leaseMilliseconds: lease, leases: Dictionary(uniqueKeysWithValues: leases), now: 0)
    }

    /// A member says that it lives, and its grants become durable at once.
    private func renew(_ board: inout LeaseBoard, _ member: String, _ now: Int64) {
        for grant in board.renew(member, now: now) { board.confirm(grant) }
    }

    private func shards(_ board: LeaseBoard, _ member: String) -> [UInt32] { board.held(by: member).map(\.shard.index) }

    @Test func `the first member gets all shards`() {
        var board = board(shards: 3)
        renew(&board, "a", 0)
        #expect(shards(board, "a") == [0, 1, 2])
        #expect(board.held(by: "a").allSatisfy { $0.epoch == 1 && !$0.isToBeReleased })
    }

    @Test func `a grant is not told before it is durable`() {
        var board = board(shards: 1)
        let grants = board.renew("a", now: 0)
        #expect(grants.count == 1)
        #expect(shards(board, "a").isEmpty)
        #expect(!board.holds("a", ShardID(0), epoch: 1, now: 0))
        board.confirm(grants[0])
        #expect(board.holds("a", ShardID(0), epoch: 1, now: 0))
    }

    @Test func `an epoch that could not be written is not given again`() {
        var board = board(shards: 1)
        board.withdraw(board.renew("a", now: 0)[0])
        let grants = board.renew("a", now: 1)
        #expect(grants.map(\.epoch) == [2])
    }

    @Test func `a second member gets half of them when the first lets go`() {
        var board = board(shards: 5)
        renew(&board, "a", 0)
        renew(&board, "b", 10)
        let asked = board.held(by: "a").filter(\.isToBeReleased)
        #expect(asked.count == 2)
        #expect(shards(board, "b").isEmpty)
        for lease in asked { board.release(lease.shard, of: "a", epoch: lease.epoch) }
        renew(&board, "b", 20)
        #expect(shards(board, "b").count == 2)
        #expect(shards(board, "a").count == 3)
        #expect(board.held(by: "b").allSatisfy { $0.epoch == 2 })
    }

    @Test func `who does not let go loses the lease when its time is up`() {
        var board = board(shards: 2)
        renew(&board, "a", 0)
        renew(&board, "b", 10)
        renew(&board, "a", 900)
        renew(&board, "b", 1005)
        #expect(shards(board, "b").isEmpty)
        renew(&board, "a", 1009)
        renew(&board, "b", 1010)
        #expect(shards(board, "b") == [1])
        #expect(!board.holds("a", ShardID(1), epoch: 1, now: 1010))
    }

    @Test func `a member that is silent for the lease's time holds nothing`() {
        var board = board(shards: 2)
        renew(&board, "a", 0)
        #expect(board.holds("a", ShardID(0), epoch: 1, now: 999))
        #expect(!board.holds("a", ShardID(0), epoch: 1, now: 1000))
        renew(&board, "b", 1000)
        #expect(shards(board, "b") == [0, 1])
        #expect(board.memberNames == ["b"])
    }

    @Test func `a late member gets new epochs even if nobody else wanted its shards`() {
        var board = board(shards: 1)
        renew(&board, "a", 0)
        renew(&board, "a", 1500)
        #expect(!board.holds("a", ShardID(0), epoch: 1, now: 1500))
        #expect(board.holds("a", ShardID(0), epoch: 2, now: 1500))
    }

    @Test func `children wait for all their parents`() {
        var board = board(shards: 3)
        board.setParents([ShardID(0), ShardID(1)], of: ShardID(2))
        renew(&board, "a", 0)
        #expect(shards(board, "a") == [0, 1])
        let ended = ShardPosition(nextOffset: 7, changedMilliseconds: 0, isEnded: true)
        board.move(ShardID(0), to: ended)
        renew(&board, "a", 1)
        #expect(shards(board, "a") == [1])
        board.move(ShardID(1), to: ended)
        renew(&board, "a", 2)
        #expect(shards(board, "a") == [2])
    }

    @Test func `revoking takes all leases under new epochs`() {
        var board = board(shards: 2)
        renew(&board, "a", 0)
        #expect(board.revokeAll().map(\.epoch) == [2, 2])
        #expect(!board.holds("a", ShardID(0), epoch: 1, now: 1))
        renew(&board, "a", 2)
        #expect(board.held(by: "a").map(\.epoch) == [3, 3])
    }

    @Test func `owners that were found live for a lease's time`() {
        let position = ShardPosition(nextOffset: 0, changedMilliseconds: 0)
        let lease = LeaseBoard.Lease(position: position, parents: [], owner: "a", epoch: 4, isGranted: true)
        var board = LeaseBoard(leaseMilliseconds: 1000, leases: [ShardID(0): lease], now: 50)
        renew(&board, "b", 100)
        #expect(shards(board, "b").isEmpty)
        #expect(board.holds("a", ShardID(0), epoch: 4, now: 1049))
        renew(&board, "b", 1050)
        #expect(board.held(by: "b").map(\.epoch) == [5])
    }

    /// Members come, go, pause and let go in any order: loads never differ by more than one for long, no shard is held twice, epochs rise.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func `shards are shared out evenly after any history`(seed: UInt64) {
        var random = Random(seed)
        var board = board(shards: random.below(9) + 1)
        var now: Int64 = 0
        var epochs: [ShardID: UInt64] = [:]
        for _ in 0..<60 {
            now += Int64(random.below(700))
            let member = "m\(random.below(5))"
            switch random.below(4) {
            case 0: for grant in board.remove(member, now: now) { board.confirm(grant) }
            case 1:
                for lease in board.held(by: member) where lease.isToBeReleased {
                    board.release(lease.shard, of: member, epoch: lease.epoch)
                }
            default:
                for grant in board.renew(member, now: now) {
                    #expect(grant.epoch > epochs[grant.shard] ?? 0, "seed \(seed)")
                    epochs[grant.shard] = grant.epoch
                    if random.below(10) == 0 { board.withdraw(grant) } else { board.confirm(grant) }
                }
            }
            for (shard, epoch) in epochs { #expect(board.leases[shard]?.epoch ?? 0 >= epoch, "seed \(seed)") }
        }
        // When all that live do what they are told, each has its share.
        let members = board.memberNames.isEmpty ? ["m0"] : board.memberNames
        for _ in 0..<20 {
            for member in members {
                renew(&board, member, now)
                for lease in board.held(by: member) where lease.isToBeReleased {
                    board.release(lease.shard, of: member, epoch: lease.epoch)
                }
            }
        }
        let loads = members.map { board.held(by: $0).count }
        #expect(loads.reduce(0, +) == board.leases.count, "seed \(seed): \(loads)")
        #expect((loads.max() ?? 0) - (loads.min() ?? 0) <= 1, "seed \(seed): \(loads)")
    }
}

/// Choices that a seed decides.
struct Random {
    private var generator: SeededGenerator

    init(_ seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }
}
