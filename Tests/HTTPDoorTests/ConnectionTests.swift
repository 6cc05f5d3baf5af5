/// What peers may do to a connection, and what that does to it and to others: real sockets, one at a time.

import AWSWire
import Dispatch
import HTTPDoor
import Synchronization
import Testing

@Suite struct ConnectionTests {
    private static let head =
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Test_1.Echo\r\n"

    @Test("a peer that has closed its sending half gets its answers, all of them, and then the end")
    func halfClosed() async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                try client.send((0..<3).map { post(#"{"Text":"\#($0)"}"#) }.joined())
                client.endSending()
                for number in 0..<3 { #expect(try client.receive().body == #"{"Text":"\#(number)"}"#) }
                #expect(client.isClosed())
            }
        }
    }

    @Test(
        "half a request is not run",
        arguments: ["", "Content-Length: 12\r\n\r\n{\"Text\"", "Transfer-Encoding: chunked\r\n\r\nc\r\n{\"Text\":\"a\"}\r\n"])
    func halfARequest(rest: String) async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                try client.send(Self.head + rest)
                client.endSending()
                #expect(client.isClosed())
            }
        }
    }

    @Test("a client that asks before it sends a body is answered at once")
    func expectation() async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                try client.send(Self.head + "Expect: 100-continue\r\nContent-Length: 12\r\n\r\n")
                #expect(try client.receive().status == 100)
                try client.send(#"{"Text":"a"}"#)
                #expect(try client.receive().status == 200)
                // One that does not wait needs no leave.
                try client.send(Self.head + "Expect: 100-continue\r\nContent-Length: 12\r\n\r\n" + #"{"Text":"b"}"#)
                #expect(try client.receive().body == #"{"Text":"b"}"#)
                // A refusal comes instead of leave, and whether the body comes then nobody knows.
                try client.send(Self.head + "Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n")
                let answer = try client.receive()
                #expect(answer.status == 413 && answer.headers["connection"] == "close")
                client.endSending()
                #expect(client.isClosed())
            }
        }
    }

    @Test("HTTP/1.0 is served, and its connection stays only when it asks for that")
    func version10() async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                let body = #"{"Text":"a"}"#
                let request =
                    "POST / HTTP/1.0\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Test_1.Echo\r\nContent-Length: 12\r\n"
                try client.send(request + "Connection: keep-alive\r\n\r\n" + body)
                let answer = try client.receive()
                #expect(answer.body == body && answer.headers["connection"] == "keep-alive")
                try client.send(request + "\r\n" + body)
                #expect(try client.receive().headers["connection"] == "close")
                #expect(client.isClosed())
            }
        }
    }

    @Test("a head that does not come in time is given up, and so is a body")
    func slow() async throws {
        try await withDoor(settings: {
            $0.headTimeout = .milliseconds(200)
            $0.bodyGrace = .milliseconds(200)
            $0.leastBodyRate = 1 << 30
        }) { port, _, _ in
            try await offPool {
                for begun in ["P", Self.head, Self.head + "Content-Length: 12\r\n\r\n{", "GET / HTTP/1.1\r\nHost"] {
                    let client = try RawClient(port: port)
                    try client.send(begun)
                    #expect(try client.receive().status == 408)
                    client.endSending()
                    #expect(client.isClosed())
                }
                // One that has answered before is held to the same.
                let client = try RawClient(port: port)
                try client.send(post(#"{"Text":"a"}"#))
                #expect(try client.receive().status == 200)
                try client.send("POST")
                #expect(try client.receive().status == 408)
            }
        }
    }

    @Test("a silent connection is closed after the idle time, one with a call under way is not")
    func idle() async throws {
        try await withDoor(settings: {
            $0.idleTimeout = .milliseconds(200)
        }) { port, gate, _ in
            let waiting = Task {
                try await offPool {
                    let client = try RawClient(port: port)
                    try client.send(post(#"{"Text":"wait"}"#))
                    return try client.receive().status
                }
            }
            await gate.someoneWaits()
            try await offPool {
                let silent = try RawClient(port: port)
                #expect(silent.isClosed())
                let used = try RawClient(port: port)
                try used.send(post(#"{"Text":"a"}"#))
                #expect(try used.receive().status == 200)
                #expect(used.isClosed())
            }
            await gate.open()
            #expect(try await waiting.value == 200)
        }
    }

    @Test("an answer that is not taken holds its memory, and is given up after a time; meanwhile calls past the limit are refused")
    func neverReading() async throws {
        // Room for one answer of 64 MiB and what is around it.
        try await withDoor(
            memoryLimit: 80 << 20,
            settings: {
                $0.stallTimeout = .milliseconds(1500)
            }
        ) { port, _, _ in
            try await offPool {
                let stalled = try RawClient(port: port)
                try stalled.send(post(#"{"Text":"\#(64 << 20)"}"#, target: "Test_1.Fill"))
                let other = try RawClient(port: port)
                var refused = 0
                while true {
                    try other.send(post(#"{"Text":"\#(32 << 20)"}"#, target: "Test_1.Fill"))
                    let answer = try other.receiveSize()
                    if answer.status == 200, refused == 0 { continue }
                    if answer.status == 200 { break }
                    #expect(answer.status == 503)
                    refused += 1
                    // Small calls go on.
                    try other.send(post(#"{"Text":"a"}"#))
                    #expect(try other.receive().status == 200)
                }
                #expect(try stalled.received() < 64 << 20)
            }
        }
    }

    @Test("a peer that takes its answer slowly, but takes it, gets all of it")
    func slowReader() async throws {
        let size = 12 << 20
        try await withDoor(
            memoryLimit: 2 * size,
            settings: {
                $0.stallTimeout = .seconds(1)
            }
        ) { port, _, _ in
            try await offPool {
                // With a small window the kernel tells of each read; what it holds itself is more than this reads in the stall time.
                let client = try RawClient(port: port, receiveBuffer: 128 << 10)
                try client.send(post(#"{"Text":"\#(size)"}"#, target: "Test_1.Fill"))
                try client.dawdle(bytes: 16 << 10, every: .milliseconds(50), for: .seconds(3))
                #expect(try client.receiveSize() == (200, size))
            }
        }
    }

    @Test("the rules for web pages look at the host that the request's first line names")
    func absoluteTargets() async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                let rest =
                    "\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Test_1.Echo\r\nContent-Length: 12\r\n\r\n{\"Text\":\"a\"}"
                try client.send("POST http://localhost:\(port)/any HTTP/1.1\r\nHost: evil.example" + rest)
                #expect(try client.receive().body == #"{"Text":"a"}"#)
                try client.send("POST http://evil.example/ HTTP/1.1\r\nHost: localhost" + rest)
                #expect(try client.receive().status == 403)
                try client.send("POST http://localhost/ HTTP/1.1\r\nHost: h\r\nOrigin: http://h" + rest)
                #expect(try client.receive().status == 403)
                try client.send("GET http://localhost/healthz HTTP/1.2\r\nHost: h\r\n\r\n")
                #expect(try client.receive().body == "ok\n")
            }
        }
    }

    @Test("a large body that takes long to read holds nobody up; a plain one is read at once")
    func largeBodies() async throws {
        try await withDoor { port, gate, _ in
            let large = Task {
                try await offPool {
                    let client = try RawClient(port: port)
                    try client.send(post("#" + String(repeating: "x", count: 99_999), target: "Test_1.Ponder"))
                    return try client.receive().body
                }
            }
            await gate.someoneWaits()
            try await offPool {
                let client = try RawClient(port: port)
                try client.send(post(#"{"Text":"a"}"#))
                #expect(try client.receive().status == 200)
                try client.send(post("!" + String(repeating: "x", count: 99_999), target: "Test_1.Ponder"))
                #expect(try client.receive().body == "-100000")
            }
            await gate.open()
            #expect(try await large.value == "100000")
        }
    }

    @Test("chunks may be as short as they like, and come as they like", arguments: [1, 3, 100, 100_000])
    func shortChunks(pieces: Int) async throws {
        let body = #"{"Text":"\#(String(repeating: "abc", count: 1000))"}"#
        var text = body.map { "1;x=y\r\n\($0)\r\n" }.joined() + "0\r\nTrailer: t\r\n\r\n"
        text = Self.head + "Transfer-Encoding: chunked\r\n\r\n" + text
        let request = text + post(#"{"Text":"next"}"#) + text.replacing("a\r\n1;x=y\r\nb", with: "ab\r\n1;x=y\r\nb")
        try await withDoor { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                var rest = request.utf8[...]
                while !rest.isEmpty {
                    try client.send(String(Substring(rest.prefix(pieces))))
                    rest = rest.dropFirst(pieces)
                }
                #expect(try client.receive().body == body)
                #expect(try client.receive().body == #"{"Text":"next"}"#)
                // A chunk that is longer than it says.
                #expect(try client.receive().status == 400)
                client.endSending()
                #expect(client.isClosed())
            }
        }
    }

    @Test("connections past the limit get 503 and the end; when one goes, another may come")
    func tooMany() async throws {
        try await withDoor(settings: {
            $0.maxConnections = 3
        }) { port, _, _ in
            try await offPool {
                var clients = try (0..<3).map { _ in try RawClient(port: port) }
                for client in clients {
                    try client.send(post(#"{"Text":"a"}"#))
                    #expect(try client.receive().status == 200)
                }
                let surplus = try RawClient(port: port)
                #expect(try surplus.receive().status == 503)
                #expect(surplus.isClosed())
                clients[0].endSending()
                #expect(clients[0].isClosed())
                clients.removeFirst()
                let next = try RawClient(port: port)
                try next.send("GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
                let page = try next.receive()
                #expect(page.body.contains("millrace_connections{protocol=\"http\"} 3\n"))
                #expect(page.body.contains("millrace_connections_refused_total{protocol=\"http\"} 1\n"))
            }
        }
    }

    @Test("a web page of another origin, or under another name, gets nowhere: no call, no page, no download, no preflight")
    func browsers() async throws {
        let noted = Noted()
        try await withDoor(
            downloads: ["/backup": { noted.note() }],
            settings: {
                $0.allowedOrigins = ["https://app.example"]
            }
        ) { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                for path in ["/", "/metrics", "/backup", "/healthz", "/any"] {
                    for fields in ["Host: evil.example", "Host: localhost\r\nOrigin: http://evil.example"] {
                        for method in ["GET", "POST", "OPTIONS", "DELETE"] {
                            try client.send(
                                "\(method) \(path) HTTP/1.1\r\n\(fields)\r\nX-Amz-Target: Test_1.Echo\r\nContent-Type: application/x-amz-json-1.1\r\nAccess-Control-Request-Method: POST\r\nContent-Length: 0\r\n\r\n"
                            )
                            let answer = try client.receive()
                            #expect(answer.status == 403)
                            #expect(answer.body.contains("allowed-hosts") || answer.body.contains("allowed-origins"))
                            #expect(answer.headers["access-control-allow-origin"] == nil)
                        }
                    }
                }
                // To begin a download is to do something, whatever the method says: an image of any page could.
                try client.send("GET /backup HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n")
                #expect(try client.receive().status == 403)
                try client.send(post(#"{"Text":"a"}"#, more: "Origin: https://app.example\r\n"))
                var answer = try client.receive()
                #expect(answer.status == 200 && answer.headers["access-control-allow-origin"] == "https://app.example")
                #expect(answer.headers["vary"] == "Origin")
                try client.send(
                    "OPTIONS / HTTP/1.1\r\nHost: h\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-amz-target\r\n\r\n"
                )
                answer = try client.receive()
                #expect(answer.status == 200 && answer.headers["access-control-allow-methods"] == "POST")
                #expect(answer.headers["access-control-allow-headers"] == "x-amz-target" && answer.headers["x-amz-id-2"] == nil)
                #expect(answer.headers["access-control-max-age"] == "172800")
            }
        }
        #expect(noted.count == 0)
    }

    /// Counts how often a download was begun.
    private final class Noted: Sendable {
        private let state = Mutex(0)
        var count: Int { state.withLock { $0 } }
        func note() -> Download.Answer {
            state.withLock { $0 += 1 }
            return .refusal(status: 409, reason: "busy")
        }
    }
}

/// Answers with how many bytes its body has; reading a body that begins with `#` takes until the gate is opened.
enum Ponder: DirectOperation {
    static let errors: [AWSError.Name] = []
    static let memoryBound = 1 << 20

    static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ gate: Gate) throws(AWSError) -> Int {
        if body.first == UInt8(ascii: "#") {
            let passed = DispatchSemaphore(value: 0)
            Task {
                await gate.pass()
                passed.signal()
            }
            passed.wait()
        }
        return body.count
    }
    static func readPlain(_ body: UnsafeRawBufferPointer, _ format: WireFormat) -> Int? {
        body.first == UInt8(ascii: "!") ? -body.count : nil
    }
    static func resources(_ request: borrowing Int, _ gate: Gate) -> [ResourceName] { [] }
    static func start(_ request: consuming Int, _ gate: Gate, _ call: DirectCall) {
        // On the loop, or this trips.
        call.succeed(Array("\(request)".utf8))
    }
}

/// Answers at once, on the event loop, with as many bytes as its request says.
enum Fill: DirectOperation {
    static let errors: [AWSError.Name] = []
    static let memoryBound = 1000

    static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ gate: Gate) throws(AWSError) -> Int {
        Int(String(decoding: body.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }, as: UTF8.self)) ?? 0
    }
    static func resources(_ request: borrowing Int, _ gate: Gate) -> [ResourceName] { [] }
    static func start(_ request: consuming Int, _ gate: Gate, _ call: DirectCall) {
        let count = request
        call.succeed(capacity: count) { buffer in
            buffer.initializeMemory(as: UInt8.self, repeating: 65)
            return count
        }
    }
}
