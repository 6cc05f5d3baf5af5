/// Where the objects of reference tables come from.

import Glibc
public import Host

/// An object of a bucket (Kinesis Analytics API, S3ReferenceDataSource).
public struct ReferenceObject: Sendable, Hashable {
    public var bucket: String
    public var key: String
    public init(bucket: String, key: String) {
        self.bucket = bucket
        self.key = key
    }
}

/// Why an object cannot be read now, in words.
public struct ReferenceFailure: Error, Sendable, Hashable {
    public var message: String
    public init(_ message: String) { self.message = message }
}

/// Reads objects.
public protocol ReferenceFiles: Sendable {
    /// What tells the object's present content from earlier ones, without its being read.
    func version(of object: ReferenceObject) async throws(ReferenceFailure) -> String
    /// Its content, and the version that this is.
    func contents(of object: ReferenceObject) async throws(ReferenceFailure) -> (bytes: [UInt8], version: String)
}

/// Buckets as folders, as delivery streams write them: object KEY of bucket B is the file `B/KEY` below a directory.
public struct DirectoryReferenceFiles: ReferenceFiles {
    private let root: String
    private let threads: IOThreads

    /// - Parameters:
    ///   - root: the folder of the buckets.
    ///   - threads: where blocking calls run.
    public init(root: String, threads: IOThreads) {
        self.root = root
        self.threads = threads
    }

    public func version(of object: ReferenceObject) async throws(ReferenceFailure) -> String {
        let path = try path(object)
        let result: Result<String, ReferenceFailure> = await threads.run {
            Self.withFile(path) { (_, status) throws(ReferenceFailure) in Self.version(status) }
        }
        return try result.get()
    }

    public func contents(of object: ReferenceObject) async throws(ReferenceFailure) -> (bytes: [UInt8], version: String) {
        let path = try path(object)
        let result: Result<(bytes: [UInt8], version: String), ReferenceFailure> = await threads.run {
            Self.withFile(path) { (descriptor, status) throws(ReferenceFailure) in
                (try Self.read(descriptor, size: Int(status.st_size), path), Self.version(status))
            }
        }
        return try result.get()
    }

    /// None leads out of the bucket.
    private func path(_ object: ReferenceObject) throws(ReferenceFailure) -> String {
        let parts = [Substring(object.bucket)] + object.key.split(separator: "/")
        let areNames = parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) }
        guard areNames, parts.count > 1, !object.bucket.contains("/") else {
            throw ReferenceFailure("'\(object.bucket)/\(object.key)' is no object: no part of its name may be empty, '.' or '..'")
        }
        return ([Substring(root)] + parts).joined(separator: "/")
    }

    private static func version(_ status: stat) -> String {
        "\(status.st_size) bytes of \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec), file \(status.st_ino)"
    }

    private static func withFile<Value>(
        _ path: String, _ body: (_ descriptor: Int32, _ status: stat) throws(ReferenceFailure) -> Value
    ) -> Result<Value, ReferenceFailure> {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(ReferenceFailure("\(path): \(String(cString: strerror(errno)))")) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return .failure(ReferenceFailure("\(path) is no file"))
        }
        guard status.st_size <= ReferenceRows.largestFile else {
            return .failure(
                ReferenceFailure("\(path) has \(status.st_size) bytes; reference data has at most \(ReferenceRows.largestFile)"))
        }
        do throws(ReferenceFailure) { return .success(try body(descriptor, status)) } catch { return .failure(error) }
    }

    private static func read(_ descriptor: Int32, size: Int, _ path: String) throws(ReferenceFailure) -> [UInt8] {
        var failure: Int32?
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            while initialized < size {
                let count = Glibc.read(descriptor, buffer.baseAddress?.advanced(by: initialized), size - initialized)
                if count < 0, errno == EINTR { continue }
                if count < 0 { failure = errno }
                if count <= 0 { return }
                initialized += count
            }
        }
        if let failure { throw ReferenceFailure("\(path): \(String(cString: strerror(failure)))") }
        guard bytes.count == size else { throw ReferenceFailure("\(path) was cut while it was read") }
        return bytes
    }
}
