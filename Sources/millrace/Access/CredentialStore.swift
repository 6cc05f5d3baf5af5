/// The credentials file on disk: read whole, and written so that a reader finds either the old one or the new one.

import AWSWire
import Foundation

/// A credentials file, which only its owner may read.
struct CredentialStore: Sendable {
    let path: String

    /// The file in a data directory that is used unless another is named.
    static func standardPath(in dataDirectory: String) -> String { dataDirectory + "/credentials.json" }

    var exists: Bool { FileManager.default.fileExists(atPath: path) }

    /// - Throws: where the file is there but cannot be read, or holds something else.
    func load() throws(CommandFailure) -> CredentialsFile {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.failed, "\(path): cannot be read")
        }
        do throws(MalformedPolicy) {
            return try CredentialsFile(Array(data))
        } catch {
            throw CommandFailure(.failed, "\(path): \(error)")
        }
    }

    /// What tells whether the file is another one than before.
    struct Stamp: Equatable, Sendable {
        private let inode: UInt64
        private let size: Int64
        private let modified: Int64

        /// Nil where there is no file.
        init?(_ path: String) {
            var found = stat()
            guard stat(path, &found) == 0 else { return nil }
            (inode, size) = (UInt64(found.st_ino), Int64(found.st_size))
            modified = Int64(found.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(found.st_mtim.tv_nsec)
        }
    }

    var stamp: Stamp? { Stamp(path) }

    /// Changes the file, making it where it is missing; of two at once the second sees what the first has done.
    func change<Result>(_ body: (inout CredentialsFile) throws(CommandFailure) -> Result) throws(CommandFailure) -> Result {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw CommandFailure(.failed, "\(folder): cannot be made: \(error.localizedDescription)")
        }
        let lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0, flock(lock, LOCK_EX) == 0 else { throw failure(folder, "cannot be locked") }
        defer { close(lock) }
        var file = exists ? try load() : CredentialsFile()
        let result = try body(&file)
        try write(file.text, lock)
        return result
    }

    private func write(_ text: [UInt8], _ folder: Int32) throws(CommandFailure) {
        let new = path + ".new"
        unlink(new)
        let file = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure(new, "cannot be made") }
        var written = 0
        while written < text.count {
            let count = text.withUnsafeBytes { Foundation.write(file, $0.baseAddress.map { $0 + written }, text.count - written) }
            guard count > 0 else {
                close(file)
                throw failure(new, "cannot be written")
            }
            written += count
        }
        let isSynced = fsync(file) == 0
        close(file)
        guard isSynced, rename(new, path) == 0, fsync(folder) == 0 else { throw failure(path, "cannot be written") }
    }

    private func failure(_ path: String, _ what: String) -> CommandFailure {
        CommandFailure(.failed, "\(path): \(what): \(String(cString: strerror(errno)))")
    }
}

/// The option by which verbs say which credentials file they mean.
struct CredentialsOption {
    /// The file named, else `credentials`' value of the environment, else the data directory's.
    static func store(_ file: String?, dataDirectory: String?) throws(CommandFailure) -> CredentialStore {
        if let file = file ?? ProcessInfo.processInfo.environment["MILLRACE_CREDENTIALS"], !file.isEmpty {
            return CredentialStore(path: file)
        }
        return CredentialStore(path: CredentialStore.standardPath(in: try DataDirectory.path(dataDirectory)))
    }
}
