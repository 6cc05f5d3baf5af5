/// One connection to a NATS server: sends publications, counts acknowledgements.

import Glibc

/// A socket that is read when there is something, and what has not been understood yet of what it gave.
final class Connection {
    let descriptor: Int32
    private let number: Int
    private var received: [UInt8] = []
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)
    /// When each message in flight was sent, oldest first: a server acknowledges one publisher's messages in their order.
    private var sent: [UInt64] = []
    private var acknowledged = 0

    init(port: UInt16, number: Int) {
        self.number = number
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { give(up: "port \(port): errno \(errno)") }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        send(text: "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true}\r\nSUB _INBOX.\(number) 1\r\nPING\r\n")
        waitFor("PONG\r\n")
    }

    private func send(text: String) { send(Array(text.utf8)) }

    private func send(_ bytes: [UInt8]) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done) }
            guard count > 0 else { give(up: "the server has closed the connection") }
            done += count
        }
    }

    /// Reads until the server has said something that ends like this.
    private func waitFor(_ text: String) {
        while !received.ends(with: Array(text.utf8)) { fill() }
        received.removeAll()
    }

    private func fill() {
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { give(up: "the server has closed the connection") }
        received += buffer[..<count]
    }

    /// Makes the stream `bench` with file storage.
    func createStream() {
        let request = """
            {"name":"bench","subjects":["bench"],"storage":"file","retention":"limits","num_replicas":1,"max_age":0,"max_msgs":-1,\
            "max_bytes":-1,"discard":"old"}
            """
        send(text: "PUB $JS.API.STREAM.CREATE.bench _INBOX.\(number) \(request.utf8.count)\r\n\(request)\r\n")
        while received.isEmpty || !received.ends(with: Array("}\r\n".utf8)) { fill() }
        guard received.holds("\"config\"") else { give(up: String(decoding: received, as: UTF8.self)) }
        received.removeAll()
    }

    /// Publishes so many messages at once.
    func publish(_ count: Int, _ message: [UInt8], at time: UInt64) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * message.count)
        for _ in 0..<count {
            bytes += message
            sent.append(time)
        }
        send(bytes)
    }

    /// A publication of the payload that asks for an acknowledgement on this connection.
    func message(_ payload: [UInt8]) -> [UInt8] {
        Array("PUB bench _INBOX.\(number) \(payload.count)\r\n".utf8) + payload + Array("\r\n".utf8)
    }

    /// Reads what there is; tells the latency of each message that was acknowledged.
    func receive(_ body: (UInt64) -> Void) -> Int {
        fill()
        let now = nanoseconds()
        var place = 0
        var count = 0
        while let line = received.line(from: place) {
            // MSG <subject> <sid> <bytes>
            if received[place] == UInt8(ascii: "M") {
                var length = 0
                var digit = line - 1
                while received[digit] != UInt8(ascii: " ") { digit -= 1 }
                for index in digit + 1..<line { length = length * 10 + Int(received[index] - UInt8(ascii: "0")) }
                let end = line + 2 + length + 2
                guard end <= received.count else { break }
                // {"stream":"bench", "seq":17}: an error would not begin so.
                guard received[line + 4] == UInt8(ascii: "s"), length < 80 else {
                    give(up: "not acknowledged: " + String(decoding: received[line..<end], as: UTF8.self))
                }
                body(now - sent[acknowledged])
                acknowledged += 1
                count += 1
                place = end
            } else if received[place] == UInt8(ascii: "P") {
                send(text: "PONG\r\n")
                place = line + 2
            } else {
                give(up: String(decoding: received[place..<line], as: UTF8.self))
            }
        }
        received.removeFirst(place)
        if acknowledged > 4096 {
            sent.removeFirst(acknowledged)
            acknowledged = 0
        }
        return count
    }
}

extension [UInt8] {
    /// Where the line that begins at `start` ends, before its CR LF; nil when it is not whole.
    func line(from start: Int) -> Int? {
        var place = start
        while place + 1 < count {
            if self[place] == 13, self[place + 1] == 10 { return place }
            place += 1
        }
        return nil
    }

    func ends(with suffix: [UInt8]) -> Bool { count >= suffix.count && self[(count - suffix.count)...].elementsEqual(suffix) }

    func holds(_ text: String) -> Bool { String(decoding: self, as: UTF8.self).contains(text) }
}

func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
