/// Reads a file from front to back through a window, so that memory does not depend on the file's size.

internal import Host

/// A part of a file in memory. Bytes are valid during the call that gets them.
struct FileWindow<File: DiskFile>: ~Copyable {
    private let file: File
    /// The file's length when the window was made.
    let size: UInt64
    private let windowBytes: Int
    private var buffer: UnsafeMutableRawBufferPointer
    private var start: UInt64 = 0
    private var count = 0
    /// Is told how far reading has come, in bytes from the start of the file.
    private let progress: (UInt64) -> Void

    init(_ file: File, bytes: Int, progress: @escaping (UInt64) -> Void) throws(DiskError) {
        self.file = file
        size = try file.size()
        windowBytes = bytes
        buffer = .allocate(byteCount: bytes, alignment: 4_096)
        self.progress = progress
    }

    deinit { buffer.deallocate() }

    /// Gives the bytes at a place to `body`: `count` of them, fewer at the end of the file.
    mutating func read<Result>(_ place: UInt64, _ wanted: Int, _ body: (UnsafeRawBufferPointer) -> Result) throws(DiskError)
        -> Result
    {
        let available = Int(clamping: min(UInt64(wanted), size > place ? size - place : 0))
        if place < start || place - start + UInt64(available) > UInt64(count) {
            if available > buffer.count {
                buffer.deallocate()
                buffer = .allocate(byteCount: available, alignment: 4_096)
            }
            count = 0
            start = place
            count = try file.read(into: buffer, at: place)
            progress(place + UInt64(count))
        }
        let lower = Int(place - start)
        let upper = min(count, lower + available)
        return body(UnsafeRawBufferPointer(rebasing: buffer[min(lower, upper)..<upper]))
    }
}
