/// The real disk: one directory of the file system, locked against a second process, reached by Glibc calls.

internal import CLinuxIO
internal import Glibc
internal import Synchronization

/// Files below one root directory. The root stays locked until `close()` or the end of the process.
public final class RealDisk: Disk {
    public typealias File = RealDiskFile

    private let root: Int32
    private let lock: RealDiskFile
    /// Directories in the root that were synced.
    private let kept = Mutex<[String: Int32]>([:])
    /// The root as given, for messages.
    public let path: String

    /// Opens a root directory, creating it if it is absent, and takes its lock.
    /// - Throws: `DiskError` with `.alreadyExists`, operation `lock`, when another process holds the directory.
    public init(root path: String) throws(DiskError) {
        try RealDisk.createDirectories(path, in: AT_FDCWD)
        let root = try RealDisk.retrying("open", path) { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        do throws(DiskError) {
            let descriptor = try RealDisk.retrying("open", "lock") { openat(root, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
            let lock = RealDiskFile(descriptor: descriptor, path: "lock")
            while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
                if errno == EINTR { continue }
                throw errno == EWOULDBLOCK
                    ? DiskError(
                        .alreadyExists, operation: "lock", path: "\(path)/lock (the directory is in use by another process)")
                    : RealDisk.error("flock", "\(path)/lock")
            }
            self.lock = lock
        } catch {
            _ = Glibc.close(root)
            throw error
        }
        self.root = root
        self.path = path
        // The root itself may just have been created.
        try syncDirectory("..")
    }

    deinit {
        for descriptor in kept.withLock({ $0.values }) { _ = Glibc.close(descriptor) }
        _ = Glibc.close(root)
    }

    /// Gives the directory free for another process. Call it when everything that uses the disk has ended.
    ///
    /// A child that is being started has the descriptor until it becomes another program, so closing alone could leave the lock for a moment.
    public func close() {
        lock.unlock()
        lock.close()
    }

    public func open(_ path: String, _ mode: OpenMode, _ access: FileAccess) throws(DiskError) -> RealDiskFile {
        let flags: Int32 =
            switch mode {
            case .existing: 0
            case .createNew: O_CREAT | O_EXCL
            case .createIfAbsent: O_CREAT
            }
        let descriptor = try RealDisk.retrying("open", path) { openat(root, path, O_RDWR | O_CLOEXEC | flags, 0o600) }
        // Set afterwards, because an open that is refused for it has made the file nevertheless. Some file systems have no such thing.
        if access == .direct { _ = millrace_set_direct(descriptor) }
        return RealDiskFile(descriptor: descriptor, path: path)
    }

    public func list(_ directory: String) throws(DiskError) -> [String] { try RealDisk.names(in: directory, below: root) }

    /// The entries of a directory below an open one, sorted; directories end in `/`.
    static func names(in directory: String, below root: Int32) throws(DiskError) -> [String] {
        let place = directory.isEmpty ? "." : directory
        let descriptor = try RealDisk.retrying("open", place) { openat(root, place, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(descriptor) else {
            let error = RealDisk.error("fdopendir", place)
            _ = Glibc.close(descriptor)
            throw error
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw RealDisk.error("readdir", place) }
                return names.sorted()
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            names.append(isDirectory(entry.pointee.d_type, "\(place)/\(name)", below: root) ? name + "/" : name)
        }
    }

    /// Some file systems leave the type of an entry out; those are asked.
    private static func isDirectory(_ type: UInt8, _ path: String, below root: Int32) -> Bool {
        if Int(type) == Int(DT_DIR) { return true }
        guard Int(type) == Int(DT_UNKNOWN) else { return false }
        var status = stat()
        return fstatat(root, path, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    public func createDirectory(_ path: String) throws(DiskError) {
        try RealDisk.createDirectories(path, in: root)
    }

    public func rename(_ source: String, to destination: String) throws(DiskError) {
        _ = try RealDisk.retrying("rename", source) { renameat(root, source, root, destination) }
    }

    public func remove(_ path: String) throws(DiskError) {
        if unlinkat(root, path, 0) == 0 { return }
        guard errno == EISDIR || errno == EPERM else { throw RealDisk.error("unlink", path) }
        _ = try RealDisk.retrying("rmdir", path) { unlinkat(root, path, AT_REMOVEDIR) }
    }

    public func syncDirectory(_ path: String) throws(DiskError) {
        // The root's own directories, which last as long as it does, stay open: what was written must not fail for want of a descriptor.
        if path.isEmpty { return try RealDisk.syncDirectory(root, ".") }
        if !path.contains("/"), path != ".." {
            return try RealDisk.syncDirectory(try keptDirectory(path), path)
        }
        let place = path
        let descriptor = try RealDisk.retrying("open", place) { openat(root, place, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { _ = Glibc.close(descriptor) }
        try RealDisk.syncDirectory(descriptor, place)
    }

    private static func syncDirectory(_ descriptor: Int32, _ path: String) throws(DiskError) {
        if fsync(descriptor) != 0 { throw error("fsync", path) }
    }

    /// The descriptor of a directory in the root, opened once.
    private func keptDirectory(_ name: String) throws(DiskError) -> Int32 {
        try kept.withLock { kept throws(DiskError) in
            if let descriptor = kept[name] { return descriptor }
            let descriptor = try RealDisk.retrying("open", name) { openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
            kept[name] = descriptor
            return descriptor
        }
    }

    public func freeBytes() throws(DiskError) -> UInt64 {
        var status = statvfs()
        _ = try RealDisk.retrying("fstatvfs", path) { fstatvfs(root, &status) }
        return UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue
    }

    /// Creates each missing directory of a path.
    private static func createDirectories(_ path: String, in root: Int32) throws(DiskError) {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            prefix += prefix.isEmpty || prefix == "/" ? String(part) : "/\(part)"
            if mkdirat(root, prefix, 0o700) != 0, errno != EEXIST { throw error("mkdir", prefix) }
        }
    }

    /// Calls again while the call is interrupted.
    static func retrying(_ operation: String, _ path: String, _ call: () -> Int32) throws(DiskError) -> Int32 {
        while true {
            let result = call()
            if result >= 0 { return result }
            if errno != EINTR { throw error(operation, path) }
        }
    }

    /// The error that errno tells of now.
    static func error(_ operation: String, _ path: String) -> DiskError {
        let kind: DiskError.Kind =
            switch errno {
            case ENOENT: .notFound
            case EEXIST: .alreadyExists
            case ENOSPC, EDQUOT: .noSpace
            case EIO: .inputOutput
            case EBADF: .closed
            case EMFILE, ENFILE: .exhausted
            case ENOMEM where operation != "fsync" && operation != "fdatasync": .exhausted
            default: .other(errno: errno)
            }
        return DiskError(kind, operation: operation, path: path)
    }
}
