/// Reads the heads of HTTP/1 requests (RFC 9112): strictly, in one pass, and within bounds.

package import AWSWire

#if canImport(Glibc)
    import Glibc
#endif

/// What is wrong with a request, and the status that says so.
package struct HTTPFault: Error, Equatable {
    package var status: Int
    package var reason: String

    package init(_ status: Int, _ reason: String) {
        self.status = status
        self.reason = reason
    }

    /// A field that may stand but once stands more often: two readers could go by different ones.
    init?(ambiguous head: RequestHead) {
        guard let field = head.repeated.first(where: { $0 != .connection && $0 != .requestedHeaders && $0 != .acceptEncoding })
        else { return nil }
        self.init(400, "The header field \(field.name) stands more than once.")
    }
}

/// A request's head with what only HTTP/1 has.
package struct HTTP1Head {
    package var head = RequestHead()
    /// The connection may serve another request after this one.
    package var keepsAlive = true
    /// The client waits for leave to send the body.
    package var expectsContinue = false
    /// HTTP/1.0, which knows no chunks and stays open only when both sides say so.
    package var isVersion10 = false

    package init() {}
}

/// Finds a head's end, then takes it apart.
///
/// What two parties could understand differently is refused: line ends without a carriage return, folded lines, blanks before a colon, two
/// lengths, a length beside chunks. (RFC 9112, sections 2.2, 5.1, 5.2 and 6.3.)
package struct RequestHeadParser {
    package enum Outcome: Equatable {
        /// How many bytes the head has.
        case complete(Int)
        case incomplete
        case failed(HTTPFault)
    }

    /// The longest head, in bytes.
    var maxBytes: Int
    /// The most fields.
    static let maxFields = 128
    /// Whether the connection is secured, which addresses in requests must agree with.
    var isSecured = false
    /// How far the end was looked for.
    private var searched = 0

    package init(maxBytes: Int) { self.maxBytes = maxBytes }

    /// - Parameter bytes: all that has come since the end of the request before.
    package mutating func parse(_ bytes: UnsafeRawBufferPointer, into head: inout HTTP1Head) -> Outcome {
        // Empty lines before a request are passed over (section 2.2).
        var start = 0
        while start < 8, bytes.count >= start + 2, bytes[start] == cr, bytes[start + 1] == lf { start += 2 }
        guard let end = endOfHead(bytes, from: max(start, searched)) else {
            searched = max(0, bytes.count - 3)
            // What does not even begin as a request, such as the first bytes of TLS, may never bring an empty line.
            if start < bytes.count, bytes[start] != cr, !isToken(bytes[start]) {
                return .failed(HTTPFault(400, "The request does not begin with a method."))
            }
            return bytes.count > maxBytes ? .failed(Self.tooLong) : .incomplete
        }
        searched = 0
        guard end <= maxBytes else { return .failed(Self.tooLong) }
        do throws(HTTPFault) {
            try read(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), &head)
        } catch {
            return .failed(error)
        }
        return .complete(end)
    }

    private static let tooLong = HTTPFault(431, "The head of the request is longer than this server takes.")

    /// One past the empty line.
    private func endOfHead(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        var position = start
        while position < bytes.count, let found = memchr(base + position, Int32(lf), bytes.count - position) {
            let newline = UnsafeRawPointer(found) - base
            // An end without carriage returns is found too; the lines are looked at later.
            if newline + 1 < bytes.count, bytes[newline + 1] == lf { return newline + 2 }
            if newline + 2 < bytes.count, bytes[newline + 1] == cr, bytes[newline + 2] == lf { return newline + 3 }
            position = newline + 1
        }
        return nil
    }

    // MARK: Lines

    private func read(_ block: UnsafeRawBufferPointer, _ result: inout HTTP1Head) throws(HTTPFault) {
        var position = 0
        let first = try line(block, &position)
        try readRequestLine(block, first, &result)
        while true {
            let range = try line(block, &position)
            if range.isEmpty { break }
            guard result.head.fieldCount < Self.maxFields else {
                throw HTTPFault(431, "The request has more than \(Self.maxFields) header fields.")
            }
            try readField(block, range, &result)
        }
        try settle(&result)
        try RequestTarget.settle(&result.head, isSecured: isSecured)
    }

    /// The next line without its end.
    private func line(_ block: UnsafeRawBufferPointer, _ position: inout Int) throws(HTTPFault) -> Range<Int> {
        guard let base = block.baseAddress, let found = memchr(base + position, Int32(lf), block.count - position) else {
            throw HTTPFault(400, "A line of the head has no end.")
        }
        let newline = UnsafeRawPointer(found) - base
        guard newline > position, block[newline - 1] == cr else {
            throw HTTPFault(400, "A line of the head does not end in CR LF.")
        }
        defer { position = newline + 1 }
        return position..<newline - 1
    }

    private func readRequestLine(
        _ block: UnsafeRawBufferPointer, _ line: Range<Int>, _ result: inout HTTP1Head
    ) throws(HTTPFault) {
        var position = line.lowerBound
        while position < line.upperBound, isToken(block[position]) { position += 1 }
        let method = line.lowerBound..<position
        guard !method.isEmpty, method.count <= 32, position < line.upperBound, block[position] == UInt8(ascii: " ") else {
            throw HTTPFault(400, "The request does not begin with a method.")
        }
        position += 1
        let targetStart = position
        while position < line.upperBound, block[position] > 0x20, block[position] != 0x7F { position += 1 }
        let target = targetStart..<position
        guard !target.isEmpty, position < line.upperBound, block[position] == UInt8(ascii: " ") else {
            throw HTTPFault(400, "The request has no target.")
        }
        result.isVersion10 = try Self.isVersion10(UnsafeRawBufferPointer(rebasing: block[position + 1..<line.upperBound]))
        result.head.begin(block: block, method: method, target: target)
    }

    /// Tells HTTP/1.0 from every later version of HTTP/1, which are all answered as HTTP/1.1, the latest known here (RFC 9110, section 6.2).
    private static func isVersion10(_ version: UnsafeRawBufferPointer) throws(HTTPFault) -> Bool {
        func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
        if version.equals("HTTP/1.1") { return false }
        guard version.count == 8, UnsafeRawBufferPointer(rebasing: version.prefix(5)).equals("HTTP/"), isDigit(version[5]),
            version[6] == UInt8(ascii: "."), isDigit(version[7])
        else { throw HTTPFault(400, "The first line does not end in a version of HTTP.") }
        guard version[5] == UInt8(ascii: "1") else {
            throw HTTPFault(505, "This server speaks HTTP/1.1, and HTTP/2 over TLS or with prior knowledge.")
        }
        return version[7] == UInt8(ascii: "0")
    }

    private func readField(_ block: UnsafeRawBufferPointer, _ line: Range<Int>, _ result: inout HTTP1Head) throws(HTTPFault) {
        var position = line.lowerBound
        while position < line.upperBound, isToken(block[position]) { position += 1 }
        let name = line.lowerBound..<position
        guard !name.isEmpty, position < line.upperBound, block[position] == UInt8(ascii: ":") else {
            throw HTTPFault(400, "A header field is not of the form `name: value`.")
        }
        var (start, end) = (position + 1, line.upperBound)
        while start < end, isBlank(block[start]) { start += 1 }
        while end > start, isBlank(block[end - 1]) { end -= 1 }
        guard !hasControls(UnsafeRawBufferPointer(rebasing: block[start..<end])) else {
            throw HTTPFault(400, "A header field has control characters in its value.")
        }
        result.head.append(name: name, value: start..<end)
    }

    // MARK: What the fields say together

    private func settle(_ result: inout HTTP1Head) throws(HTTPFault) {
        let head = result.head
        if let fault = HTTPFault(ambiguous: head) { throw fault }
        guard result.isVersion10 || head.has(.host) else { throw HTTPFault(400, "The request has no Host.") }
        result.head.bodyLength = try Self.bodyLength(head, isVersion10: result.isVersion10)
        let connection = head[.connection]?.lowercased() ?? ""
        let options = connection.isEmpty ? [] : connection.split(separator: ",").map { $0.drop { $0 == " " } }
        result.keepsAlive =
            !head.repeated.contains(.connection)
            && (result.isVersion10
                ? options.contains { $0.hasPrefix("keep-alive") } : !options.contains { $0.hasPrefix("close") })
        result.expectsContinue =
            !result.isVersion10 && head.withBytes(of: .expect) { $0.equalsIgnoringCase("100-continue") } ?? false
        if head.has(.expect), !result.expectsContinue, !result.isVersion10 {
            throw HTTPFault(417, "The only expectation met here is 100-continue.")
        }
    }

    private static func bodyLength(_ head: RequestHead, isVersion10: Bool) throws(HTTPFault) -> Int? {
        if head.has(.transferEncoding) {
            guard !head.has(.contentLength), !isVersion10 else {
                throw HTTPFault(400, "A request has either Content-Length or, in HTTP/1.1, Transfer-Encoding.")
            }
            guard head.withBytes(of: .transferEncoding, { $0.equalsIgnoringCase("chunked") }) == true else {
                throw HTTPFault(501, "The only transfer encoding known here is chunked.")
            }
            return nil
        }
        return try head.withBytes(of: .contentLength) { decimal($0) }.map { length throws(HTTPFault) in
            guard let length else { throw HTTPFault(400, "Content-Length is not a number of bytes.") }
            return length
        } ?? 0
    }

    private static func decimal(_ digits: UnsafeRawBufferPointer) -> Int? {
        guard (1...18).contains(digits.count) else { return nil }
        var value = 0
        for byte in digits {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value &* 10 &+ Int(byte &- UInt8(ascii: "0"))
        }
        return value
    }
}

private let cr = UInt8(ascii: "\r")
private let lf = UInt8(ascii: "\n")

@inline(__always)
private func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

/// Whether a byte may stand in a method or a field's name (RFC 9110, section 5.6.2).
@inline(__always)
private func isToken(_ byte: UInt8) -> Bool {
    // Two words of 64 bits tell it for the 128 characters of ASCII.
    let word: UInt64 = byte < 64 ? 0x03FF_6CFA_0000_0000 : byte < 128 ? 0x57FF_FFFF_C7FF_FFFE : 0
    return word >> UInt64(byte & 63) & 1 == 1
}

/// Whether there are bytes below blank, tab aside, or DEL.
func hasControls(_ bytes: UnsafeRawBufferPointer) -> Bool {
    for byte in bytes where byte < 0x20 && byte != UInt8(ascii: "\t") || byte == 0x7F { return true }
    return false
}
