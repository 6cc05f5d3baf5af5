/// Begins requests that were sent before the answer to the one in front of them, a few at a time.

import NIOCore

/// Connections of an event loop that hold a further request already. Whoever sends one request at a time is served between them, however many
/// others send as fast as they can. It is used on the loop only.
final class Backlog {
    /// How many are begun at once, and how long the loop has before the next ones: what they leave to be done takes less, so the loop looks at its
    /// sockets in between.
    static let slice = 8
    private static let pause = TimeAmount.microseconds(200)

    private let loop: any EventLoop
    private var waiting: CircularBuffer<HTTP1Connection> = []
    private var isScheduled = false

    init(_ loop: any EventLoop) { self.loop = loop }

    /// `resume` will be called.
    func add(_ connection: HTTP1Connection) {
        waiting.append(connection)
        schedule()
    }

    private func schedule() {
        guard !isScheduled, !waiting.isEmpty else { return }
        isScheduled = true
        let this = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: Self.pause) { this.value.begin() }
    }

    private func begin() {
        for _ in 0..<Self.slice {
            guard let connection = waiting.popFirst() else { break }
            connection.resume()
        }
        isScheduled = false
        schedule()
    }
}
