/// The yardstick of the disk: a plain loop of write + fdatasync, without any of the log's code.

import CLinuxIO
import Glibc

/// How the loop writes.
enum WriteWay: String, CaseIterable {
    /// Buffered, each write at the end of a file that was empty.
    case growing
    /// Buffered, over and over through a file that was written and synced before.
    case prewritten
    /// As `prewritten`, past the page cache. The file system must have O_DIRECT.
    case direct
}

/// Writes the same bytes again and again, each write followed by one fdatasync.
final class DurableWriter {
    let way: WriteWay
    private let descriptor: Int32
    private let buffer: UnsafeMutableRawPointer
    private let size: Int
    private let fileBytes: Int
    private var offset = 0

    /// - Parameters:
    ///   - path: a new file.
    ///   - size: bytes of a write; rounded up to 4096 when `way` is `.direct`.
    ///   - fileBytes: the length of a pre-written file.
    /// Nil when `way` is `.direct` and the file system has no such thing.
    init?(_ way: WriteWay, path: String, size: Int, fileBytes: Int = 256 << 20) {
        self.way = way
        let size = way == .direct ? (size + 4095) & ~4095 : size
        self.size = size
        self.fileBytes = max(fileBytes, size)
        guard let memory = aligned_alloc(4096, (max(size, 1 << 20) + 4095) & ~4095) else { return nil }
        buffer = memory
        // Bytes that no layer below could pass over as zeros.
        var random = SplitMix(state: 7)
        for place in stride(from: 0, to: max(size, 1 << 20) & ~7, by: 8) {
            buffer.storeBytes(of: random.next(), toByteOffset: place, as: UInt64.self)
        }
        if way != .growing {
            let file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            guard file >= 0 else { give(up: "\(path): errno \(errno)") }
            for place in stride(from: 0, to: self.fileBytes, by: 1 << 20) where pwrite(file, buffer, 1 << 20, place) != 1 << 20 {
                give(up: "\(path): the disk is full")
            }
            _ = fsync(file)
            close(file)
        }
        descriptor = open(path, O_RDWR | O_CLOEXEC | (way == .growing ? O_CREAT | O_TRUNC : 0), 0o644)
        guard descriptor >= 0 else { give(up: "\(path): errno \(errno)") }
        if way == .direct, millrace_set_direct(descriptor) != 0 { return nil }
    }

    deinit {
        close(descriptor)
        free(buffer)
    }

    /// One write and one fdatasync. Returns the nanoseconds of both, and of the fdatasync alone.
    @discardableResult
    func once() -> (both: UInt64, sync: UInt64) {
        let start = nanoseconds()
        write()
        let written = nanoseconds()
        sync()
        let end = nanoseconds()
        return (end - start, end - written)
    }

    func write() {
        if way != .growing, offset + size > fileBytes { offset = 0 }
        guard pwrite(descriptor, buffer, size, offset) == size else { give(up: "the yardstick cannot write: errno \(errno)") }
        offset += size
    }

    func sync() {
        guard fdatasync(descriptor) == 0 else { give(up: "the yardstick cannot sync: errno \(errno)") }
    }

    /// The loop for some seconds. Returns bytes per second.
    func throughput(seconds: Double) -> Double {
        let start = nanoseconds()
        let end = start + UInt64(seconds * 1e9)
        var bytes = 0
        var now = start
        while now < end {
            _ = once()
            bytes += size
            now = nanoseconds()
        }
        return Double(bytes) / (Double(now - start) / 1e9)
    }
}
