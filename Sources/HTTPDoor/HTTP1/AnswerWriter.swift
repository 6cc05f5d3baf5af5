/// Writes answers as HTTP/1: a whole one into a single buffer of its exact size.

import AWSWire
import NIOCore

/// How the connection goes on after an answer.
enum Persistence {
    /// HTTP/1.1's way: nothing needs to be said.
    case keep
    /// For HTTP/1.0, which must be told.
    case keepStated
    case close
}

/// The body is written first, behind room for the longest head; then the head, whose length is known only then, right before it.
enum AnswerWriter {
    /// A whole answer. `write` is called once.
    static func whole(
        _ head: AnswerHead, capacity: Int, _ persistence: Persistence, _ context: LoopContext, _ allocator: ByteBufferAllocator,
        write: (UnsafeMutableRawBufferPointer) -> Int
    ) -> ByteBuffer {
        let room = longest(head)
        var buffer = allocator.buffer(capacity: room + capacity)
        var start = room
        _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: room + capacity) { memory in
            let body = UnsafeMutableRawBufferPointer(rebasing: memory[room..<room + capacity])
            let count = write(body)
            precondition(count >= 0 && count <= capacity, "an answer is longer than it said")
            var line = HeadLines(UnsafeMutableRawBufferPointer(rebasing: memory[..<room]))
            let checksum = head.hasChecksum ? BodyChecksum.crc32(UnsafeRawBufferPointer(rebasing: body[..<count])) : nil
            line.write(head, persistence, context, length: count, isChunked: false, checksum: checksum)
            start = room - line.count
            line.moveToEnd()
            return room + (head.isHead ? 0 : count)
        }
        buffer.moveReaderIndex(to: start)
        return buffer
    }

    /// The head of an answer in pieces.
    /// - Parameter length: of the body; nil for chunks, or for all until the connection ends.
    static func head(
        _ head: AnswerHead, length: Int?, isChunked: Bool, _ persistence: Persistence, _ context: LoopContext,
        _ allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        let room = longest(head)
        var buffer = allocator.buffer(capacity: room)
        _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { memory in
            var line = HeadLines(UnsafeMutableRawBufferPointer(rebasing: memory[..<room]))
            line.write(head, persistence, context, length: length, isChunked: isChunked)
            return line.count
        }
        return buffer
    }

    /// More bytes than the head can have.
    private static func longest(_ head: AnswerHead) -> Int {
        var bytes = 420 + RequestID.textCount + RequestID.extendedCount + HTTPDate.count
        switch head.fields {
        case .call(let reply):
            bytes += (reply.contentType?.utf8CodeUnitCount ?? 0) + (reply.error?.rawValue.utf8.count ?? 0)
            bytes += size(reply.protocolFields)
        case .page(let fields): bytes += size(fields)
        }
        return bytes + size(head.browserFields)
    }

    private static func size(_ fields: [(name: String, value: String)]) -> Int {
        fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    }
}

/// Writes a head's lines one after the other.
private struct HeadLines {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

    mutating func write(
        _ head: AnswerHead, _ persistence: Persistence, _ context: LoopContext, length: Int?, isChunked: Bool,
        checksum: UInt32? = nil
    ) {
        writeStatus(head.status)
        switch head.fields {
        case .call(let reply): write(reply)
        case .page(let fields): for field in fields { write(field.name, field.value) }
        }
        for field in head.browserFields { write(field.name, field.value) }
        if head.isGzip { add("Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n") }
        if let checksum {
            add("x-amz-crc32: ")
            add(decimal: Int(checksum))
            add("\r\n")
        }
        add("Date: ")
        context.withDate { add($0) }
        switch persistence {
        case .keep: break
        case .keepStated: add("\r\nConnection: keep-alive")
        case .close: add("\r\nConnection: close")
        }
        if let length {
            add("\r\nContent-Length: ")
            add(decimal: length)
        } else if isChunked {
            add("\r\nTransfer-Encoding: chunked")
        }
        add("\r\n\r\n")
    }

    /// Moves what was written to the end of the memory.
    func moveToEnd() {
        guard let base = memory.baseAddress else { return }
        (base + memory.count - count).copyMemory(from: base, byteCount: count)
    }

    private mutating func write(_ reply: ReplyHead) {
        if let type = reply.contentType {
            add("Content-Type: ")
            add(type)
            add("\r\n")
        }
        add("x-amzn-RequestId: ")
        count += reply.id.write(to: UnsafeMutableRawBufferPointer(rebasing: memory[count...]))
        add("\r\nx-amz-id-2: ")
        count += reply.id.writeExtended(to: UnsafeMutableRawBufferPointer(rebasing: memory[count...]))
        add("\r\n")
        if let error = reply.error { write("x-amzn-ErrorType", error.rawValue) }
        for field in reply.protocolFields { write(field.name, field.value) }
    }

    /// Line ends in a value would begin another field: they become blanks.
    private mutating func write(_ name: String, _ value: String) {
        for byte in name.utf8 { add(byte) }
        add(": ")
        for byte in value.utf8 { add(byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") ? UInt8(ascii: " ") : byte) }
        add("\r\n")
    }

    private mutating func writeStatus(_ status: Int) {
        switch status {
        case 200: add("HTTP/1.1 200 OK\r\n")
        case 400: add("HTTP/1.1 400 Bad Request\r\n")
        case 403: add("HTTP/1.1 403 Forbidden\r\n")
        case 404: add("HTTP/1.1 404 Not Found\r\n")
        case 408: add("HTTP/1.1 408 Request Timeout\r\n")
        case 409: add("HTTP/1.1 409 Conflict\r\n")
        case 413: add("HTTP/1.1 413 Content Too Large\r\n")
        case 415: add("HTTP/1.1 415 Unsupported Media Type\r\n")
        case 417: add("HTTP/1.1 417 Expectation Failed\r\n")
        case 421: add("HTTP/1.1 421 Misdirected Request\r\n")
        case 431: add("HTTP/1.1 431 Request Header Fields Too Large\r\n")
        case 500: add("HTTP/1.1 500 Internal Server Error\r\n")
        case 501: add("HTTP/1.1 501 Not Implemented\r\n")
        case 503: add("HTTP/1.1 503 Service Unavailable\r\n")
        case 505: add("HTTP/1.1 505 HTTP Version Not Supported\r\n")
        default:
            add("HTTP/1.1 ")
            add(decimal: status)
            // The reason may be empty, but not its blank (RFC 9112, section 4).
            add(" \r\n")
        }
    }

    private mutating func add(_ text: StaticString) {
        add(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: memory[count..<count + bytes.count]).copyMemory(from: bytes)
        count += bytes.count
    }

    private mutating func add(_ byte: UInt8) {
        memory[count] = byte
        count += 1
    }

    private mutating func add(decimal number: Int) {
        var divisor = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            add(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }
}
