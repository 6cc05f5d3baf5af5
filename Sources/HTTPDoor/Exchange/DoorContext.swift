/// What all connections share, and what those of one event loop share.

public import AWSWire
import Glibc
import Logging
import NIOCore
import NodeMetrics
import Synchronization

/// Says what forbids a page to whoever asks for it, as status and reason; nil where nothing does.
public typealias PageGate = @Sendable (RequestHead) -> (status: Int, reason: String)?

/// The door's settings, services and counters, for every event loop.
final class DoorContext: Sendable {
    let settings: HTTPDoor.Settings
    let browsers: BrowserRules
    let dispatcher: AWSDispatcher
    /// For calls.
    let budget: MemoryBudget
    /// What is done when memory for calls is short.
    let relief: MemoryRelief
    /// For pages and downloads, so that calls cannot keep an operator from looking.
    let pageBudget = MemoryBudget(limit: 32 << 20)
    let pages: PageResponder
    /// What forbids a page, as status and reason.
    let pageGate: PageGate?
    let instruments: DoorInstruments
    let logger: Logger

    init(
        settings: HTTPDoor.Settings, dispatcher: AWSDispatcher, pages: PageResponder, pageGate: PageGate? = nil,
        metrics: MetricsRegistry, logger: Logger
    ) {
        self.pageGate = pageGate
        self.settings = settings
        browsers = BrowserRules(allowedHosts: settings.allowedHosts, allowedOrigins: settings.allowedOrigins)
        self.dispatcher = dispatcher
        self.pages = pages
        self.logger = logger
        let relief = MemoryRelief()
        self.relief = relief
        budget = MemoryBudget(limit: settings.memoryLimit) { relief.begin() }
        instruments = DoorInstruments(metrics, budget, settings.tls)
    }
}

/// When memory is short, peers that take nothing have had theirs long enough: what waits for them is worth less than the next call.
final class MemoryRelief: Sendable {
    /// A peer that has taken nothing for so long is closed when others need its memory.
    private static let patience = TimeAmount.seconds(1)

    private let work = Mutex<(@Sendable (_ done: @escaping @Sendable () -> Void) -> Void)?>(nil)
    private let isUnderWay = Atomic<Bool>(false)

    /// Closes stalled connections on each loop; many calls at once do it once.
    func begin() {
        guard !isUnderWay.exchange(true, ordering: .relaxed) else { return }
        guard let work = work.withLock({ $0 }) else { return isUnderWay.store(false, ordering: .relaxed) }
        work { self.isUnderWay.store(false, ordering: .relaxed) }
    }

    /// The loops whose connections are closed.
    func serve(_ loops: [(loop: any EventLoop, context: NIOLoopBound<LoopContext>)]) {
        work.withLock {
            $0 = { done in
                for (index, (loop, context)) in loops.enumerated() {
                    loop.execute {
                        context.value.sweeper.cut(stalledFor: Self.patience)
                        if index == loops.count - 1 { done() }
                    }
                }
            }
        }
    }
}

/// Is used on its event loop only.
final class LoopContext {
    let door: DoorContext
    let loop: any EventLoop
    /// Where calls are answered.
    let answers: AnswerLoop
    /// Whom the loop has served of late.
    let company: Company
    let lookout: Lookout
    let backlog: Backlog
    let sweeper: Sweeper
    /// For connections that speak TLS, one after the other.
    let scratch = TLSScratch()
    private var date = HTTPDate()
    /// The Host that was let in last: nearly always the next one too.
    private var admittedHost: [UInt8] = []

    init(_ door: DoorContext, _ loop: any EventLoop) {
        self.door = door
        self.loop = loop
        lookout = Lookout(loop)
        backlog = Backlog(loop)
        let company = Company()
        self.company = company
        answers = company.answers(on: loop)
        sweeper = Sweeper(loop, interval: door.settings.sweepInterval)
    }

    /// Makes a channel of the loop speak HTTP, over TLS too where there is a certificate.
    func serve(_ channel: any Channel) throws {
        let handlers = channel.pipeline.syncOperations
        guard let identity = door.settings.tls else { return try handlers.addHandler(HTTP1Connection(self, nil)) }
        let tls = TLSConnection(self, identity)
        try handlers.addHandlers([tls, HTTP1Connection(self, tls)])
    }

    /// Whether web pages' rules let a request in.
    func verdict(_ head: RequestHead, scheme: String) -> BrowserRules.Verdict {
        if !head.has(.origin), !head.has(.secFetchSite), !admittedHost.isEmpty,
            head.withBytes(of: .host, { $0.count == admittedHost.count && $0.elementsEqual(admittedHost) }) == true
        {
            return .allowed(origin: nil)
        }
        let verdict = door.browsers.verdict(head, scheme: scheme, acts: door.pages.isDownload(head))
        if case .allowed = verdict { admittedHost = head.withBytes(of: .host) { [UInt8]($0) } ?? [] }
        return verdict
    }

    /// The value of Date, with the characters of `HTTPDate.count`.
    func withDate<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { date.withBytes(at: time(nil), body) }
}

/// The Date field's value (RFC 9110, section 5.6.7), made once a second.
struct HTTPDate {
    /// Such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    static let count = 29
    private var second: Int?
    private var text: [UInt8] = []

    /// - Parameter now: seconds since 1970-01-01 UTC.
    mutating func withBytes<Result>(at now: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if second != now {
            text = Self.text(now)
            second = now
        }
        return text.withUnsafeBytes(body)
    }

    static func text(_ seconds: Int) -> [UInt8] {
        var moment = time_t(seconds)
        var parts = tm()
        gmtime_r(&moment, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let day = days[Int(parts.tm_wday) % 7]
        let month = months[Int(parts.tm_mon) % 12]
        let clock = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return Array("\(day), \(two(parts.tm_mday)) \(month) \(1900 + Int(parts.tm_year)) \(clock) GMT".utf8)
    }
}

/// What `/metrics` tells of the door.
struct DoorInstruments: Sendable {
    let connections: Gauge
    let refusedConnections: Counter
    let stalledConnections: Counter
    let lateRequests: Counter
    let duration: Histogram
    let handshakes: Counter
    let failedHandshakes: Counter
    /// By the first digit of the status, from 2.
    private let requests: [Counter]

    init(_ metrics: MetricsRegistry, _ budget: MemoryBudget, _ tls: TLSIdentity?) {
        connections = metrics.gauge("millrace_connections", help: "Open connections.", labels: [("protocol", "http")])
        refusedConnections = metrics.counter(
            "millrace_connections_refused_total", help: "Connections closed at once because there were too many.",
            labels: [("protocol", "http")])
        stalledConnections = metrics.counter(
            "millrace_connections_stalled_total", help: "Connections closed because the peer took nothing of its answer.",
            labels: [("protocol", "http")])
        lateRequests = metrics.counter(
            "millrace_http_late_requests_total", help: "Requests given up because their head or body came too slowly.")
        requests = [2, 3, 4, 5].map { digit in
            metrics.counter(
                "millrace_http_requests_total", help: "AWS calls answered, by class of status.",
                labels: [("status", "\(digit)xx")])
        }
        duration = metrics.histogram(
            "millrace_http_request_duration_seconds", help: "Time from a call's head to its answer, in seconds.")
        handshakes = metrics.counter(
            "millrace_tls_handshakes_total", help: "TLS handshakes with clients, by outcome.", labels: [("result", "done")])
        failedHandshakes = metrics.counter(
            "millrace_tls_handshakes_total", help: "TLS handshakes with clients, by outcome.", labels: [("result", "failed")])
        if let tls {
            metrics.sampledGauge(
                "millrace_tls_certificate_expiry_timestamp_seconds", help: "When the certificate shown to clients ends."
            ) {
                [MetricsRegistry.Sample(Double(tls.expires))]
            }
        }
        metrics.sampledGauge("millrace_memory_reserved_bytes", help: "Memory reserved for calls in flight.") {
            [MetricsRegistry.Sample(Double(budget.reserved))]
        }
    }

    func answered(_ status: Int, nanoseconds: UInt64) {
        requests[min(max(status / 100, 2), 5) - 2].add()
        duration.observe(nanoseconds: nanoseconds)
    }
}
