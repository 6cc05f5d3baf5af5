/// The disk as a value that is passed in: the few file operations the product needs, so that a simulator can stand in.

/// A disk: files and directories below one root, named by relative paths such as `journal/0000000001.journal`.
///
/// Every call blocks; callers run it on threads of their own, never on the cooperative pool.
/// Nothing is durable before the `sync` of the file and, after create, rename or remove, the `syncDirectory` of its parent.
public protocol Disk: Sendable {
    associatedtype File: DiskFile

    /// Opens a file for reading and writing.
    /// - Throws: `DiskError` with `.notFound` when it is absent and `mode` is `.existing`, `.alreadyExists` when it is
    ///   there and `mode` is `.createNew`.
    func open(_ path: String, _ mode: OpenMode, _ access: FileAccess) throws(DiskError) -> File
    /// The names (not paths) of the entries in a directory, sorted; directories end in `/`.
    func list(_ directory: String) throws(DiskError) -> [String]
    /// Creates a directory and its missing parents; no error when it exists.
    func createDirectory(_ path: String) throws(DiskError)
    /// Renames atomically, replacing a file at `destination`.
    func rename(_ source: String, to destination: String) throws(DiskError)
    /// Removes a file, or a directory that is empty.
    func remove(_ path: String) throws(DiskError)
    /// Makes the entries of a directory durable (fsync on the directory).
    func syncDirectory(_ path: String) throws(DiskError)
    /// Free bytes on the file system that holds the root.
    func freeBytes() throws(DiskError) -> UInt64
}

/// How `Disk.open` treats presence and absence.
public enum OpenMode: Sendable {
    case existing
    case createNew
    case createIfAbsent
}

/// Whether a file's writes go through the system's page cache.
public enum FileAccess: Sendable {
    case cached
    /// Past the cache (O_DIRECT) where the file system can; where it cannot, through it. Offset, length and address of what is written are
    /// multiples of `alignment`.
    case direct

    /// In bytes: the block of every file system and drive that is in use.
    public static let alignment = 4_096
}

extension Disk {
    /// Opens a file whose writes go through the page cache.
    public func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> File { try open(path, mode, .cached) }
}

/// An open file. Reads and writes name their offset, so that no position is shared.
public protocol DiskFile: AnyObject, Sendable {
    /// Reads up to `buffer.count` bytes at `offset`; fewer only at the end of the file. Returns how many.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DiskError) -> Int
    /// Writes all of `bytes` at `offset` (short writes and EINTR are retried inside).
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(DiskError)
    /// Asks the system to begin writing to the drive what was written, so that a later `sync` has less to wait for. It promises nothing.
    func startWriteback()
    /// Makes content and length durable (fdatasync). After a failure nothing written since the last success may be trusted,
    /// and a later success does not mend it (faults.md, rule 2).
    func sync() throws(DiskError)
    /// The length in bytes.
    func size() throws(DiskError) -> UInt64
    /// Cuts or extends with zeros.
    func truncate(to size: UInt64) throws(DiskError)
    /// Closes the descriptor; further calls throw. Closing twice is harmless.
    func close()
}

/// What a disk operation failed with.
public struct DiskError: Error, Sendable, CustomStringConvertible {
    /// The cases a caller acts on; everything else is `.other` with its errno.
    public enum Kind: Sendable, Hashable {
        case notFound, alreadyExists, noSpace, inputOutput, closed
        /// No descriptor or no memory was left (EMFILE, ENFILE, ENOMEM): the call has done nothing, and may be made again later. A sync never fails
        /// so: what its failure means does not pass.
        case exhausted
        case other(errno: Int32)
    }
    public var kind: Kind
    /// The call, such as `fdatasync`.
    public var operation: String
    public var path: String

    public init(_ kind: Kind, operation: String, path: String) {
        self.kind = kind
        self.operation = operation
        self.path = path
    }
    public var description: String { "\(operation) \(path): \(kind)" }
}
