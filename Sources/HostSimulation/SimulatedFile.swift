/// A file of the simulated disk.

public import Host
internal import Synchronization

/// An open file. One that was opened for direct access must be written in whole aligned pages.
public final class SimulatedFile: DiskFile {
    private let disk: SimulatedDisk
    private let inode: Int
    private let path: String
    private let access: FileAccess
    private let isClosed = Atomic<Bool>(false)

    init(disk: SimulatedDisk, inode: Int, path: String, access: FileAccess) {
        self.disk = disk
        self.inode = inode
        self.path = path
        self.access = access
    }

    private func begin(_ operation: DiskOperation) throws(DiskError) {
        if isClosed.load(ordering: .relaxed) { throw DiskError(.closed, operation: operation.rawValue, path: path) }
        disk.announce(operation, path)
        // Before anything else is done, what was put off is done.
        disk.world.withLock { world in
            guard let (file, path) = world.postponed else { return }
            world.postponed = nil
            try? world.sync(file, path)
        }
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DiskError) -> Int {
        try begin(.read)
        return try disk.world.withLock { world throws(DiskError) in try world.read(inode, path, into: buffer, at: offset) }
    }

    public func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(DiskError) {
        try begin(.write)
        if access == .direct { try checkAlignment(bytes, offset) }
        var offset = offset
        switch disk.mistake(DiskCall(.write, path, access, bytes, at: offset)) {
        case .leaveOut: return
        case .move(let place): offset = place
        case .postpone, .ignoreFailure, .retry, nil: break
        }
        try disk.world.withLock { world throws(DiskError) in try world.write(bytes, to: inode, at: offset, path) }
    }

    private func checkAlignment(_ bytes: UnsafeRawBufferPointer, _ offset: UInt64) throws(DiskError) {
        let address = bytes.baseAddress.map { UInt64(UInt(bitPattern: $0)) } ?? 0
        guard (offset | UInt64(bytes.count) | address) % UInt64(FileAccess.alignment) != 0 else { return }
        disk.world.withLock { world in
            world.misuses.append(
                "direct write of \(bytes.count) bytes at \(offset) of \(path), address modulo 4096: \(address % 4_096)")
        }
        throw DiskError(.other(errno: 22), operation: "write", path: path)
    }

    public func startWriteback() {}

    public func sync() throws(DiskError) {
        try begin(.sync)
        let mistake = disk.mistake(DiskCall(.sync, path, access))
        if mistake == .leaveOut { return }
        if mistake == .postpone { return disk.world.withLock { $0.postponed = (inode, path) } }
        do throws(DiskError) {
            try disk.world.withLock { world throws(DiskError) in try world.sync(inode, path) }
        } catch {
            if mistake == .ignoreFailure { return }
            if mistake == .retry, (try? disk.world.withLock { world throws(DiskError) in try world.sync(inode, path) }) != nil {
                return
            }
            throw error
        }
    }

    public func size() throws(DiskError) -> UInt64 {
        if isClosed.load(ordering: .relaxed) { throw DiskError(.closed, operation: "size", path: path) }
        return try disk.world.withLock { world throws(DiskError) in
            if world.isDead { throw DiskError(.inputOutput, operation: "size", path: path) }
            return UInt64(world.inodes[inode].current.count)
        }
    }

    public func truncate(to size: UInt64) throws(DiskError) {
        try begin(.truncate)
        if disk.mistake(DiskCall(.truncate, path, access)) == .leaveOut { return }
        try disk.world.withLock { world throws(DiskError) in try world.truncate(inode, to: size, path) }
    }

    public func close() { isClosed.store(true, ordering: .relaxed) }
}
