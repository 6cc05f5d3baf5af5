/// A file of a replay, read piece by piece.

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A named source of bytes: a path, or contents for tests.
public struct ReplayFile: Sendable {
    /// As it is shown in messages.
    public var name: String
    private enum Contents: Sendable { case path(String), bytes([UInt8]) }
    private let contents: Contents

    public init(path: String) {
        name = path
        contents = .path(path)
    }

    public init(name: String, contents: [UInt8]) {
        self.name = name
        self.contents = .bytes(contents)
    }

    /// A line is refused beyond this size, so that a file without line ends cannot fill the memory.
    static let longestLine = 64 << 20
    private static let pieceSize = 1 << 18

    /// Calls `body` with pieces of the file, in order.
    private func forEachPiece(_ body: (UnsafeRawBufferPointer) throws(ReplayFailure) -> Void) throws(ReplayFailure) {
        switch contents {
        case .bytes(let bytes):
            // Pieces as small as a line or two try the seams between them.
            var start = 0
            while start < bytes.count {
                let piece = Array(bytes[start..<min(bytes.count, start + 64)])
                start += piece.count
                try Self.withBytes(of: piece, body)
            }
        case .path(let path):
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw unreadable() }
            defer { close(descriptor) }
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceSize, alignment: 16)
            defer { buffer.deallocate() }
            while true {
                let count = read(descriptor, buffer.baseAddress, buffer.count)
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { throw unreadable() }
                if count == 0 { return }
                try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }

    /// `withUnsafeBytes` with the type of what is thrown kept.
    private static func withBytes(of bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(ReplayFailure) -> Void)
        throws(ReplayFailure)
    {
        var failure: ReplayFailure?
        bytes.withUnsafeBytes { bytes in
            do throws(ReplayFailure) { try body(bytes) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private func unreadable() -> ReplayFailure { ReplayFailure("\(name): \(String(cString: strerror(errno)))") }

    /// The whole file, for those that are small by nature.
    func whole(atMost limit: Int = 16 << 20) throws(ReplayFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        try forEachPiece { (piece) throws(ReplayFailure) in
            bytes.append(contentsOf: piece)
            if bytes.count > limit { throw ReplayFailure("\(name): is larger than \(limit) bytes") }
        }
        return bytes
    }

    /// Calls `body` with each line that is not empty, without its end, and its number, counted from 1. What is thrown gets the file's name and the
    /// line's number in front.
    func forEachLine(_ body: (Int, UnsafeRawBufferPointer) throws(LineError) -> Void) throws(ReplayFailure) {
        var rest: [UInt8] = []
        var number = 0
        func line(_ bytes: UnsafeRawBufferPointer) throws(ReplayFailure) {
            number += 1
            guard bytes.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { return }
            do throws(LineError) { try body(number, bytes) } catch { throw ReplayFailure("\(name):\(number): \(error.message)") }
        }
        try forEachPiece { (piece) throws(ReplayFailure) in
            var start = 0
            while let end = piece[start...].firstIndex(of: 0x0A) {
                let part = UnsafeRawBufferPointer(rebasing: piece[start..<end])
                if rest.isEmpty {
                    try line(part)
                } else {
                    rest.append(contentsOf: part)
                    let whole = rest
                    rest.removeAll(keepingCapacity: true)
                    try Self.withBytes(of: whole, line)
                }
                start = end + 1
            }
            rest.append(contentsOf: piece[start...])
            if rest.count > Self.longestLine {
                throw ReplayFailure("\(name):\(number + 1): the line is longer than \(Self.longestLine) bytes")
            }
        }
        if !rest.isEmpty { try Self.withBytes(of: rest, line) }
    }
}

/// Why a replay ends early: what standard error says, and the exit status.
struct ReplayFailure: Error {
    var messages: [String]
    var status: ReplayCommand.Status
    init(_ message: String, status: ReplayCommand.Status = .failed) {
        messages = [message]
        self.status = status
    }
}
