/// A data directory to look at only: no lock, nothing is ever changed, whoever else uses it.

internal import Glibc

/// Files below one root directory, for reading. Whatever would change something throws, with `EROFS`.
public final class ReadOnlyDisk: Disk {
    public typealias File = RealDiskFile

    private let root: Int32

    /// - Throws: `.notFound` when the directory is absent, `.other(errno: ENOTDIR)` when it is none.
    public init(root path: String) throws(DiskError) {
        root = try RealDisk.retrying("open", path) { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    }

    deinit { _ = Glibc.close(root) }

    private func refuse(_ operation: String, _ path: String) -> DiskError {
        DiskError(.other(errno: EROFS), operation: operation, path: path)
    }

    public func open(_ path: String, _ mode: OpenMode, _ access: FileAccess) throws(DiskError) -> RealDiskFile {
        guard mode == .existing else { throw refuse("open", path) }
        let descriptor = try RealDisk.retrying("open", path) { openat(root, path, O_RDONLY | O_CLOEXEC) }
        return RealDiskFile(descriptor: descriptor, path: path)
    }

    public func list(_ directory: String) throws(DiskError) -> [String] { try RealDisk.names(in: directory, below: root) }
    public func createDirectory(_ path: String) throws(DiskError) { throw refuse("mkdir", path) }
    public func rename(_ source: String, to destination: String) throws(DiskError) { throw refuse("rename", source) }
    public func remove(_ path: String) throws(DiskError) { throw refuse("unlink", path) }
    public func syncDirectory(_ path: String) throws(DiskError) { throw refuse("fsync", path) }
    public func freeBytes() throws(DiskError) -> UInt64 { 0 }
}
