/// The one HTTP listener: AWS calls to the dispatcher, pages to whoever looks after the node.

public import AWSWire
public import Logging
import NIOCore
import NIOPosix
public import NodeMetrics
public import ServiceLifecycle

/// Serves until it is shut down: run it in a `ServiceGroup`, or call `run()` in a task and cancel that.
///
/// On graceful shutdown it takes no more connections, closes idle ones, lets requests in flight end, and after the deadline closes
/// whatever is left.
public struct HTTPDoor: Service {
    private let context: DoorContext
    private let onListening: @Sendable (_ host: String, _ port: Int) async -> Void

    /// - Parameters:
    ///   - dispatcher: the AWS services.
    ///   - readiness: nil when the node is ready; else why it is not, for `/readyz`.
    ///   - downloads: what GET sends that is too long for memory, by path.
    ///   - pageGate: asked before a page or a download; without one all are open.
    ///   - metrics: what `/metrics` shows; the door adds its own.
    ///   - onListening: is told the address once connections are accepted.
    public init(
        _ settings: Settings = Settings(), dispatcher: AWSDispatcher, readiness: @escaping @Sendable () async -> String? = { nil },
        downloads: [String: @Sendable () async -> Download.Answer] = [:], pageGate: PageGate? = nil,
        metrics: MetricsRegistry, logger: Logger,
        onListening: @escaping @Sendable (_ host: String, _ port: Int) async -> Void = { _, _ in }
    ) {
        self.onListening = onListening
        context = DoorContext(
            settings: settings, dispatcher: dispatcher,
            pages: PageResponder(
                pages: Pages(metrics: metrics, readiness: readiness), downloads: downloads, logger: logger), pageGate: pageGate,
            metrics: metrics, logger: logger)
    }

    /// Listens and serves. Returns when shutdown is complete.
    /// - Throws: when the address cannot be listened on.
    public func run() async throws {
        let settings = context.settings
        let listener = try await Listener.open(context)
        await onListening(settings.host, listener.port ?? settings.port)
        // It throws when the task is cancelled: then nothing is waited for.
        let isGraceful = (try? await gracefulShutdown()) != nil
        await listener.close(within: isGraceful ? settings.shutdownDeadline : .zero)
    }
}
