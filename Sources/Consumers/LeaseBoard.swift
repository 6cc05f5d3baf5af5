/// Who holds which shard of one consumer: decided from facts, with no clock, disk or randomness of its own.

package import StreamStore

/// The leases of one consumer. Facts go in (a member lives, leaves, lets go; a time), grants come out, which somebody makes durable.
///
/// Rules:
/// 1. A shard may be held when all its parents that the consumer knows are ended.
/// 2. Each member holds as many shards as the others, or one more. Who has two more than another is asked to release one; a free shard goes to who
///    has least, in the order in which members came.
/// 3. A member that was not heard of for the lease's time holds nothing. Who was asked to release and has not by then loses the lease too.
/// 4. Each grant has a higher epoch than all before it of that shard.
package struct LeaseBoard: Sendable {
    /// One shard's.
    package struct Lease: Sendable, Hashable {
        package var position: ShardPosition
        /// Nil as long as nobody has told: then it is not known whether it may be read.
        package var parents: [ShardID]?
        package var owner: String?
        package var epoch: UInt64 = 0
        /// Until the grant is durable nobody is told of it.
        package var isGranted = false
        /// Who was asked to release it must have done so by then, on the monotonic clock.
        package var releaseBy: Int64?

        package init(
            position: ShardPosition, parents: [ShardID]?, owner: String? = nil, epoch: UInt64 = 0, isGranted: Bool = false
        ) {
            (self.position, self.parents, self.owner, self.epoch, self.isGranted) = (position, parents, owner, epoch, isGranted)
        }
    }

    /// What must be made durable before the member is told.
    package struct Grant: Sendable, Hashable {
        package var shard: ShardID
        package var member: String
        package var epoch: UInt64
    }

    private struct Member: Sendable {
        var deadline: Int64
        /// Rises in the order in which members came.
        var number: UInt64
    }

    /// In milliseconds.
    package let leaseMilliseconds: Int64
    package private(set) var leases: [ShardID: Lease]
    private var members: [String: Member] = [:]
    private var nextMember: UInt64 = 0

    /// - Parameters:
    ///   - leases: as they were found; their owners are believed to live.
    ///   - now: milliseconds of the monotonic clock, as in all that follows.
    package init(leaseMilliseconds: Int64, leases: [ShardID: Lease], now: Int64) {
        self.leaseMilliseconds = leaseMilliseconds
        self.leases = leases
        for owner in Set(leases.values.compactMap(\.owner)).sorted() { note(owner, now) }
    }

    // MARK: What it tells

    /// The members that were heard of within the lease's time, in the order in which they came.
    package var memberNames: [String] { members.sorted { $0.value.number < $1.value.number }.map(\.key) }

    package func isMember(_ name: String) -> Bool { members[name] != nil }

    /// Until when, on the monotonic clock, a member may be silent.
    package func deadline(of member: String) -> Int64? { members[member]?.deadline }

    /// What a member holds and may know of.
    package func held(by member: String) -> [HeldLease] {
        leases.filter { $0.value.owner == member && $0.value.isGranted }.map { shard, lease in
            HeldLease(shard: shard, epoch: lease.epoch, position: lease.position, isToBeReleased: lease.releaseBy != nil)
        }.sorted { $0.shard < $1.shard }
    }

    /// Whether a member holds a lease under this epoch and was heard of in time.
    package func holds(_ member: String, _ shard: ShardID, epoch: UInt64, now: Int64) -> Bool {
        guard let lease = leases[shard], let deadline = members[member]?.deadline, now < deadline else { return false }
        return lease.owner == member && lease.epoch == epoch && lease.isGranted
    }

    /// Whether its parents are done with.
    package func mayBeRead(_ shard: ShardID) -> Bool {
        guard let lease = leases[shard], !lease.position.isEnded, let parents = lease.parents else { return false }
        return parents.allSatisfy { leases[$0]?.position.isEnded ?? true }
    }

    // MARK: Facts

    /// A member lives. One that is late has lost what it held, even if nobody else wanted it.
    package mutating func renew(_ member: String, now: Int64) -> [Grant] {
        expire(now)
        note(member, now)
        return settle(now)
    }

    /// A member leaves, or is sent away.
    package mutating func remove(_ member: String, now: Int64) -> [Grant] {
        members[member] = nil
        freeLeases(of: member)
        return settle(now)
    }

    /// A member has let go of a shard that it held under this epoch. The next who says that it lives may get it.
    package mutating func release(_ shard: ShardID, of member: String, epoch: UInt64) {
        if let lease = leases[shard], lease.owner == member, lease.epoch == epoch { free(shard) }
    }

    /// A grant is durable.
    package mutating func confirm(_ grant: Grant) {
        guard let lease = leases[grant.shard], lease.owner == grant.member, lease.epoch == grant.epoch else { return }
        leases[grant.shard]?.isGranted = true
    }

    /// A grant could not be made durable. Its epoch is not given again.
    package mutating func withdraw(_ grant: Grant) {
        guard let lease = leases[grant.shard], lease.owner == grant.member, lease.epoch == grant.epoch else { return }
        free(grant.shard)
    }

    /// The position of a shard has changed, durably.
    package mutating func move(_ shard: ShardID, to position: ShardPosition) {
        leases[shard]?.position = position
        if position.isEnded { free(shard) }
    }

    /// A shard that the consumer did not know.
    package mutating func add(_ shard: ShardID, _ position: ShardPosition) {
        if leases[shard] == nil { leases[shard] = Lease(position: position, parents: nil) }
    }

    /// What a shard was made of. It is told before anything is decided about the shard.
    package mutating func setParents(_ parents: [ShardID], of shard: ShardID) { leases[shard]?.parents = parents }

    /// A shard that is no more.
    package mutating func drop(_ shard: ShardID) { leases[shard] = nil }

    /// Takes all leases away, under new epochs; the members stay.
    /// - Returns: the shards with their epochs, which must be made durable.
    package mutating func revokeAll() -> [(shard: ShardID, epoch: UInt64)] {
        leases.keys.sorted().map { shard in
            free(shard)
            let epoch = (leases[shard]?.epoch ?? 0) &+ 1
            leases[shard]?.epoch = epoch
            return (shard, epoch)
        }
    }

    // MARK: Deciding

    private mutating func note(_ member: String, _ now: Int64) {
        if members[member] == nil {
            members[member] = Member(deadline: 0, number: nextMember)
            nextMember += 1
        }
        members[member]?.deadline = now + leaseMilliseconds
    }

    private mutating func free(_ shard: ShardID) {
        leases[shard]?.owner = nil
        leases[shard]?.isGranted = false
        leases[shard]?.releaseBy = nil
    }

    private mutating func freeLeases(of member: String) {
        for (shard, lease) in leases where lease.owner == member { free(shard) }
    }

    /// Lets go of what has run out, hands out what is free, and asks for what others should have.
    private mutating func settle(_ now: Int64) -> [Grant] {
        expire(now)
        guard !members.isEmpty else { return [] }
        var loads = Loads(memberNames)
        // Who was asked to release a shard does not have it any more.
        for lease in leases.values where lease.releaseBy == nil { lease.owner.map { loads.add($0) } }
        let grants = handOut(&loads)
        askForSurplus(&loads, now)
        return grants
    }

    private mutating func expire(_ now: Int64) {
        for (name, member) in members where member.deadline <= now {
            members[name] = nil
            freeLeases(of: name)
        }
        for (shard, lease) in leases {
            if let releaseBy = lease.releaseBy, releaseBy <= now { free(shard) }
        }
    }

    private mutating func handOut(_ loads: inout Loads) -> [Grant] {
        var grants: [Grant] = []
        for shard in leases.keys.sorted() where leases[shard]?.owner == nil && mayBeRead(shard) {
            guard let member = loads.least else { break }
            let epoch = (leases[shard]?.epoch ?? 0) &+ 1
            leases[shard]?.epoch = epoch
            leases[shard]?.owner = member
            loads.add(member)
            grants.append(Grant(shard: shard, member: member, epoch: epoch))
        }
        return grants
    }

    private mutating func askForSurplus(_ loads: inout Loads, _ now: Int64) {
        while let (most, least) = loads.unequal {
            guard
                let shard = leases.filter({ $0.value.owner == most && $0.value.isGranted && $0.value.releaseBy == nil }).keys.max()
            else { return }
            leases[shard]?.releaseBy = now + leaseMilliseconds
            loads.move(from: most, to: least)
        }
    }
}

/// How many shards each member has, or will have.
private struct Loads {
    private var counts: [(name: String, count: Int)]
    private let places: [String: Int]

    init(_ members: [String]) {
        counts = members.map { ($0, 0) }
        places = Dictionary(members.enumerated().map { ($1, $0) }) { first, _ in first }
    }

    mutating func add(_ member: String, _ change: Int = 1) {
        if let place = places[member] { counts[place].count += change }
    }

    mutating func move(from most: String, to least: String) {
        add(least)
        add(most, -1)
    }

    /// The first of those who have least.
    var least: String? { counts.min { $0.count < $1.count }?.name }

    /// Two of whom the first has at least two more.
    var unequal: (most: String, least: String)? {
        guard let most = counts.max(by: { $0.count < $1.count }), let least = counts.min(by: { $0.count < $1.count }),
            most.count >= least.count + 2
        else { return nil }
        return (most.name, least.name)
    }
}
