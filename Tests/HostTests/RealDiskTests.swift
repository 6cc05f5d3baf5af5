/// The real disk, in a temporary directory.

import Foundation
import Glibc
import Host
import Synchronization
import Testing

@Suite final class RealDiskTests {
    private let root = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-host-\(UUID().uuidString)").path

    deinit { try? FileManager.default.removeItem(atPath: root) }

    private func write(_ text: String, to file: RealDiskFile, at offset: UInt64 = 0) throws {
        try Array(text.utf8).withUnsafeBytes { try file.write($0, at: offset) }
    }

    private func read(_ file: RealDiskFile, at offset: UInt64, count: Int) throws -> String {
        var buffer = [UInt8](repeating: 0, count: count)
        let done = try buffer.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
        return String(decoding: buffer[..<done], as: UTF8.self)
    }

    @Test("what is written is read, and a read past the end gives less")
    func readAndWrite() throws {
        let disk = try RealDisk(root: root)
        try disk.createDirectory("a/b")
        let file = try disk.open("a/b/file", .createNew)
        try write("hello world", to: file)
        try write("W", to: file, at: 6)
        try file.sync()
        try disk.syncDirectory("a/b")
        #expect(try read(file, at: 6, count: 100) == "World")
        #expect(try read(file, at: 50, count: 10) == "")
        #expect(try file.size() == 11)
        try file.truncate(to: 5)
        #expect(try read(file, at: 0, count: 100) == "hello")
        try file.truncate(to: 7)
        #expect(try read(file, at: 5, count: 100) == "\0\0")
        file.close()
        file.close()
        #expect(throws: DiskError.self) { try file.size() }
        #expect(try disk.freeBytes() > 0)
    }

    @Test("presence and absence are told apart")
    func openModes() throws {
        let disk = try RealDisk(root: root)
        #expect(throws: DiskError.self) { try disk.open("file", .existing) }
        _ = try disk.open("file", .createIfAbsent)
        _ = try disk.open("file", .createIfAbsent)
        do {
            _ = try disk.open("file", .createNew)
            Issue.record("an existing file was created")
        } catch {
            #expect(error.kind == .alreadyExists)
        }
        do {
            _ = try disk.open("none/file", .createIfAbsent)
            Issue.record("a file was created in no directory")
        } catch {
            #expect(error.kind == .notFound)
        }
    }

    @Test("files and directories are listed, renamed and removed")
    func names() throws {
        let disk = try RealDisk(root: root)
        try disk.createDirectory("d/e")
        try disk.createDirectory("d/e")
        _ = try disk.open("d/f", .createNew)
        #expect(try disk.list("d") == ["e/", "f"])
        #expect(try disk.list("") == ["d/", "lock"])
        try disk.rename("d/f", to: "d/e/g")
        try disk.rename("d/e", to: "h")
        #expect(try disk.list("h") == ["g"])
        #expect(throws: DiskError.self) { try disk.remove("h") }
        try disk.remove("h/g")
        try disk.remove("h")
        try disk.syncDirectory("")
        #expect(try disk.list("d") == [])
        #expect(throws: DiskError.self) { try disk.list("h") }
    }

    @Test("a data directory in use is refused, and is free again afterwards")
    func lock() throws {
        let disk = try RealDisk(root: root)
        do {
            _ = try RealDisk(root: root)
            Issue.record("the directory was opened twice")
        } catch {
            #expect(error.kind == .alreadyExists)
            #expect("\(error)".contains("in use by another process"))
        }
        disk.close()
        _ = try RealDisk(root: root)
    }

    @Test("I/O threads run everything handed in, and what comes after the end runs at once")
    func threads() async {
        let threads = IOThreads(name: "test", count: 2)
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 1...200 { group.addTask { await threads.run { number } } }
            return await group.reduce(0, +)
        }
        #expect(sum == 20_100)
        threads.close()
        #expect(await threads.run { 7 } == 7)
    }

    @Test("monotonic time does not go back, and wall time is of this century")
    func time() {
        let time = SystemTime()
        let first = time.monotonicNanoseconds()
        #expect(time.monotonicNanoseconds() >= first)
        #expect(time.wallMilliseconds() > 1_700_000_000_000)
        #expect(SystemRandom().next() != SystemRandom().next())
    }

    @Test("a monitor wakes those who wait, and gives up after a bound")
    func monitor() async {
        let monitor = Monitor(0)
        #expect(monitor.wait(atMost: 1) { $0 > 0 ? $0 : nil } == nil)
        let thread = IOThread(name: "wake") { monitor.withLockAndWake { $0 = 5 } }
        #expect(monitor.wait { $0 > 0 ? $0 : nil } == 5)
        thread.join()
    }

    @Test("a closed disk gives the directory free though a child that is being started still has the descriptor")
    func lockOfAChild() throws {
        let disk = try RealDisk(root: root)
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
        let lock = try #require(
            descriptors.first { descriptor in
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")) == "\(root)/lock"
            })
        let inherited = dup(lock)
        defer { _ = Glibc.close(inherited) }
        disk.close()
        try RealDisk(root: root).close()
    }
}
