/// Keeps messages in flight on all connections from one thread.

import Glibc

/// A load of some seconds.
struct Load {
    let connections: [Connection]
    /// On each connection.
    let inFlight: Int
    let seconds: Double
    let payload: [UInt8]

    func run() -> (perSecond: Double, median: Double, p99: Double) {
        let start = nanoseconds()
        let end = start + UInt64(seconds * 1e9)
        let messages = connections.map { $0.message(payload) }
        for (connection, message) in zip(connections, messages) { connection.publish(inFlight, message, at: nanoseconds()) }
        var latencies: [UInt32] = []
        var waits = connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        var now = start
        // A slow server may need longer for its first acknowledgements.
        while now < end || latencies.isEmpty && now < end + 60_000_000_000 {
            guard poll(&waits, nfds_t(waits.count), 1_000) >= 0 || errno == EINTR else { give(up: "poll: errno \(errno)") }
            for index in waits.indices where waits[index].revents != 0 {
                let count = connections[index].receive { latencies.append(UInt32(clamping: $0 / 1_000)) }
                now = nanoseconds()
                if count > 0 { connections[index].publish(count, messages[index], at: now) }
            }
            now = nanoseconds()
        }
        latencies.sort()
        guard !latencies.isEmpty else { give(up: "nothing was acknowledged") }
        return (
            Double(latencies.count) / (Double(now - start) / 1e9), Double(latencies[latencies.count / 2]),
            Double(latencies[latencies.count * 99 / 100])
        )
    }
}
