/// What goes wrong with a store's disk, its catalog and its clock.

internal import Catalog
internal import EmbeddedStore
internal import Host
internal import HostSimulation
internal import StreamLog

/// What is to happen at the catalog's changes.
struct CatalogFaults {
    /// How many moments are left until the power goes: before each change there is one, and after it another. Nil: it stays.
    var deathIn: Int?
    /// How many changes are made until some are refused, and how many are.
    var refusalIn: Int?
    var refusalCount = 0
    /// Refused since the start.
    var refusals = 0
}

extension StoreWorld {
    /// Stands between the changes of the catalog.
    var probe: CatalogProbe {
        CatalogProbe(
            beforeChange: { [weak self] (change) async throws(CatalogError) in
                await self?.errBefore(change)
                try self?.beforeCatalogChange()
            },
            afterChange: { [weak self] (change) async throws(CatalogError) in
                await self?.errAfter(change)
                try self?.passCatalogMoment()
            }, forgets: { [planted] change in planted?.forgets(change) ?? false })
    }

    private func beforeCatalogChange() throws(CatalogError) {
        try passCatalogMoment()
        guard let left = catalogFaults.refusalIn else { return }
        if left > 0 {
            catalogFaults.refusalIn = left - 1
        } else if catalogFaults.refusalCount > 0 {
            catalogFaults.refusalCount -= 1
            catalogFaults.refusals += 1
            tally.faults += 1
            throw CatalogError.failed(path: "catalog.sqlite", detail: "the disk is full")
        }
    }

    /// Of a process that has ended nothing counts: the catalog is left as it is.
    private func passCatalogMoment() throws(CatalogError) {
        if !disk.isDead, let left = catalogFaults.deathIn {
            catalogFaults.deathIn = left > 1 ? left - 1 : nil
            if left <= 1 {
                tell("the power goes between two steps of the catalog")
                tally.faults += 1
                nextDisk = disk.crash(keeping: survival())
            }
        }
        if disk.isDead { throw CatalogError.failed(path: "catalog.sqlite", detail: "the process has ended") }
    }

    func heal() {
        disk.heal()
        disk.quota = nil
        catalogFaults = CatalogFaults()
    }

    /// Before work begins: two things at most.
    func arm() {
        for _ in 0..<1 + roll(2) {
            switch roll(9) {
            case 0, 1: disk.cutPower(in: 1 + roll(chance(1, in: 3) ? 20 : 200))
            case 2: disk.cutPower(in: 1 + roll(60), of: .write)
            case 3, 4: catalogFaults.deathIn = 1 + roll(30)
            case 5:
                let operation = DiskOperation.allCases[roll(DiskOperation.allCases.count)]
                let isFrequent = operation == .write || operation == .sync || operation == .open || operation == .read
                disk.fail(operation, nth: 1 + roll(isFrequent ? 60 : 10), onwards: chance(1, in: 6))
            case 6:
                if chance(1, in: 2) {
                    disk.fail(.write, nth: 1 + roll(40), with: .noSpace, times: 1 + roll(12))
                } else {
                    disk.quota = disk.usedBytes + roll(40_000)
                }
                if chance(1, in: 2) { refuseCatalogChanges() }
            case 7: refuseCatalogChanges()
            default: break
            }
        }
    }

    private func refuseCatalogChanges() {
        catalogFaults.refusalIn = roll(15)
        catalogFaults.refusalCount = 1 + roll(3)
    }

    /// Before a start.
    func armStart() {
        switch roll(4) {
        case 0: catalogFaults.deathIn = 1 + roll(5)
        case 1: disk.fail(DiskOperation.allCases[roll(DiskOperation.allCases.count)], nth: 1 + roll(12))
        default: disk.cutPower(in: 1 + roll(20))
        }
    }

    /// In the middle of work.
    func changeConditions() {
        if disk.quota != nil, chance(1, in: 4) { disk.quota = nil }
        let hour: Int64 = 3_600_000
        switch roll(12) {
        case 0: time.jump(toWall: time.wallMilliseconds() + hour * Int64(1 + roll(50)))
        case 1: time.jump(toWall: time.wallMilliseconds() - hour * Int64(1 + roll(50)))
        case 2: time.advance(milliseconds: hour * Int64(1 + roll(30)))
        case 3, 4: time.advance(milliseconds: Int64(roll(5_000)))
        default: time.advance(milliseconds: Int64(roll(50)))
        }
        tell("it is \(time.wallMilliseconds())")
    }

    /// Lets others append while a call of the store is under way.
    func listen() {
        disk.setHook { [weak self] operation, path in
            guard let self else { return }
            self.tell("  \(operation) \(path)")
            guard self.hasCompany, !self.isInHook, self.chance(1, in: 10), let log = self.store?.steppedLog else { return }
            self.isInHook = true
            self.appendInPassing(log)
            self.isInHook = false
        }
    }
}
