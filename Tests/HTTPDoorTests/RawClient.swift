/// A client of bare sockets: what it sends is what the test says, byte for byte.

import Glibc
import Testing

/// One connection. Calls block; tests run them off the cooperative pool, one after the other.
final class RawClient: @unchecked Sendable {
    private let socketDescriptor: Int32
    private var buffered: [UInt8] = []

    struct Failure: Error { var call: String }

    struct Answer {
        var status: Int
        /// Names in lower case.
        var headers: [String: String]
        var bytes: [UInt8]
        var body: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// - Parameter receiveBuffer: bytes that the kernel holds for this side; nil for as many as it likes.
    init(port: Int, receiveBuffer: Int32? = nil) throws {
        socketDescriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(socketDescriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        // A sockaddr_in as bytes: in a release build two modules of C headers dispute whose that type is.
        let address = [UInt8(AF_INET), 0, UInt8(port >> 8), UInt8(port & 0xFF), 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)
        let result = address.withUnsafeBytes { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { pointer in
                connect(socketDescriptor, pointer.baseAddress, socklen_t(bytes.count))
            }
        }
        guard result == 0 else { throw Failure(call: "connect") }
        // A test that waits in vain must end.
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(socketDescriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(socketDescriptor) }

    func send(_ text: String) throws { try send(Array(text.utf8)[...]) }

    func send(_ bytes: ArraySlice<UInt8>) throws {
        var bytes = bytes
        while !bytes.isEmpty {
            let sent = bytes.withUnsafeBytes { Glibc.send(socketDescriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { throw Failure(call: "send") }
            bytes = bytes.dropFirst(sent)
        }
    }

    /// The next answer; its body must have a Content-Length. The answer to HEAD has none, whatever its length says.
    func receive(ofHead: Bool = false) throws -> Answer {
        var head = ""
        while !head.hasSuffix("\r\n\r\n") { head.unicodeScalars.append(Unicode.Scalar(try byte())) }
        let lines = head.split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        }
        let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        var body: [UInt8] = []
        for _ in 0..<(ofHead ? 0 : Int(headers["content-length"] ?? "0") ?? 0) { body.append(try byte()) }
        return Answer(status: status, headers: headers, bytes: body)
    }

    /// What has come, as far as one call gets it.
    /// - Throws: when the other side has closed.
    func receiveSome() throws -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(socketDescriptor, &chunk, chunk.count, 0)
        guard count > 0 else { throw Failure(call: "recv") }
        return Array(chunk[..<count])
    }

    /// Closes the sending half.
    func endSending() { shutdown(socketDescriptor, Int32(SHUT_WR)) }

    /// The next answer's status and the length of its body, which is read and dropped.
    func receiveSize() throws -> (status: Int, bytes: Int) {
        let answer = try receive(ofHead: true)
        let length = Int(answer.headers["content-length"] ?? "0") ?? 0
        var missing = length - buffered.count
        buffered = missing < 0 ? Array(buffered[..<(-missing)]) : []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while missing > 0 {
            let count = recv(socketDescriptor, &chunk, min(chunk.count, missing), 0)
            guard count > 0 else { throw Failure(call: "recv") }
            missing -= count
        }
        return (answer.status, length)
    }

    /// Reads so many bytes at a time with pauses, which are what is tested; they are kept for what is read next.
    func dawdle(bytes: Int, every pause: Duration, for time: Duration) throws {
        let end = ContinuousClock.now + time
        var chunk = [UInt8](repeating: 0, count: bytes)
        while ContinuousClock.now < end {
            let count = recv(socketDescriptor, &chunk, chunk.count, 0)
            guard count > 0 else { throw Failure(call: "recv") }
            buffered = chunk[..<count].reversed() + buffered
            usleep(UInt32(pause / .microseconds(1)))
        }
    }

    /// All bytes until the other side closes or resets.
    func received() throws -> Int {
        var total = buffered.count
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = recv(socketDescriptor, &chunk, chunk.count, 0)
            if count <= 0 { return total }
            total += count
        }
    }

    /// The next answer, whose body comes in chunks: its status and how many bytes the body has.
    /// - Throws: when it breaks off before the last chunk.
    func receiveChunked() throws -> (status: Int, bytes: Int) {
        let status = try receive().status
        var bytes = 0
        while true {
            var line = ""
            while !line.hasSuffix("\r\n") { line.unicodeScalars.append(Unicode.Scalar(try byte())) }
            guard let size = Int(line.dropLast(), radix: 16) else { throw Failure(call: "chunk '\(line)'") }
            for _ in 0..<size + 2 { _ = try byte() }
            if size == 0 { return (status, bytes) }
            bytes += size
        }
    }

    /// The next chunk of a body; empty at its end.
    func receiveChunk() throws -> String {
        var line = ""
        while !line.hasSuffix("\r\n") { line.unicodeScalars.append(Unicode.Scalar(try byte())) }
        guard let size = Int(line.dropLast(), radix: 16) else { throw Failure(call: "chunk '\(line)'") }
        var bytes: [UInt8] = []
        for _ in 0..<size { bytes.append(try byte()) }
        for _ in 0..<2 { _ = try byte() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether the other side has closed.
    func isClosed() -> Bool {
        do {
            _ = try byte()
            return false
        } catch {
            return true
        }
    }

    private func byte() throws -> UInt8 {
        if buffered.isEmpty {
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(socketDescriptor, &chunk, chunk.count, 0)
            guard count > 0 else { throw Failure(call: "recv") }
            buffered = chunk[..<count].reversed()
        }
        return buffered.removeLast()
    }
}
