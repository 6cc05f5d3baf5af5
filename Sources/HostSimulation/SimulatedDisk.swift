/// A disk in memory that knows what was synced: it can lose the rest, fill up, and fail any operation.

public import Host
internal import Synchronization

/// The operations of a disk, as faults and counts name them.
public enum DiskOperation: String, CaseIterable, Sendable {
    case open, read, write, sync, truncate, list, createDirectory, rename, remove, syncDirectory
}

/// Which of the changes that were not synced survive a crash.
public enum Survival: Sendable {
    /// The process died, the system did not: all is there, and what was not synced can still be lost by the next crash.
    case everything
    /// The power failed and nothing had been written on its own account.
    case nothing
    /// The power failed; any subset of 4 KB pages and directory entries had been written. The seed decides which.
    case some(seed: UInt64)
}

/// A simulated disk. Calls are counted by kind; `fail` makes the Nth one fail.
///
/// A sync that fails behaves as on Linux: what was to be written is dropped, and a later sync succeeds without it.
public final class SimulatedDisk: Disk {
    public typealias File = SimulatedFile

    let world: Mutex<SimulatedWorld>

    public init() {
        world = Mutex(SimulatedWorld())
    }

    init(_ world: SimulatedWorld) {
        self.world = Mutex(world)
    }

    // MARK: Faults

    /// Lets an operation fail: the `nth` from now on (1 is the next), and with `onwards` all later ones of the kind as well.
    public func fail(_ operation: DiskOperation, nth: Int, with kind: DiskError.Kind = .inputOutput, onwards: Bool = false) {
        world.withLock { world in
            let first = (world.counts[operation] ?? 0) + nth
            world.faults[operation] = SimulatedWorld.Fault(first: first, last: onwards ? .max : first, kind: kind)
        }
    }

    /// Takes back all faults.
    public func heal() { world.withLock { $0.faults = [:] } }

    /// The bytes that all files together may have; nil for no bound. What does not fit is refused with `.noSpace`, after a part was written.
    public var quota: Int? {
        get { world.withLock { $0.quota } }
        set { world.withLock { $0.quota = newValue } }
    }

    /// A disk that lies: syncs of files succeed and do nothing. For proving that a test would notice.
    public var ignoresSync: Bool {
        get { world.withLock { $0.ignoresSync } }
        set { world.withLock { $0.ignoresSync = newValue } }
    }

    /// Bytes of all files.
    public var usedBytes: Int { world.withLock { $0.usedBytes } }

    /// How often an operation was called.
    public func count(_ operation: DiskOperation) -> Int { world.withLock { $0.counts[operation] ?? 0 } }

    /// Ends this disk, all of whose calls fail from now on, and returns the one that the next start finds.
    public func crash(keeping survival: Survival) -> SimulatedDisk {
        SimulatedDisk(
            world.withLock { world in
                let next = world.afterCrash(survival)
                world.isDead = true
                return next
            })
    }

    /// A disk with the same content, durable; this one goes on.
    public func copy() -> SimulatedDisk {
        SimulatedDisk(world.withLock { $0.settled() })
    }

    // MARK: Content, for tests

    /// All files with their current content.
    public var files: [String: [UInt8]] {
        world.withLock { world in
            var files: [String: [UInt8]] = [:]
            for (path, entry) in world.tree {
                if case .file(let id) = entry, let file = world.inodes[id] { files[path] = file.current }
            }
            return files
        }
    }

    /// Puts a file there, durably, or with nil removes it.
    public func set(_ path: String, to bytes: [UInt8]?) {
        world.withLock { $0.set(path, to: bytes) }
    }

    // MARK: Disk

    public func open(_ path: String, _ mode: OpenMode, _ access: FileAccess) throws(DiskError) -> SimulatedFile {
        let inode = try world.withLock { world throws(DiskError) in
            try world.count(.open, path)
            return try world.open(path, mode)
        }
        return SimulatedFile(disk: self, inode: inode, path: path)
    }

    public func list(_ directory: String) throws(DiskError) -> [String] {
        try world.withLock { world throws(DiskError) in
            try world.count(.list, directory)
            return try world.list(directory)
        }
    }

    public func createDirectory(_ path: String) throws(DiskError) {
        try world.withLock { world throws(DiskError) in
            try world.count(.createDirectory, path)
            var prefix = ""
            for part in path.split(separator: "/") {
                prefix += prefix.isEmpty ? String(part) : "/\(part)"
                if world.tree[prefix] == nil { world.change(.create(prefix, .directory)) }
            }
        }
    }

    public func rename(_ source: String, to destination: String) throws(DiskError) {
        try world.withLock { world throws(DiskError) in
            try world.count(.rename, source)
            guard world.tree[source] != nil else { throw DiskError(.notFound, operation: "rename", path: source) }
            guard world.tree[SimulatedWorld.parent(destination)] == .directory else {
                throw DiskError(.notFound, operation: "rename", path: destination)
            }
            world.change(.rename(source, destination))
        }
    }

    public func remove(_ path: String) throws(DiskError) {
        try world.withLock { world throws(DiskError) in
            try world.count(.remove, path)
            guard world.tree[path] != nil else { throw DiskError(.notFound, operation: "remove", path: path) }
            let isEmpty = world.tree[path] == .directory ? try world.list(path).isEmpty : true
            guard isEmpty else {
                throw DiskError(.other(errno: 39), operation: "remove", path: path)
            }
            world.change(.remove(path))
        }
    }

    public func syncDirectory(_ path: String) throws(DiskError) {
        try world.withLock { world throws(DiskError) in
            try world.count(.syncDirectory, path)
            world.syncDirectory(path)
        }
    }

    public func freeBytes() throws(DiskError) -> UInt64 {
        world.withLock { world in world.quota.map { UInt64(max(0, $0 - world.usedBytes)) } ?? UInt64(1) << 40 }
    }
}

/// A file of the simulated disk.
public final class SimulatedFile: DiskFile {
    private let disk: SimulatedDisk
    private let inode: Int
    private let path: String
    private let isClosed = Atomic<Bool>(false)

    init(disk: SimulatedDisk, inode: Int, path: String) {
        self.disk = disk
        self.inode = inode
        self.path = path
    }

    private func checkOpen(_ operation: DiskOperation) throws(DiskError) {
        if isClosed.load(ordering: .relaxed) { throw DiskError(.closed, operation: operation.rawValue, path: path) }
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DiskError) -> Int {
        try checkOpen(.read)
        let bytes = try disk.world.withLock { world throws(DiskError) in
            try world.count(.read, path)
            return world.read(inode, at: offset, count: buffer.count)
        }
        buffer.copyBytes(from: bytes)
        return bytes.count
    }

    public func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(DiskError) {
        try checkOpen(.write)
        let content = [UInt8](bytes)
        try disk.world.withLock { world throws(DiskError) in try world.write(content, to: inode, at: offset, path) }
    }

    public func startWriteback() {}

    public func sync() throws(DiskError) {
        try checkOpen(.sync)
        try disk.world.withLock { world throws(DiskError) in
            do throws(DiskError) {
                try world.count(.sync, path)
            } catch {
                world.dropDirtyPages(inode)
                throw error
            }
            world.sync(inode)
        }
    }

    public func size() throws(DiskError) -> UInt64 {
        try checkOpen(.read)
        return disk.world.withLock { UInt64($0.inodes[inode]?.current.count ?? 0) }
    }

    public func truncate(to size: UInt64) throws(DiskError) {
        try checkOpen(.truncate)
        try disk.world.withLock { world throws(DiskError) in
            try world.count(.truncate, path)
            world.truncate(inode, to: Int(clamping: size))
        }
    }

    public func close() { isClosed.store(true, ordering: .relaxed) }
}
