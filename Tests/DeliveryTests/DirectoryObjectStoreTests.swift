/// Objects as files: whole or absent, whatever happens to the disk.

import Delivery
import Foundation
import Host
import HostSimulation
import Testing

/// A disk that dies after so many operations of any kind.
private struct FusedDisk: Disk {
    let disk: SimulatedDisk
    let fuse: Fuse

    private func step(_ operation: String) throws(DiskError) {
        if !fuse.step() { throw DiskError(.inputOutput, operation: operation, path: "dead") }
    }
    func open(_ path: String, _ mode: OpenMode, _ access: FileAccess) throws(DiskError) -> FusedFile {
        try step("open")
        return FusedFile(file: try disk.open(path, mode, access), fuse: fuse)
    }
    func list(_ directory: String) throws(DiskError) -> [String] {
        try step("list")
        return try disk.list(directory)
    }
    func createDirectory(_ path: String) throws(DiskError) {
        try step("createDirectory")
        try disk.createDirectory(path)
    }
    func rename(_ source: String, to destination: String) throws(DiskError) {
        try step("rename")
        try disk.rename(source, to: destination)
    }
    func remove(_ path: String) throws(DiskError) {
        try step("remove")
        try disk.remove(path)
    }
    func syncDirectory(_ path: String) throws(DiskError) {
        try step("syncDirectory")
        try disk.syncDirectory(path)
    }
    func freeBytes() throws(DiskError) -> UInt64 { try disk.freeBytes() }
}

private final class FusedFile: DiskFile {
    let file: SimulatedFile
    let fuse: Fuse
    init(file: SimulatedFile, fuse: Fuse) {
        self.file = file
        self.fuse = fuse
    }
    private func step(_ operation: String) throws(DiskError) {
        if !fuse.step() { throw DiskError(.inputOutput, operation: operation, path: "dead") }
    }
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DiskError) -> Int {
        try step("read")
        return try file.read(into: buffer, at: offset)
    }
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(DiskError) {
        try step("write")
        try file.write(bytes, at: offset)
    }
    func startWriteback() { file.startWriteback() }

    func sync() throws(DiskError) {
        try step("sync")
        try file.sync()
    }
    func size() throws(DiskError) -> UInt64 { try file.size() }
    func truncate(to size: UInt64) throws(DiskError) {
        try step("truncate")
        try file.truncate(to: size)
    }
    func close() { file.close() }
}

@Suite struct DirectoryObjectStoreTests {
    private let pieces = [[UInt8](repeating: 1, count: 10_000), [UInt8](repeating: 2, count: 3)]
    private let key = "a/b/2024/object-1"
    private let path = "buckets/lake/a/b/2024/object-1"

    private func write(to store: some ObjectStore) async throws(ObjectStoreError) {
        let upload = try await store.begin(bucket: "lake", key: key)
        do throws(ObjectStoreError) {
            for piece in pieces { try await upload.append(piece) }
            try await upload.complete()
        } catch {
            await upload.abandon()
            throw error
        }
    }

    @Test("after a crash at any disk operation the object is whole or absent, and whole once it was complete")
    func crashAnywhere() async throws {
        let threads = IOThreads(name: "test", count: 1)
        defer { threads.close() }
        let survivals: [Survival] = [.everything, .nothing] + (0..<8).map { .some(seed: $0) }
        var steps = 1
        var isComplete = false
        while !isComplete, steps < 100 {
            for survival in survivals {
                let disk = SimulatedDisk()
                let fuse = Fuse(after: steps)
                do {
                    try await write(to: DirectoryObjectStore(disk: FusedDisk(disk: disk, fuse: fuse), threads: threads))
                    isComplete = true
                } catch { #expect(error.description.contains("lake/a/b/2024/object-1")) }
                let after = disk.crash(keeping: survival)
                if let bytes = after.files[path] { #expect(bytes == pieces.flatMap { $0 }) } else { #expect(!isComplete) }
                // The next start clears up and can write it again.
                let next = DirectoryObjectStore(disk: after, threads: threads)
                try await next.removeUnfinished()
                #expect(!after.files.keys.contains { $0.hasPrefix("uploads/") })
                try await write(to: next)
                #expect(after.crash(keeping: .nothing).files[path] == pieces.flatMap { $0 })
            }
            steps += 1
        }
        #expect(isComplete && steps > 15)
    }

    @Test("an object that cannot be written leaves nothing behind", arguments: DiskOperation.allCases)
    func failures(operation: DiskOperation) async throws {
        let threads = IOThreads(name: "test", count: 1)
        defer { threads.close() }
        for nth in 1... {
            let disk = SimulatedDisk()
            disk.fail(operation, nth: nth, with: .noSpace)
            let store = DirectoryObjectStore(disk: disk, threads: threads)
            do { try await write(to: store) } catch {
                if operation != .remove { #expect(!disk.files.keys.contains { $0.hasPrefix("uploads/") }) }
                disk.heal()
                try await write(to: store)
                #expect(disk.files[path] == pieces.flatMap { $0 })
                continue
            }
            break
        }
    }

    @Test("whether an object is there is told, and then it is durable")
    func holds() async throws {
        let threads = IOThreads(name: "test", count: 1)
        defer { threads.close() }
        let disk = SimulatedDisk()
        let store = DirectoryObjectStore(disk: disk, threads: threads)
        #expect(try await !store.holds(bucket: "lake", key: key))
        try await write(to: store)
        #expect(try await store.holds(bucket: "lake", key: key))
        disk.fail(.open, nth: 1)
        await #expect(throws: ObjectStoreError.self) { try await store.holds(bucket: "lake", key: key) }
    }

    @Test(
        "no name leads out of the bucket",
        arguments: [
            ("lake", "../x"), ("lake", "a/../../x"), ("lake", "./x"), ("..", "x"), (".", "x"), ("", "x"), ("a/b", "x"),
            ("lake", ""), ("lake", "///"),
            ("lake", "a\u{0}b"),
        ])
    func traversal(bucket: String, key: String) async throws {
        let threads = IOThreads(name: "test", count: 1)
        defer { threads.close() }
        let disk = SimulatedDisk()
        await #expect(throws: ObjectStoreError.self) {
            _ = try await DirectoryObjectStore(disk: disk, threads: threads).begin(bucket: bucket, key: key)
        }
        #expect(disk.files.isEmpty)
    }

    @Test("on a real disk objects are files below buckets, written anew when asked")
    func realDisk() async throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        let threads = IOThreads(name: "test", count: 2)
        defer { threads.close() }
        let store = DirectoryObjectStore(disk: try RealDisk(root: root.path), threads: threads)
        try await store.removeUnfinished()
        for _ in 0..<2 {
            try await write(to: store)
            #expect(try [UInt8](Data(contentsOf: root.appendingPathComponent(path))) == pieces.flatMap { $0 })
        }
        let abandoned = try await store.begin(bucket: "lake", key: "other")
        try await abandoned.append([1])
        await abandoned.abandon()
        _ = try await store.begin(bucket: "lake", key: "cut-off")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent("uploads").path) == ["cut-off.upload"])
        try await store.removeUnfinished()
        #expect(try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent("uploads").path).isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent("buckets/lake").path) == ["a"])
    }
}
