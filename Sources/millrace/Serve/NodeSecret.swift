/// The secret that shard iterators and page tokens are sealed with; it outlives restarts, so that they do.

import Glibc
import Host

/// 32 random bytes in the file `secret` of the data directory.
enum NodeSecret {
    private static let path = "secret"
    private static let length = 32

    /// Reads the secret, making it at the first start.
    /// - Throws: `UnknownFormat` for a file of another length, which another version wrote; `DiskError`.
    ///
    /// Whoever reads it can make himself a session of any key: nobody but the owner may.
    static func load(from disk: RealDisk, at directory: String, random: some RandomSource) throws -> [UInt8] {
        let file = try disk.open(path, .createIfAbsent)
        defer { file.close() }
        // An earlier version let others read it.
        _ = chmod(directory + "/" + path, 0o600)
        var bytes = [UInt8](repeating: 0, count: length)
        let size = try file.size()
        guard size == 0 || size == UInt64(length) else {
            throw UnknownFormat("the file \(path)", found: "of \(size) bytes", known: "that of \(length) bytes")
        }
        if size > 0 {
            try bytes.withUnsafeMutableBytesThrowing { buffer throws(DiskError) in _ = try file.read(into: buffer, at: 0) }
            // What a power cut leaves of a file that was being made: no secret, and nothing was sealed with it.
            if bytes.contains(where: { $0 != 0 }) { return bytes }
        }
        bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        try bytes.withUnsafeMutableBytesThrowing { buffer throws(DiskError) in try file.write(UnsafeRawBufferPointer(buffer), at: 0)
        }
        try file.sync()
        try disk.syncDirectory("")
        return bytes
    }
}

extension Array where Element == UInt8 {
    /// `withUnsafeMutableBytes` for a body with a typed error.
    fileprivate mutating func withUnsafeMutableBytesThrowing<Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let result: Result<Void, Failure> = withUnsafeMutableBytes { buffer in
            do throws(Failure) { return .success(try body(buffer)) } catch { return .failure(error) }
        }
        try result.get()
    }
}
