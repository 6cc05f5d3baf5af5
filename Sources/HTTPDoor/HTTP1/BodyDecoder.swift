/// Tells a request's body from what frames it: a length, or chunks (RFC 9112, sections 6 and 7).

import Glibc

/// Where in a body a connection is.
package struct BodyDecoder {
    /// What the bytes at hand are.
    package enum Step: Equatable {
        /// So many bytes that frame the body.
        case skip(Int)
        /// So many bytes of the body.
        case data(Int)
        /// The body is whole.
        case end
        case incomplete
    }

    private enum State {
        case length(Int)
        case chunkSize
        case chunk(Int)
        case chunkEnd
        case trailer
        case done
    }

    /// The longest line of a chunk's size and extensions, and of trailers.
    private static let maxLine = 1024
    /// Trailers are passed over; together they have at most so many bytes.
    private static let maxTrailer = 8192

    private var state: State
    private var trailerBytes = 0
    /// Whether the body comes in chunks.
    let isChunked: Bool

    /// - Parameter length: nil for chunks.
    package init(length: Int?) {
        isChunked = length == nil
        state = length.map { .length($0) } ?? .chunkSize
    }

    /// - Parameter bytes: what has come and was not told before.
    package mutating func next(_ bytes: UnsafeRawBufferPointer) throws(HTTPFault) -> Step {
        switch state {
        case .length(0), .done:
            state = .done
            return .end
        case .length(let rest):
            guard !bytes.isEmpty else { return .incomplete }
            let count = min(rest, bytes.count)
            state = .length(rest - count)
            return .data(count)
        case .chunk(let rest):
            guard !bytes.isEmpty else { return .incomplete }
            let count = min(rest, bytes.count)
            state = rest == count ? .chunkEnd : .chunk(rest - count)
            return .data(count)
        case .chunkSize:
            guard let end = try line(bytes) else { return .incomplete }
            let size = try Self.size(UnsafeRawBufferPointer(rebasing: bytes[..<(end - 2)]))
            state = size == 0 ? .trailer : .chunk(size)
            return .skip(end)
        case .chunkEnd:
            guard bytes.count >= 2 else { return .incomplete }
            guard bytes[0] == UInt8(ascii: "\r"), bytes[1] == UInt8(ascii: "\n") else {
                throw HTTPFault(400, "A chunk is longer than it says.")
            }
            state = .chunkSize
            return .skip(2)
        case .trailer:
            guard let end = try line(bytes) else { return .incomplete }
            trailerBytes += end
            guard trailerBytes <= Self.maxTrailer else { throw HTTPFault(431, "The trailers are longer than this server takes.") }
            if end == 2 { state = .done }
            return .skip(end)
        }
    }

    /// One past the first line's end.
    private func line(_ bytes: UnsafeRawBufferPointer) throws(HTTPFault) -> Int? {
        guard let newline = Self.newline(UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.maxLine))) else {
            if bytes.count >= Self.maxLine { throw HTTPFault(400, "A line between chunks is too long.") }
            return nil
        }
        guard newline > 0, bytes[newline - 1] == UInt8(ascii: "\r") else {
            throw HTTPFault(400, "A line between chunks does not end in CR LF.")
        }
        // Some take a carriage return alone for the end of a line, and what follows for a chunk (RFC 9112, section 2.2).
        guard !hasControls(UnsafeRawBufferPointer(rebasing: bytes[..<(newline - 1)])) else {
            throw HTTPFault(400, "A line between chunks has control characters.")
        }
        return newline + 1
    }

    private static func newline(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress, let found = memchr(base, Int32(UInt8(ascii: "\n")), bytes.count) else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// Hexadecimal digits; an extension after `;` is passed over.
    private static func size(_ line: UnsafeRawBufferPointer) throws(HTTPFault) -> Int {
        var size = 0
        var digits = 0
        for byte in line {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte &- UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte &- UInt8(ascii: "a") &+ 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte &- UInt8(ascii: "A") &+ 10
            case UInt8(ascii: ";") where digits > 0: return size
            default: throw HTTPFault(400, "A chunk's size is not a hexadecimal number.")
            }
            digits += 1
            guard digits <= 15 else { throw HTTPFault(400, "A chunk's size is too large.") }
            size = size << 4 | Int(digit)
        }
        guard digits > 0 else { throw HTTPFault(400, "A chunk has no size.") }
        return size
    }
}
