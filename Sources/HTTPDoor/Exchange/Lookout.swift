/// Looks for the next request for a moment after an answer, as long as that has been worth while.

import Glibc
import Host
package import NIOCore

/// A loop's luck with waiting awake for the next request of a connection that is alone: to wake the loop takes as long as half a sync.
/// It is used on the loop only.
package final class Lookout {
    /// How long to look, in nanoseconds: the answer wakes the client, which takes some 40 µs, and the client sends its next request.
    private static let limit: UInt64 = 100_000

    private let loop: any EventLoop
    private var luck = BriefSpin()

    package init(_ loop: any EventLoop) { self.loop = loop }

    /// Soon, when what is under way is done, waits awake until the socket can be read or the moment is over.
    package func look(at socket: CInt) {
        guard luck.isWorthWhile() else { return }
        let this = NIOLoopBound(self, eventLoop: loop)
        loop.execute { this.value.watch(socket) }
    }

    private func watch(_ socket: CInt) {
        var watched = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        var found = false
        let began = NIODeadline.now()
        BriefSpin.look(atMost: Self.limit) {
            found = poll(&watched, 1, 0) != 0
            return found
        }
        // Where the core is wanted by others, giving way to them has taken far longer than sleeping would have.
        luck.ended(found: found && NIODeadline.now() - began < .nanoseconds(Int64(2 * Self.limit)))
    }
}
