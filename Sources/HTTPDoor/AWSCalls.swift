/// Between HTTP and the dispatcher: the head first, then memory, then the body within its bound, then the call.

import AWSWire
import HTTPTypes
import Hummingbird
import NIOCore
import NodeMetrics

/// Serves AWS calls.
struct AWSCalls: Sendable {
    private let dispatcher: AWSDispatcher
    private let budget: MemoryBudget
    /// By the first digit of the status: 2, 4 and 5.
    private let requests: [Int: Counter]
    private let duration: Histogram

    /// Reserved for a call however short its body is.
    private static let leastMemory = 16 << 10

    init(_ dispatcher: AWSDispatcher, _ budget: MemoryBudget, _ metrics: MetricsRegistry) {
        self.dispatcher = dispatcher
        self.budget = budget
        requests = Dictionary(
            uniqueKeysWithValues: [2, 4, 5].map { digit in
                (
                    digit,
                    metrics.counter(
                        "millrace_http_requests_total", help: "AWS calls answered, by class of status.",
                        labels: [("status", "\(digit)xx")])
                )
            })
        duration = metrics.histogram(
            "millrace_http_request_duration_seconds", help: "Time from a call's head to its answer, in seconds.")
        metrics.sampledGauge("millrace_memory_reserved_bytes", help: "Memory reserved for calls in flight.") {
            [MetricsRegistry.Sample(Double(budget.reserved))]
        }
    }

    func respond(to request: Request) async -> Response {
        let start = ContinuousClock.now
        let reply = await reply(to: request)
        requests[reply.status / 100]?.add()
        duration.observe(nanoseconds: Self.nanoseconds(start.duration(to: .now)))
        return Self.response(reply)
    }

    private func reply(to request: Request) async -> AWSReply {
        let head = Self.head(request)
        let call: AdmittedCall
        switch dispatcher.admit(head) {
        case .answer(let reply): return reply
        case .call(let admitted): call = admitted
        }
        // An unread body is passed over by the server, a piece at a time.
        guard head.bodyLength ?? 0 <= call.memoryBound else { return call.tooLarge() }
        let memory = Self.leastMemory + AWSCall.memoryFactor * (head.bodyLength ?? call.memoryBound)
        guard let lease = budget.lease(memory) else { return call.overloaded() }
        guard let body = await body(of: request, call.memoryBound, expected: head.bodyLength) else { return call.tooLarge() }
        return await call.answer(body, memory: lease)
    }

    /// The body; nil when it is longer than the bound or the connection breaks off before its end: half a request must not be run,
    /// even if what came of it can be read.
    private func body(of request: Request, _ bound: Int, expected: Int?) async -> [UInt8]? {
        var body: [UInt8] = []
        body.reserveCapacity(min(expected ?? 0, bound))
        do {
            for try await part in request.body {
                guard part.readableBytes <= bound - body.count else { return nil }
                body.append(contentsOf: part.readableBytesView)
            }
        } catch {
            return nil
        }
        return body.count < expected ?? 0 ? nil : body
    }

    private static func head(_ request: Request) -> RequestHead {
        let headers = request.headers
        // A length that is no number is one that only the body's end will tell.
        let length = headers[.contentLength].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
        let isChunked = headers[.transferEncoding] != nil
        return RequestHead(
            method: request.method.rawValue, target: request.uri.string, headers.map { ($0.name.rawName, $0.value) },
            bodyLength: isChunked ? nil : length ?? 0)
    }

    private static func response(_ reply: AWSReply) -> Response {
        var headers = HTTPFields()
        var fields = [("x-amzn-RequestId", reply.head.id.text), ("x-amz-id-2", reply.head.id.extendedText)]
        if let type = reply.head.contentType { fields.append(("Content-Type", "\(type)")) }
        if let error = reply.head.error { fields.append(("x-amzn-ErrorType", error.rawValue)) }
        for field in fields {
            if let name = HTTPField.Name(field.0) { headers.append(HTTPField(name: name, value: field.1)) }
        }
        return Response(
            status: HTTPResponse.Status(code: reply.status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body)))
    }

    private static func nanoseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        return UInt64(clamping: seconds) &* 1_000_000_000 &+ UInt64(clamping: attoseconds / 1_000_000_000)
    }
}
