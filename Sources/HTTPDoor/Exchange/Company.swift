/// Tells whether one connection has an event loop to itself, so that the loop's thread may block for a moment on its behalf.

package import NIOCore

/// The connections that an event loop has served of late. It is used on the loop only.
package final class Company {
    /// How long a connection must have been the only one that is served: others that come now and then find the loop free.
    package static let least = TimeAmount.milliseconds(50)

    private var last: ObjectIdentifier?
    private var since: NIODeadline

    package init(at now: NIODeadline = .now()) { since = now }

    /// Notes that something is done for a connection.
    /// - Parameter connection: nil for one that has several requests under way at once.
    package func serves(_ connection: ObjectIdentifier?, at now: NIODeadline = .now()) {
        if connection != nil, connection == last { return }
        last = connection
        since = now
    }

    /// Whether one connection alone has been served for a while: it waits for its answer, and nobody else for anything.
    package func isOne(at now: NIODeadline = .now()) -> Bool { last != nil && now - since > Self.least }
}
