/// The simulated disk: it must lose what was not synced, and only that.

import Host
import HostSimulation
import Synchronization
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

    @Test("the power goes in the middle of a write: any prefix is there, whole sectors or not, and nothing after it works")
    func powerCutInWrite() throws {
        var lengths: Set<Int> = []
        for seed in UInt64(1)...60 {
            let disk = SimulatedDisk()
            let file = try disk.open("f", .createNew)
            try disk.syncDirectory("")
            disk.tear(seed: seed)
            disk.cutPower(in: 2, of: .write)
            try write([1, 2, 3], to: file)
            #expect(throws: DiskError.self) { try write([UInt8](repeating: 7, count: 5_000), to: file, at: 3) }
            #expect(disk.isDead)
            #expect(throws: DiskError.self) { try file.sync() }
            let content = try #require(disk.crash(keeping: .everything).files["f"])
            #expect(content == [1, 2, 3] + [UInt8](repeating: 7, count: content.count - 3))
            lengths.insert(content.count - 3)
        }
        #expect(lengths.count > 30 && lengths.contains { $0 % 512 == 0 && $0 > 0 })
    }

    @Test("of pages that were being written some sectors may be there and others not")
    func sectors() throws {
        var mixed = 0
        for seed in UInt64(1)...60 {
            let disk = SimulatedDisk()
            let file = try disk.open("f", .createNew)
            try write([UInt8](repeating: 1, count: 4_096), to: file)
            try file.sync()
            try disk.syncDirectory("")
            try write([UInt8](repeating: 2, count: 4_096), to: file)
            let content = try #require(disk.crash(keeping: .sectors(seed: seed)).files["f"])
            for sector in 0..<8 { #expect(Set(content[sector * 512..<(sector + 1) * 512]).count == 1) }
            if Set(content).count == 2 { mixed += 1 }
        }
        #expect(mixed > 3)
    }

    @Test("a name that was moved between directories is in one of them, whichever is synced")
    func renames() throws {
        for synced in ["a", "b"] {
            let disk = SimulatedDisk()
            try disk.createDirectory("a")
            try disk.createDirectory("b")
            try disk.syncDirectory("")
            _ = try disk.open("a/f", .createNew)
            try disk.rename("a/f", to: "b/g")
            try disk.syncDirectory(synced)
            #expect(Array(disk.crash(keeping: .nothing).files.keys) == ["b/g"])
        }
        let disk = SimulatedDisk()
        try disk.createDirectory("a/b")
        disk.set("a/b/f", to: [1])
        try disk.createDirectory("c")
        try disk.rename("a/b", to: "c/d")
        #expect(disk.files == ["c/d/f": [1]])
        #expect(try disk.list("a").isEmpty && disk.list("c") == ["d/"])
    }

    @Test("a hook sees each operation before it is done, and may use the disk")
    func hook() throws {
        let disk = SimulatedDisk()
        let seen = Mutex<[String]>([])
        disk.setHook { [weak disk] operation, path in
            let isFirst = seen.withLock { seen in
                seen.append("\(operation) \(path)")
                return seen.count == 1
            }
            if isFirst { disk?.set("other", to: [9]) }
        }
        let file = try disk.open("f", .createNew)
        try write([1], to: file)
        disk.setHook(nil)
        #expect(seen.withLock { $0 } == ["open f", "write f"])
        #expect(disk.files == ["f": [1], "other": [9]])
    }

    @Test("a direct write that is not aligned is refused and remembered")
    func alignment() throws {
        let disk = SimulatedDisk()
        let file = try disk.open("f", .createNew, .direct)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 8_192, alignment: 4_096)
        defer { buffer.deallocate() }
        buffer.initializeMemory(as: UInt8.self, repeating: 5)
        try file.write(UnsafeRawBufferPointer(buffer), at: 4_096)
        #expect(disk.misuses.isEmpty)
        #expect(throws: DiskError.self) { try file.write(UnsafeRawBufferPointer(buffer), at: 512) }
        #expect(throws: DiskError.self) { try file.write(UnsafeRawBufferPointer(rebasing: buffer[..<100]), at: 0) }
        #expect(throws: DiskError.self) { try file.write(UnsafeRawBufferPointer(rebasing: buffer[8..<4_104]), at: 0) }
        #expect(disk.misuses.count == 3)
    }

    @Test("a read gives one bit wrong, once; damage at rest stays; the same calls give the same digest")
    func flips() throws {
        let disk = SimulatedDisk()
        disk.startDigest()
        let file = try disk.open("f", .createNew)
        try write([0, 0, 0, 0], to: file)
        disk.flipBit(inRead: 2, bit: 9)
        func content() throws -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: 4)
            _ = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
            return bytes
        }
        #expect(try [content(), content(), content()] == [[0, 0, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0]])
        disk.damage("f") { $0[3] = 1 }
        #expect(try content() == [0, 0, 0, 1])
        let twin = SimulatedDisk()
        twin.startDigest()
        try write([0, 0, 0, 0], to: try twin.open("f", .createNew))
        #expect(twin.digest == disk.digest)
        try write([0], to: file)
        #expect(twin.digest != disk.digest)
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

    @Test("what is in a directory that was synced before its own entry is there as soon as that entry is durable")
    func directorySyncedBeforeItsEntry() throws {
        func disk() throws -> SimulatedDisk {
            let disk = SimulatedDisk()
            try disk.createDirectory("a")
            try disk.createDirectory("a/b")
            try disk.syncDirectory("a")
            return disk
        }
        let lost = try disk().crash(keeping: .nothing)
        #expect(throws: DiskError.self) { try lost.list("a") }
        let kept = try disk()
        try kept.syncDirectory("")
        #expect(try kept.crash(keeping: .nothing).list("a") == ["b/"])
    }
}
