/// Buckets as folders: object KEY of bucket B is the file `buckets/B/KEY` of the data directory.

public import Host

/// Objects as files of a disk. Written aside, synced, then renamed into place.
public struct DirectoryObjectStore<D: Disk>: ObjectStore {
    private static var aside: String { "uploads" }
    private static var buckets: String { "buckets" }

    private let disk: D
    private let threads: IOThreads

    /// - Parameter threads: where blocking calls run.
    public init(disk: D, threads: IOThreads) {
        self.disk = disk
        self.threads = threads
    }

    /// Removes what uploads that a crash cut off have left; call it before the first object is begun. The objects are planned durably and
    /// will be written again.
    public func removeUnfinished() async throws(DiskError) {
        let disk = disk
        let result: Result<Void, DiskError> = await threads.run {
            do throws(DiskError) {
                try disk.createDirectory(Self.aside)
                for name in try disk.list(Self.aside) where name.hasSuffix(".upload") {
                    try disk.remove("\(Self.aside)/\(name)")
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    public func begin(bucket: String, key: String) async throws(ObjectStoreError) -> any ObjectUpload {
        let target = try path(bucket, key)
        // The last component is unique (it ends in a UUID), so uploads of several delivery streams do not meet.
        let upload = DirectoryUpload(
            disk: disk, threads: threads, bucket: bucket, key: key, folder: Self.aside, name: "\(target.last ?? key).upload",
            target: target)
        try await upload.open()
        return upload
    }

    public func holds(bucket: String, key: String) async throws(ObjectStoreError) -> Bool {
        let (disk, target) = (disk, try path(bucket, key))
        let result: Result<Bool, DiskError> = await threads.run {
            do throws(DiskError) {
                try disk.open(target.joined(separator: "/"), .existing).close()
                // Only the entries can be missing on the platter: the content was synced before the file got its name.
                for depth in 0..<target.count { try disk.syncDirectory(target.prefix(depth).joined(separator: "/")) }
                return .success(true)
            } catch {
                return error.kind == .notFound ? .success(false) : .failure(error)
            }
        }
        do { return try result.get() } catch { throw ObjectStoreError(bucket: bucket, key: key, reason: "\(error)") }
    }

    /// The components of an object's path. None leads out of the bucket.
    private func path(_ bucket: String, _ key: String) throws(ObjectStoreError) -> [String] {
        let components = [Substring(bucket)] + key.split(separator: "/", omittingEmptySubsequences: true)
        for component in components {
            guard !component.isEmpty, component != ".", component != "..", !component.utf8.contains(0) else {
                throw ObjectStoreError(
                    bucket: bucket, key: key,
                    reason: "no part of a name may be empty, '.' or '..' or hold a NUL where buckets are folders")
            }
        }
        guard components.count > 1, !bucket.utf8.contains(UInt8(ascii: "/")) else {
            throw ObjectStoreError(bucket: bucket, key: key, reason: "a bucket has no slash and a key at least one other character")
        }
        return [Self.buckets] + components.map(String.init)
    }
}

/// One file on its way into a bucket.
private actor DirectoryUpload<D: Disk>: ObjectUpload {
    private let disk: D
    private let threads: IOThreads
    private let bucket: String
    private let key: String
    private let folder: String
    private let path: String
    private let target: [String]
    private var file: D.File?
    private var length: UInt64 = 0

    init(disk: D, threads: IOThreads, bucket: String, key: String, folder: String, name: String, target: [String]) {
        self.disk = disk
        self.threads = threads
        self.bucket = bucket
        self.key = key
        self.folder = folder
        path = "\(folder)/\(name)"
        self.target = target
    }

    func open() async throws(ObjectStoreError) {
        let (disk, folder, path) = (disk, folder, path)
        file = try await blocking { () throws(DiskError) -> D.File in
            try disk.createDirectory(folder)
            let file = try disk.open(path, .createIfAbsent)
            do throws(DiskError) {
                // The remainder of an earlier attempt.
                try file.truncate(to: 0)
            } catch {
                file.close()
                try? disk.remove(path)
                throw error
            }
            return file
        }
    }

    func append(_ bytes: [UInt8]) async throws(ObjectStoreError) {
        guard let file else { throw ObjectStoreError(bucket: bucket, key: key, reason: "the upload has ended") }
        let offset = length
        try await blocking { () throws(DiskError) in
            let result: Result<Void, DiskError> = bytes.withUnsafeBytes { bytes in
                do throws(DiskError) { return .success(try file.write(bytes, at: offset)) } catch { return .failure(error) }
            }
            try result.get()
        }
        length += UInt64(bytes.count)
    }

    func complete() async throws(ObjectStoreError) {
        guard let file else { throw ObjectStoreError(bucket: bucket, key: key, reason: "the upload has ended") }
        let (disk, folder, path, target) = (disk, folder, path, target)
        try await blocking { () throws(DiskError) in
            try file.sync()
            file.close()
            // Each new folder is made durable in its parent before anything is in it.
            let folders = target.dropLast()
            for depth in 1...max(1, folders.count) {
                try disk.createDirectory(folders.prefix(depth).joined(separator: "/"))
                try disk.syncDirectory(folders.prefix(depth - 1).joined(separator: "/"))
            }
            // So is the name that the rename takes away; its folder became durable with the others, in the root.
            try disk.syncDirectory(folder)
            try disk.rename(path, to: target.joined(separator: "/"))
            try disk.syncDirectory(folders.joined(separator: "/"))
        }
        self.file = nil
    }

    func abandon() async {
        guard let file else { return }
        self.file = nil
        let (disk, path) = (disk, path)
        await threads.run {
            file.close()
            // A remainder that cannot be removed now is removed at the next start.
            try? disk.remove(path)
        }
    }

    private func blocking<Value: Sendable>(
        _ work: @escaping @Sendable () throws(DiskError) -> Value
    ) async throws(ObjectStoreError) -> Value {
        let result: Result<Value, DiskError> = await threads.run {
            do throws(DiskError) { return .success(try work()) } catch { return .failure(error) }
        }
        do { return try result.get() } catch { throw ObjectStoreError(bucket: bucket, key: key, reason: "\(error)") }
    }
}
