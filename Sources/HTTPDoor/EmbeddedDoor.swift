/// A door without sockets, for tests and measurements: connections of it are fed by hand.

package import AWSWire
package import Logging
package import NIOCore
package import NodeMetrics

/// The services behind connections whose bytes somebody else moves. All connections of it belong to one thread.
package struct EmbeddedDoor: Sendable {
    private let door: DoorContext

    /// A door without pages.
    package init(_ settings: HTTPDoor.Settings, _ dispatcher: AWSDispatcher, metrics: MetricsRegistry, logger: Logger) {
        door = DoorContext(
            settings: settings, dispatcher: dispatcher, pages: PageResponder(pages: Pages([:]), downloads: [:], logger: logger),
            metrics: metrics, logger: logger)
    }

    /// The memory that calls have reserved, in bytes.
    package var reservedBytes: Int { door.budget.reserved }

    /// Makes a channel of the loop speak HTTP/1 and HTTP/2, over TLS too where there is a certificate.
    package func serve(_ channel: any Channel, on loop: any EventLoop) throws {
        try LoopContext(door, loop).serve(channel)
    }
}
