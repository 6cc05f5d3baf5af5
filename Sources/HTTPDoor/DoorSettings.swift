/// Where the door listens and within which bounds: a table of numbers that an operator may change.

import NIOCore

extension HTTPDoor {
    /// Where to listen and within which bounds.
    public struct Settings: Sendable {
        public var host = "127.0.0.1"
        /// 0 picks a free one, which `onListening` tells.
        public var port = 4566
        /// Event loops, each a thread.
        public var eventLoops = 1
        /// Open connections; past it they are closed as they come, with a 503.
        public var maxConnections = 10_000
        /// Bytes that requests in flight may take together, bodies and answers, until the peer has taken the last byte; past it they are refused
        /// with 503.
        public var memoryLimit = 256 << 20
        /// Answers from so many bytes on are compressed for clients that take gzip; 0: none are.
        public var gzipBytes = 16 << 10
        /// The longest head of a request, in bytes.
        public var maxHeadBytes = 32 << 10
        /// How long a head may take from its first byte on.
        public var headTimeout = Duration.seconds(10)
        /// How long a body may take.
        public var bodyTimeout = Duration.seconds(300)
        /// Bytes of a body that must come in a second, on average since its beginning, once `bodyGrace` has passed.
        public var leastBodyRate = 1024
        /// How long a body may be slower than that.
        public var bodyGrace = Duration.seconds(10)
        /// How long a peer may take nothing of what is sent to it.
        public var stallTimeout = Duration.seconds(30)
        /// After how long a connection without requests is closed.
        public var idleTimeout = Duration.seconds(600)
        /// How long requests in flight may take after shutdown has begun.
        public var shutdownDeadline = Duration.seconds(10)
        /// Names that Host may hold besides those that nobody can point elsewhere; see `BrowserRules`.
        public var allowedHosts: [String] = []
        /// Origins whose web pages may call.
        public var allowedOrigins: [String] = []
        /// What is shown to clients that speak TLS; nil where none is spoken. HTTP in clear is served on the same port.
        public var tls: TLSIdentity?
        /// Requests in clear are refused. It means nothing without `tls`.
        public var requiresTLS = false

        public init() {}

        /// How often connections are looked at: a quarter of the shortest time, at most a second.
        var sweepInterval: TimeAmount {
            let shortest = [headTimeout, bodyTimeout, bodyGrace, stallTimeout, idleTimeout].min() ?? .seconds(1)
            return min(max(TimeAmount(shortest / 4), .milliseconds(10)), .seconds(1))
        }

        /// Whether a body of which so much has come after so long is given up.
        func bodyIsLate(bytes: Int, after time: TimeAmount) -> Bool {
            if time > TimeAmount(bodyTimeout) { return true }
            guard time > TimeAmount(bodyGrace) else { return false }
            return Double(bytes) < Double(leastBodyRate) * Double(time.nanoseconds) / 1e9
        }
    }
}
