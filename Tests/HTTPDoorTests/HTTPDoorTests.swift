/// The door over real sockets: calls, pages, bounds and shutdown.

import AWSWire
import Dispatch
import HTTPDoor
import Logging
import NodeMetrics
import ServiceLifecycle
import Synchronization
import Testing

/// Answers with the text of its request; waits first if the test holds it.
enum Echo: AWSOperation {
    struct Request: WireReadable {
        var text: String?
        init(_ fields: WireFields) throws(AWSError) { text = try fields.string("Text") }
    }
    struct Response: AWSResponse {
        var text: String
        func write(to writer: inout WireWriter) { writer.object { $0.field("Text", text) } }
    }
    static let rules: [Rule<Request>] = [.member("text", \.text, .notNull)]
    static let errors: [AWSError.Name] = []
    static let memoryBound = 100_000
    static func resources(_ request: Request, _ gate: Gate) -> [ResourceName] { [] }

    static func run(_ request: Request, _ gate: Gate, _ call: AWSCall) async throws(AWSError) -> Response {
        if request.text == "wait" { await gate.pass() }
        return Response(text: request.text ?? "")
    }
}

/// Holds calls until it is opened, and tells when one has come.
actor Gate {
    private var isOpen = false
    private var held: [CheckedContinuation<Void, Never>] = []
    private var arrivals: [CheckedContinuation<Void, Never>] = []

    func pass() async {
        for arrival in arrivals { arrival.resume() }
        arrivals = []
        if isOpen { return }
        await withCheckedContinuation { held.append($0) }
    }

    func open() {
        isOpen = true
        for waiter in held { waiter.resume() }
        held = []
    }

    func someoneWaits() async {
        if !held.isEmpty { return }
        await withCheckedContinuation { arrivals.append($0) }
    }
}

/// Runs blocking calls on a thread of their own.
func offPool<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Result { try work() }) }
    }
}

/// Serves on a free port while `body` runs, then shuts down.
func withDoor(
    memoryLimit: Int = 16 << 20, deadline: Duration = .seconds(20), readiness: @escaping @Sendable () async -> String? = { nil },
    downloads: [String: @Sendable () async -> Download.Answer] = [:], settings change: (inout HTTPDoor.Settings) -> Void = { _ in },
    _ body: @escaping @Sendable (_ port: Int, _ gate: Gate, _ group: ServiceGroup) async throws -> Void
) async throws {
    let gate = Gate()
    let metrics = MetricsRegistry()
    let (ports, port) = AsyncStream.makeStream(of: Int.self)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    var settings = HTTPDoor.Settings()
    (settings.port, settings.memoryLimit, settings.shutdownDeadline) = (0, memoryLimit, deadline)
    change(&settings)
    let door = HTTPDoor(
        settings,
        dispatcher: AWSDispatcher([
            AWSService(
                prefix: "Test_1", serving: gate,
                [.operation(Echo.self), .direct(Fill.self), .direct(Ponder.self), .direct(Drip.self), .direct(Flood.self)])
        ]),
        readiness: readiness,
        downloads: downloads, metrics: metrics, logger: logger
    ) { _, bound in port.yield(bound) }
    let group = ServiceGroup(configuration: .init(services: [.init(service: door)], logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        tasks.addTask {
            for await port in ports {
                do {
                    try await body(port, gate, group)
                } catch {
                    await gate.open()
                    await group.triggerGracefulShutdown()
                    throw error
                }
                await gate.open()
                await group.triggerGracefulShutdown()
                return
            }
        }
        try await tasks.waitForAll()
    }
}

func post(_ body: String, target: String = "Test_1.Echo", more: String = "") -> String {
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: \(target)\r\n\(more)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

@Suite(.serialized) struct HTTPDoorTests {
    @Test("calls are answered one after the other on one connection, also when they are sent at once")
    func pipelining() async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                try client.send(post(#"{"Text":"a"}"#))
                let answer = try client.receive()
                #expect(answer.status == 200)
                #expect(answer.body == #"{"Text":"a"}"#)
                #expect(answer.headers["content-type"] == "application/x-amz-json-1.1")
                #expect(answer.headers["x-amzn-requestid"]?.count == 36)
                #expect(answer.headers["date"] != nil)
                try client.send((0..<20).map { post(#"{"Text":"\#($0)"}"#) }.joined())
                for number in 0..<20 { #expect(try client.receive().body == #"{"Text":"\#(number)"}"#) }
                try client.send(post("{}"))
                #expect(try client.receive().status == 400)
                try client.send(post(#"{"Text":"b"}"#, more: "Connection: close\r\n"))
                #expect(try client.receive().status == 200)
                #expect(client.isClosed())
            }
        }
    }

    @Test("a body may come in chunks and in pieces")
    func chunked() async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                let head =
                    "POST /any/path?x=1 HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Test_1.Echo\r\nTransfer-Encoding: chunked\r\n\r\n"
                for piece in [head, "5\r\n{\"Tex\r\n", "7\r\nt\":\"c\"}\r\n", "0\r\n\r\n"] { try client.send(piece) }
                #expect(try client.receive().body == #"{"Text":"c"}"#)
            }
        }
    }

    @Test("what names no operation is answered as AWS does, whatever the path")
    func strangers() async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                try client.send("GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n")
                var answer = try client.receive()
                #expect(answer.status == 403)
                #expect(answer.body.contains("AccessDeniedException"))
                try client.send(post("{}", target: "Test_1.Nothing"))
                answer = try client.receive()
                #expect(answer.status == 400 && answer.body == #"{"__type":"UnknownOperationException"}"#)
                try client.send(post(#"{"Text":"still here"}"#))
                #expect(try client.receive().status == 200)
            }
        }
    }

    @Test("a body past the operation's bound is refused, stated or not, and the connection goes on")
    func tooLarge() async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                let body = #"{"Text":"\#(String(repeating: "x", count: 300_000))"}"#
                try client.send(post(body))
                #expect(try client.receive().status == 413)
                try client.send(
                    "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Test_1.Echo\r\nTransfer-Encoding: chunked\r\n\r\n\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
                )
                #expect(try client.receive().status == 413)
                try client.send(post(#"{"Text":"a"}"#))
                #expect(try client.receive().status == 200)
            }
        }
    }

    @Test("calls past the memory limit are refused with 503 before their bodies are read")
    func overload() async throws {
        // Enough for one call of a short body (16 KiB and six times its length).
        try await withDoor(memoryLimit: 20 << 10) { port, gate, _ in
            let first = Task {
                try await offPool {
                    let client = try RawClient(port: port)
                    try client.send(post(#"{"Text":"wait"}"#))
                    return try client.receive().status
                }
            }
            await gate.someoneWaits()
            try await offPool {
                let client = try RawClient(port: port)
                try client.send(post(#"{"Text":"a"}"#))
                let answer = try client.receive()
                #expect(answer.status == 503)
                #expect(answer.body.contains("ServiceUnavailableException"))
            }
            await gate.open()
            #expect(try await first.value == 200)
            try await offPool {
                let client = try RawClient(port: port)
                try client.send(post(#"{"Text":"a"}"#))
                #expect(try client.receive().status == 200)
            }
        }
    }

    @Test("the pages tell of life, readiness and metrics")
    func pages() async throws {
        let reason = Mutex<String?>("recovering")
        try await withDoor(readiness: { reason.withLock { $0 } }) { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                func get(_ path: String) throws -> RawClient.Answer {
                    try client.send("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                    return try client.receive()
                }
                #expect(try get("/healthz").status == 200)
                #expect(try get("/").status == 200)
                var ready = try get("/readyz")
                #expect(ready.status == 503 && ready.body == "recovering\n")
                reason.withLock { $0 = nil }
                ready = try get("/readyz")
                #expect(ready.status == 200)
                try client.send(post(#"{"Text":"a"}"#))
                _ = try client.receive()
                let metrics = try get("/metrics")
                #expect(metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
                #expect(metrics.body.contains("millrace_connections{protocol=\"http\"} 1\n"))
                #expect(metrics.body.contains("millrace_http_requests_total{status=\"2xx\"} 1\n"))
                #expect(metrics.body.contains("millrace_http_request_duration_seconds_count 1\n"))
                #expect(metrics.body.contains("millrace_memory_reserved_bytes 0\n"))
            }
        }
    }

    @Test("HEAD is answered without a body, so that the next answer on the connection is understood")
    func head() async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                try client.send("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\nHEAD /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
                try client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try client.receive(ofHead: true).status == 200)
                #expect(try client.receive(ofHead: true).status == 403)
                let answer = try client.receive()
                #expect(answer.status == 200)
                #expect(answer.body == "ok\n")
            }
        }
    }

    @Test("shutdown closes idle connections and lets a call in flight end")
    func gracefulShutdown() async throws {
        try await withDoor { port, gate, group in
            let idle = try await offPool {
                let client = try RawClient(port: port)
                try client.send(post(#"{"Text":"a"}"#))
                _ = try client.receive()
                return UncheckedClient(client)
            }
            let call = Task {
                try await offPool {
                    let client = try RawClient(port: port)
                    try client.send(post(#"{"Text":"wait"}"#))
                    return try client.receive().body
                }
            }
            await gate.someoneWaits()
            await group.triggerGracefulShutdown()
            #expect(try await offPool { idle.client.isClosed() })
            await gate.open()
            #expect(try await call.value == #"{"Text":"wait"}"#)
        }
    }

    @Test("shutdown does not wait past its deadline for a connection that is stuck in a body")
    func deadline() async throws {
        try await withDoor(deadline: .milliseconds(50)) { port, _, group in
            let stuck = try await offPool {
                let client = try RawClient(port: port)
                try client.send(post(#"{"Text":"a"}"#))
                _ = try client.receive()
                try client.send(
                    "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Test_1.Echo\r\nContent-Length: 50\r\n\r\n{"
                )
                return UncheckedClient(client)
            }
            await group.triggerGracefulShutdown()
            #expect(try await offPool { stuck.client.isClosed() })
        }
    }

    @Test("bytes that are not HTTP get a 400 and the end of the connection")
    func garbage() async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                try client.send("\u{16}\u{3}\u{1} nonsense\r\n\r\n")
                #expect(try client.receive().status == 400)
                #expect(client.isClosed())
            }
        }
    }
}

/// Passes a client from one thread to the next, which use it one after the other.
struct UncheckedClient: @unchecked Sendable {
    let client: RawClient
    init(_ client: RawClient) { self.client = client }
}
