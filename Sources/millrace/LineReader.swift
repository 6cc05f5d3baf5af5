/// Lines of standard input, or of a file, as bytes: what is in them is nobody's business here.

import Glibc

/// Reads a descriptor line by line.
struct LineReader: ~Copyable {
    /// A line is longer than the reader holds.
    struct TooLong: Error {
        /// From 1.
        var line: Int
        var limit: Int
    }

    private static let pieceBytes = 64 << 10

    private let descriptor: Int32
    private let isOwned: Bool
    private let limit: Int
    private var buffer: [UInt8] = []
    private var begin = 0
    private var hasEnded = false
    /// How many lines were read.
    private(set) var number = 0

    /// - Parameter limit: the longest line in bytes.
    init(standardInputUpTo limit: Int) {
        descriptor = STDIN_FILENO
        isOwned = false
        self.limit = limit
    }

    /// - Throws: status failed, for a file that cannot be read.
    init(path: String, upTo limit: Int) throws(CommandFailure) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        isOwned = true
        self.limit = limit
        guard descriptor >= 0 else { throw CommandFailure(.failed, "\(path) cannot be read: \(String(cString: strerror(errno)))") }
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// The next line without its `\n`; nil at the end. What follows the last `\n` is a line too.
    mutating func next() throws -> [UInt8]? {
        var searched = begin
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { begin = end + 1 }
                number += 1
                return Array(buffer[begin..<end])
            }
            searched = buffer.count
            guard buffer.count - begin <= limit else { throw TooLong(line: number + 1, limit: limit) }
            guard try fill(&searched) else { break }
        }
        guard begin < buffer.count else { return nil }
        defer { begin = buffer.count }
        number += 1
        return Array(buffer[begin...])
    }

    /// All that is left, as one.
    mutating func rest() throws -> [UInt8] {
        var searched = 0
        while try fill(&searched) {
            guard buffer.count - begin <= limit else { throw TooLong(line: number + 1, limit: limit) }
        }
        defer { begin = buffer.count }
        return Array(buffer[begin...])
    }

    /// Reads more; false at the end. `searched` moves with what it points at.
    private mutating func fill(_ searched: inout Int) throws -> Bool {
        guard !hasEnded else { return false }
        if begin > 0 {
            buffer.removeFirst(begin)
            searched -= begin
            begin = 0
        }
        let count = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: Self.pieceBytes))
        let got = buffer.withUnsafeMutableBytes { bytes in
            var got: Int
            repeat { got = read(descriptor, bytes.baseAddress.map { $0 + count }, Self.pieceBytes) } while got < 0 && errno == EINTR
            return got
        }
        buffer.removeLast(Self.pieceBytes - max(0, got))
        guard got >= 0 else { throw CommandFailure(.failed, "The input cannot be read: \(String(cString: strerror(errno)))") }
        hasEnded = got == 0
        return got > 0
    }
}
