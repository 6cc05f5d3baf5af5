/// An open file of the real disk.

internal import CLinuxIO
internal import Glibc
internal import Synchronization

/// A descriptor, closed at the latest when the last reference goes.
public final class RealDiskFile: DiskFile {
    private let descriptor: Int32
    private let path: String
    private let closed = Atomic<Bool>(false)

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close() }

    private func checkOpen(_ operation: String) throws(DiskError) {
        if closed.load(ordering: .acquiring) { throw DiskError(.closed, operation: operation, path: path) }
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DiskError) -> Int {
        try checkOpen("pread")
        var done = 0
        while done < buffer.count {
            let place = try position(offset, plus: done, "pread")
            let count = pread(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, place)
            if count == 0 { break }
            if count > 0 {
                done += count
            } else if errno != EINTR {
                throw RealDisk.error("pread", path)
            }
        }
        return done
    }

    public func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(DiskError) {
        try checkOpen("pwrite")
        var done = 0
        while done < bytes.count {
            let place = try position(offset, plus: done, "pwrite")
            let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, place)
            if count > 0 {
                done += count
            } else if count == 0 {
                throw DiskError(.noSpace, operation: "pwrite", path: path)
            } else if errno != EINTR {
                throw RealDisk.error("pwrite", path)
            }
        }
    }

    public func startWriteback() {
        millrace_start_writeback(descriptor)
    }

    public func sync() throws(DiskError) {
        try checkOpen("fdatasync")
        // An interrupted fdatasync has done nothing that it reports of; any other failure is final (faults.md, rule 2).
        _ = try RealDisk.retrying("fdatasync", path) { fdatasync(descriptor) }
    }

    public func size() throws(DiskError) -> UInt64 {
        try checkOpen("fstat")
        var status = stat()
        _ = try RealDisk.retrying("fstat", path) { fstat(descriptor, &status) }
        return UInt64(clamping: status.st_size)
    }

    public func truncate(to size: UInt64) throws(DiskError) {
        try checkOpen("ftruncate")
        let length = try position(size, plus: 0, "ftruncate")
        _ = try RealDisk.retrying("ftruncate", path) { ftruncate(descriptor, length) }
    }

    /// Gives up the lock of the file, whoever else has its descriptor.
    func unlock() {
        if !closed.load(ordering: .acquiring) { _ = flock(descriptor, LOCK_UN) }
    }

    public func close() {
        if !closed.exchange(true, ordering: .acquiringAndReleasing) { _ = Glibc.close(descriptor) }
    }

    private func position(_ offset: UInt64, plus done: Int, _ operation: String) throws(DiskError) -> off_t {
        guard let start = off_t(exactly: offset), case let (sum, overflow) = start.addingReportingOverflow(done), !overflow else {
            throw DiskError(.other(errno: EFBIG), operation: operation, path: path)
        }
        return sum
    }
}
