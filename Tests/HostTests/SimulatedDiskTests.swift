/// The simulated disk: it must lose what was not synced, and only that.

import Host
import HostSimulation
import Testing

@Suite struct SimulatedDiskTests {
    private func write(_ bytes: [UInt8], to file: SimulatedFile, at offset: UInt64 = 0) throws {
        try bytes.withUnsafeBytes { try file.write($0, at: offset) }
    }

    @Test("what was synced survives; what was not is lost, or some of it, or none")
    func crash() throws {
        func disk() throws -> SimulatedDisk {
            let disk = SimulatedDisk()
            try disk.createDirectory("d")
            try disk.syncDirectory("")
            let file = try disk.open("d/f", .createNew)
            try write([UInt8](repeating: 1, count: 20_000), to: file)
            try file.sync()
            try disk.syncDirectory("d")
            try write([UInt8](repeating: 2, count: 20_000), to: file, at: 4_096)
            _ = try disk.open("d/g", .createNew)
            return disk
        }
        #expect(try disk().crash(keeping: .nothing).files == ["d/f": [UInt8](repeating: 1, count: 20_000)])
        let all = try disk().crash(keeping: .everything).files
        #expect(all["d/f"]?.count == 24_096 && all["d/g"] == [])
        let twice = try disk().crash(keeping: .everything).crash(keeping: .nothing).files
        #expect(twice == ["d/f": [UInt8](repeating: 1, count: 20_000)])
        var outcomes: Set<[UInt8]> = []
        for seed in UInt64(1)...40 {
            let content = try #require(try disk().crash(keeping: .some(seed: seed)).files["d/f"])
            #expect(content.prefix(4_096).allSatisfy { $0 == 1 })
            outcomes.insert(content)
            #expect(try disk().crash(keeping: .some(seed: seed)).files["d/f"] == content)
        }
        #expect(outcomes.count > 10)
    }

    @Test("a failed sync drops what it should have written, and a later one does not bring it back")
    func failedSync() throws {
        let disk = SimulatedDisk()
        let file = try disk.open("f", .createNew)
        try disk.syncDirectory("")
        try write([1, 2, 3], to: file)
        disk.fail(.sync, nth: 1)
        #expect(throws: DiskError.self) { try file.sync() }
        try file.sync()
        #expect(disk.files["f"] == [1, 2, 3])
        #expect(disk.crash(keeping: .nothing).files["f"] == [])
    }

    @Test("what exceeds the quota is refused after a part was written")
    func quota() throws {
        let disk = SimulatedDisk()
        let file = try disk.open("f", .createNew)
        disk.quota = 10
        do {
            try write([UInt8](repeating: 1, count: 12), to: file)
            Issue.record("the quota was exceeded")
        } catch let error as DiskError {
            #expect(error.kind == .noSpace)
        }
        #expect(disk.usedBytes == 10)
        try write([2], to: file, at: 3)
        #expect(try disk.freeBytes() == 0)
    }

    @Test("the Nth operation fails, once or from then on, and a dead disk fails all")
    func faults() throws {
        let disk = SimulatedDisk()
        disk.fail(.open, nth: 2)
        _ = try disk.open("a", .createNew)
        #expect(throws: DiskError.self) { try disk.open("b", .createNew) }
        _ = try disk.open("b", .createNew)
        disk.fail(.list, nth: 1, onwards: true)
        for _ in 0..<3 { #expect(throws: DiskError.self) { try disk.list("") } }
        disk.heal()
        #expect(try disk.list("") == ["a", "b"])
        _ = disk.crash(keeping: .everything)
        #expect(throws: DiskError.self) { try disk.list("") }
    }

    @Test("simulated time stands still until it is moved, and a seed gives the same bits each time")
    func timeAndSeeds() {
        let time = SimulatedTime(wall: 5)
        time.advance(milliseconds: 2)
        #expect(time.wallMilliseconds() == 7)
        let monotonic = time.monotonicNanoseconds()
        time.jump(toWall: 1)
        #expect(time.wallMilliseconds() == 1 && time.monotonicNanoseconds() == monotonic)
        let (one, two) = (SeededRandom(seed: 3), SeededRandom(seed: 3))
        #expect((0..<10).map { _ in one.next() } == (0..<10).map { _ in two.next() })
    }
}
