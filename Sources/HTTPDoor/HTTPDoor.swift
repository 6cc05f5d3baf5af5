/// The one HTTP listener: AWS calls to the dispatcher, pages to whoever looks after the node.

public import AWSWire
import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import NodeMetrics
public import ServiceLifecycle

/// Serves until it is shut down: run it in a `ServiceGroup`, or call `run()` in a task and cancel that.
///
/// On graceful shutdown it takes no more connections, closes idle ones, lets requests in flight end, and after the deadline closes
/// whatever is left.
public struct HTTPDoor: Service {
    /// Where to listen and within which bounds.
    public struct Settings: Sendable {
        public var host: String
        /// 0 picks a free one, which `onListening` tells.
        public var port: Int
        /// Bytes that requests in flight may take together, bodies and answers; past it they are refused with 503.
        public var memoryLimit: Int
        /// Seconds after which a connection without requests is closed.
        public var idleTimeout: Int64
        /// How long requests in flight may take after shutdown has begun.
        public var shutdownDeadline: Duration

        public init(
            host: String = "127.0.0.1", port: Int = 4566, memoryLimit: Int = 256 << 20, idleTimeout: Int64 = 600,
            shutdownDeadline: Duration = .seconds(10)
        ) {
            self.host = host
            self.port = port
            self.memoryLimit = memoryLimit
            self.idleTimeout = idleTimeout
            self.shutdownDeadline = shutdownDeadline
        }
    }

    private let settings: Settings
    private let responder: DoorResponder
    private let connections: Gauge
    private let logger: Logger
    private let onListening: @Sendable (_ host: String, _ port: Int) async -> Void

    /// - Parameters:
    ///   - dispatcher: the AWS services.
    ///   - readiness: nil when the node is ready; else why it is not, for `/readyz`.
    ///   - downloads: what GET sends that is too long for memory, by path.
    ///   - metrics: what `/metrics` shows; the door adds its own.
    ///   - onListening: is told the address once connections are accepted.
    public init(
        _ settings: Settings = Settings(), dispatcher: AWSDispatcher, readiness: @escaping @Sendable () async -> String? = { nil },
        downloads: [String: @Sendable () async -> Download.Answer] = [:], metrics: MetricsRegistry, logger: Logger,
        onListening: @escaping @Sendable (_ host: String, _ port: Int) async -> Void = { _, _ in }
    ) {
        self.settings = settings
        self.logger = logger
        self.onListening = onListening
        connections = metrics.gauge("millrace_connections", help: "Open connections.", labels: [("protocol", "http")])
        responder = DoorResponder(
            pages: Pages(metrics: metrics, readiness: readiness), downloads: downloads,
            calls: AWSCalls(dispatcher, MemoryBudget(limit: settings.memoryLimit), metrics))
    }

    /// Listens and serves. Returns when shutdown is complete.
    /// - Throws: when the address cannot be listened on.
    public func run() async throws {
        let (settings, connections, onListening) = (settings, connections, onListening)
        let channel = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionCounter(connections)], idleTimeout: .seconds(settings.idleTimeout))
        let application = Application(
            responder: responder, server: .http1(configuration: channel),
            configuration: ApplicationConfiguration(address: .hostname(settings.host, port: settings.port), serverName: nil),
            onServerRunning: { channel in
                await onListening(settings.host, channel.localAddress?.port ?? settings.port)
            },
            logger: logger)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await application.run()
                return true
            }
            group.addTask {
                try await gracefulShutdown()
                try await Task.sleep(for: settings.shutdownDeadline)
                return false
            }
            // Either the server ended by itself or the deadline passed; then cancelling closes what is left.
            do {
                _ = try await group.next()
                group.cancelAll()
                while try await group.next() != nil {}
            } catch is CancellationError {
                group.cancelAll()
            }
        }
    }
}
