/// A disk in memory whose syncs a test can hold or fail, and which can be looked at as a crash would leave it.

import Foundation
import Host
import Synchronization

/// Files in memory. `sync` makes a file's content durable; `crashed` gives a disk with what was durable.
final class MemoryDisk: Disk, @unchecked Sendable {
    /// Guards everything below; a condition, because syncs are held on threads, not in tasks.
    fileprivate let condition = NSCondition()
    fileprivate var files: [String: MemoryFile] = [:]
    private var directories: Set<String> = [""]
    fileprivate var isHoldingSyncs = false
    fileprivate var heldSyncs = 0
    fileprivate var isFailingSyncs = false

    private func locked<R>(_ work: () -> R) -> R {
        condition.lock()
        defer { condition.unlock() }
        return work()
    }

    /// From now on syncs wait.
    func holdSyncs() { locked { isHoldingSyncs = true } }

    /// Lets syncs go on.
    func releaseSyncs() {
        locked {
            isHoldingSyncs = false
            condition.broadcast()
        }
    }

    /// From now on syncs fail.
    func failSyncs() { locked { isFailingSyncs = true } }

    /// Returns when a sync is being held.
    func waitForHeldSync() async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                self.condition.lock()
                while self.heldSyncs == 0 { self.condition.wait() }
                self.condition.unlock()
                continuation.resume()
            }
        }
    }

    /// What is on the disk after a crash now: every file as it was last synced.
    func crashed() -> MemoryDisk {
        locked {
            let copy = MemoryDisk()
            copy.directories = directories
            for (path, file) in files {
                guard let durable = file.durable else { continue }
                copy.files[path] = MemoryFile(disk: copy, path: path, bytes: durable, durable: durable)
            }
            return copy
        }
    }

    /// The paths of all files.
    var paths: [String] { locked { files.keys.sorted() } }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    private static func normal(_ path: String) -> String {
        let parts = path.split(separator: "/").filter { $0 != "." }
        return parts.joined(separator: "/")
    }

    // MARK: Disk

    func open(_ path: String, _ mode: OpenMode, _ access: FileAccess) throws(DiskError) -> MemoryFile {
        let path = Self.normal(path)
        let result = locked { () -> Result<MemoryFile, DiskError> in
            switch (files[path], mode) {
            case (.some, .createNew): return .failure(DiskError(.alreadyExists, operation: "open", path: path))
            case (nil, .existing): return .failure(DiskError(.notFound, operation: "open", path: path))
            case (let file?, _): return .success(file)
            case (nil, _):
                guard directories.contains(Self.parent(path)) else {
                    return .failure(DiskError(.notFound, operation: "open", path: path))
                }
                let file = MemoryFile(disk: self, path: path, bytes: [], durable: nil)
                files[path] = file
                return .success(file)
            }
        }
        return try result.get()
    }

    func list(_ directory: String) throws(DiskError) -> [String] {
        let directory = Self.normal(directory)
        let names = locked { () -> [String]? in
            guard directories.contains(directory) else { return nil }
            let inside = files.keys.filter { Self.parent($0) == directory }
                .map { String($0.dropFirst(directory.isEmpty ? 0 : directory.count + 1)) }
            let folders = directories.filter { !$0.isEmpty && Self.parent($0) == directory }
                .map { String($0.dropFirst(directory.isEmpty ? 0 : directory.count + 1)) + "/" }
            return (inside + folders).sorted()
        }
        guard let names else { throw DiskError(.notFound, operation: "list", path: directory) }
        return names
    }

    func createDirectory(_ path: String) throws(DiskError) {
        let path = Self.normal(path)
        locked {
            var current = path
            while !current.isEmpty {
                directories.insert(current)
                current = Self.parent(current)
            }
        }
    }

    func rename(_ source: String, to destination: String) throws(DiskError) {
        let (source, destination) = (Self.normal(source), Self.normal(destination))
        let isFound = locked { () -> Bool in
            if let file = files.removeValue(forKey: source) {
                files[destination] = file
                return true
            }
            guard directories.contains(source) else { return false }
            for directory in directories where directory == source || directory.hasPrefix(source + "/") {
                directories.remove(directory)
                directories.insert(destination + directory.dropFirst(source.count))
            }
            for (path, file) in files where path.hasPrefix(source + "/") {
                files[path] = nil
                files[destination + path.dropFirst(source.count)] = file
            }
            return true
        }
        if !isFound { throw DiskError(.notFound, operation: "rename", path: source) }
    }

    func remove(_ path: String) throws(DiskError) {
        let path = Self.normal(path)
        let kind = locked { () -> DiskError.Kind? in
            if files.removeValue(forKey: path) != nil { return nil }
            guard directories.contains(path) else { return .notFound }
            let isUsed =
                files.keys.contains { $0.hasPrefix(path + "/") } || directories.contains { $0.hasPrefix(path + "/") }
            guard !isUsed else { return .other(errno: ENOTEMPTY) }
            directories.remove(path)
            return nil
        }
        if let kind { throw DiskError(kind, operation: "remove", path: path) }
    }

    func syncDirectory(_ path: String) throws(DiskError) {}

    func freeBytes() throws(DiskError) -> UInt64 { 1 << 40 }
}

/// A file of a `MemoryDisk`; its lock is the disk's.
final class MemoryFile: DiskFile, @unchecked Sendable {
    private unowned let disk: MemoryDisk
    private let path: String
    private var bytes: [UInt8]
    fileprivate private(set) var durable: [UInt8]?

    fileprivate init(disk: MemoryDisk, path: String, bytes: [UInt8], durable: [UInt8]?) {
        self.disk = disk
        self.path = path
        self.bytes = bytes
        self.durable = durable
    }

    private func locked<R>(_ work: () -> R) -> R {
        disk.condition.lock()
        defer { disk.condition.unlock() }
        return work()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DiskError) -> Int {
        locked {
            guard let start = Int(exactly: offset), start < bytes.count else { return 0 }
            let count = min(buffer.count, bytes.count - start)
            buffer.copyBytes(from: bytes[start..<(start + count)])
            return count
        }
    }

    func write(_ source: UnsafeRawBufferPointer, at offset: UInt64) throws(DiskError) {
        locked {
            let start = Int(clamping: offset)
            if bytes.count < start + source.count {
                bytes.append(contentsOf: repeatElement(0, count: start + source.count - bytes.count))
            }
            bytes.replaceSubrange(start..<(start + source.count), with: source)
        }
    }

    func startWriteback() {}

    func sync() throws(DiskError) {
        let isFailed = locked { () -> Bool in
            disk.heldSyncs += 1
            disk.condition.broadcast()
            while disk.isHoldingSyncs { disk.condition.wait() }
            disk.heldSyncs -= 1
            if disk.isFailingSyncs { return true }
            durable = bytes
            return false
        }
        if isFailed { throw DiskError(.inputOutput, operation: "fdatasync", path: path) }
    }

    func size() throws(DiskError) -> UInt64 { locked { UInt64(bytes.count) } }

    func truncate(to size: UInt64) throws(DiskError) {
        locked {
            let count = Int(clamping: size)
            if count < bytes.count {
                bytes.removeLast(bytes.count - count)
            } else {
                bytes.append(contentsOf: repeatElement(0, count: count - bytes.count))
            }
        }
    }

    func close() {}
}
