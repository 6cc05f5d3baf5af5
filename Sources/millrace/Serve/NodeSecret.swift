/// The secret that shard iterators and page tokens are sealed with; it outlives restarts, so that they do.

import Host

/// 32 random bytes in the file `secret` of the data directory.
enum NodeSecret {
    private static let path = "secret"
    private static let length = 32

    /// Reads the secret, making it at the first start.
    static func load(from disk: RealDisk, random: some RandomSource) throws(DiskError) -> [UInt8] {
        let file = try disk.open(path, .createIfAbsent)
        defer { file.close() }
        var bytes = [UInt8](repeating: 0, count: length)
        if try file.size() == UInt64(length) {
            try bytes.withUnsafeMutableBytesThrowing { buffer throws(DiskError) in _ = try file.read(into: buffer, at: 0) }
            return bytes
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
