/// Arms the disk and the clock with what a kind is about.

internal import Host
internal import HostSimulation

extension LogWorld {
    /// Before work begins.
    func arm() {
        if order != nil { return }
        switch kind {
        case .none, .lostPages, .clock, .recoveryCrash, .bitFlip, .truncated, .missing, .swapped, .store, .conditions, .latest,
            .walk:
            break
        case .powerCut: disk.cutPower(in: 1 + roll(chance(1, in: 3) ? 20 : 150))
        case .kill: disk.cutPower(in: 1 + roll(150))
        case .tornWrite: disk.cutPower(in: 1 + roll(60), of: .write)
        case .shortWrite: disk.fail(.write, nth: 1 + roll(60))
        case .inputOutput: failSomething()
        case .syncError: disk.fail(chance(2, in: 3) ? .sync : .syncDirectory, nth: 1 + roll(30), onwards: chance(1, in: 4))
        case .readError: failReads(within: 40)
        case .diskFull: fillDisk()
        case .readFlip:
            for _ in 0..<1 + roll(2) { disk.flipBit(inRead: 1 + roll(30), bit: random.next()) }
        case .together:
            if chance(1, in: 2) { failSomething() }
            if chance(1, in: 3) { fillDisk() }
            if chance(1, in: 2) { disk.cutPower(in: 1 + roll(200)) }
            if chance(1, in: 4) { failReads(within: 60) }
        }
    }

    /// Before a start.
    func armRecovery() {
        if order != nil { return }
        switch kind {
        case .inputOutput where chance(1, in: 2), .together where chance(1, in: 3): failSomething(within: 12)
        case .syncError where chance(1, in: 2): disk.fail(chance(1, in: 2) ? .sync : .syncDirectory, nth: 1 + roll(8))
        case .shortWrite where chance(1, in: 2): disk.fail(.write, nth: 1 + roll(5))
        case .readError where chance(2, in: 3): failReads(within: 15)
        case .diskFull where chance(1, in: 3): fillDisk()
        case .readFlip where chance(1, in: 2): disk.flipBit(inRead: 1 + roll(12), bit: random.next())
        default: break
        }
    }

    /// Starts that the power ends, up to three in a row.
    func breakRecovery() {
        for _ in 0..<1 + roll(3) {
            disk.cutPower(in: 1 + roll(14))
            guard start() else { return }
            guard !disk.isDead else { continue }
            log = nil
            model.endProcess()
            cut(disk.crash(keeping: survival()))
        }
    }

    private func failSomething(within bound: Int = 60) {
        let operations = DiskOperation.allCases
        let operation = operations[roll(operations.count)]
        let isFrequent = operation == .write || operation == .sync || operation == .read || operation == .open
        disk.fail(operation, nth: 1 + roll(isFrequent ? bound : max(2, bound / 6)), onwards: chance(1, in: 5))
    }

    private func failReads(within bound: Int) {
        switch roll(6) {
        case 0: disk.fail(.list, nth: 1 + roll(6))
        case 1: disk.fail(.open, nth: 1 + roll(bound / 2))
        default: disk.fail(.read, nth: 1 + roll(bound), times: 1 + roll(3))
        }
    }

    private func fillDisk() {
        switch roll(3) {
        case 0: disk.fail(.write, nth: 1 + roll(40), with: .noSpace)
        case 1: disk.fail(.write, nth: 1 + roll(40), with: .noSpace, times: 2 + roll(12))
        default: disk.quota = disk.usedBytes + roll(30_000)
        }
    }

    /// In the middle of work.
    func changeConditions() {
        if disk.quota != nil, chance(1, in: 6) { disk.quota = nil }
        guard kind == .clock || kind == .together, chance(1, in: 4) else { return }
        let now = time.wallMilliseconds()
        switch roll(5) {
        case 0: time.jump(toWall: now + 3_600_000)
        case 1: time.jump(toWall: now - 3_600_000)
        case 2: time.jump(toWall: now + 86_400_000)
        case 3: time.jump(toWall: now - 86_400_000)
        default: time.jump(toWall: now - Int64(roll(50)))
        }
        tell("wall clock jumps to \(time.wallMilliseconds())")
    }
}
