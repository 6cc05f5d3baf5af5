/// Tells when a peer takes nothing of what waits for it.

import Glibc
import NIOCore

/// Progress is whatever changes between two looks: bytes that wait in the process, bytes that were written since, and bytes that the kernel holds
/// because the peer has not acknowledged them. The last matter: the kernel takes megabytes for a peer, and asks for more only when a third of
/// them is gone, which takes a slow peer longer than it may take nothing.
struct StallClock {
    private struct Seen: Equatable {
        var written = 0
        var unsent = 0
        var unacknowledged = 0
    }

    var limit: TimeAmount
    /// When what still waits for the peer is over, whatever it takes of it; nil: never.
    var end: NIODeadline?
    private var written = 0
    private var seen = Seen()
    private var lastProgress: NIODeadline?
    /// Since when nothing was taken of what waits.
    var since: NIODeadline? { seen.unsent > 0 ? lastProgress : nil }

    init(limit: TimeAmount) { self.limit = limit }

    mutating func wrote(_ bytes: Int) { written &+= bytes }

    /// - Parameters:
    ///   - unsent: bytes that wait in the process now.
    ///   - socket: of the connection; nil where there is none.
    mutating func isOver(unsent: Int, _ socket: CInt?, _ now: NIODeadline) -> Bool {
        let last = seen
        if unsent > 0, let end, now > end { return true }
        seen = Seen(written: written, unsent: unsent, unacknowledged: unsent > 0 ? SendQueue.unacknowledged(socket) : 0)
        guard unsent > 0, seen == last, let lastProgress else {
            lastProgress = unsent > 0 ? now : nil
            return false
        }
        return now - lastProgress > limit
    }
}

/// What the kernel knows of a connection's sending half.
enum SendQueue {
    /// Bytes that the kernel has taken and the peer has not acknowledged (SIOCOUTQ of tcp(7)); 0 where the kernel does not tell.
    static func unacknowledged(_ socket: CInt?) -> Int {
        guard let socket else { return 0 }
        var bytes: CInt = 0
        // SIOCOUTQ is another name for it, which Swift does not see.
        return ioctl(socket, UInt(TIOCOUTQ), &bytes) == 0 ? Int(bytes) : 0
    }
}

extension ChannelHandlerContext {
    /// The connection's socket, as long as it is open; nil where there is none.
    var socketDescriptor: CInt? {
        try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
    }
}
