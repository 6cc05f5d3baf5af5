/// Standard output and standard error: messages to one, data to the other, and no failure of either ends the process by surprise.

import Glibc

/// Writes to descriptors without buffers.
enum Descriptor {
    /// Writes all bytes; false when the descriptor takes no more (closed, full disk, reader gone).
    static func write(_ descriptor: Int32, _ bytes: some Collection<UInt8>) -> Bool {
        let bytes = Array(bytes)
        return bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[written...])
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if count < 0 {
                    if errno == EINTR { continue }
                    return false
                }
                written += count
            }
            return true
        }
    }
}

enum StandardError {
    /// A message for people. Where nobody can read it, it is lost.
    static func print(_ message: String) {
        _ = Descriptor.write(STDERR_FILENO, (message + "\n").utf8)
    }
}

enum StandardOutput {
    /// As a shell shows a process that a broken pipe ended.
    private static let brokenPipeStatus: Int32 = 141

    /// Data for whoever reads, at once. When the reader has gone there is nothing left to do: the process ends quietly.
    static func write(_ bytes: some Collection<UInt8>) {
        if !Descriptor.write(STDOUT_FILENO, bytes) { exit(brokenPipeStatus) }
    }

    /// A line of data.
    static func line(_ text: String) { write((text + "\n").utf8) }

    /// A line that another program may be waiting for; the process goes on without it.
    static func announce(_ text: String) { _ = Descriptor.write(STDOUT_FILENO, (text + "\n").utf8) }
}
