/// Tells whether one connection has an event loop to itself, so that the loop's thread may block for a moment on its behalf.

package import AWSWire
package import NIOCore

/// The connections that an event loop has served of late. It is used on the loop only.
package final class Company {
    /// How long a connection must have been the only one that is served: others that come now and then find the loop free.
    package static let least = TimeAmount.milliseconds(50)

    private var last: ObjectIdentifier?
    /// The thread was lent, and its answer has not been given.
    private var isLent = false
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

    /// Where the calls of the loop are answered. While one connection is alone the thread is lent, and the answer is given where it comes, before
    /// the loop's next turn: there is nothing else that it could come before.
    package func answers(on loop: any EventLoop) -> AnswerLoop {
        let this = NIOLoopBound(self, eventLoop: loop)
        return AnswerLoop(isLent: { loop.inEventLoop && this.value.lend() }) { work in
            if loop.inEventLoop, this.value.takeBack() { work() } else { loop.execute(work) }
        }
    }

    private func lend() -> Bool {
        isLent = isOne()
        return isLent
    }

    private func takeBack() -> Bool {
        defer { isLent = false }
        return isLent
    }
}
