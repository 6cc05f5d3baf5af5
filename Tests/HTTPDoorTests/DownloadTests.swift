/// Downloads: sent as they are made, cut when they fail, let go of when the client has gone or takes nothing.

import AWSWire
import Dispatch
import HTTPDoor
import Synchronization
import Testing

@Suite struct DownloadTests {
    /// Gives a number of pieces, then ends or fails; notes how many were asked for, and when it was closed.
    private final class Source: Sendable {
        struct State {
            var given = 0
            var isClosed = false
            var waiting: CheckedContinuation<Void, Never>?
        }
        private let state = Mutex(State())
        private let pieces: Int
        private let fails: Bool
        static let piece = [UInt8](repeating: 65, count: 256 << 10)

        init(pieces: Int, fails: Bool = false) {
            self.pieces = pieces
            self.fails = fails
        }

        struct Broken: Error {}

        var given: Int { state.withLock { $0.given } }

        func next() throws -> [UInt8]? {
            let number = state.withLock { state in
                state.given += 1
                return state.given
            }
            if number <= pieces { return Source.piece }
            if fails { throw Broken() }
            return nil
        }

        func close() {
            let waiting = state.withLock { state in
                state.isClosed = true
                defer { state.waiting = nil }
                return state.waiting
            }
            waiting?.resume()
        }

        func closed() async {
            await withCheckedContinuation { continuation in
                let isClosed = state.withLock { state in
                    if !state.isClosed { state.waiting = continuation }
                    return state.isClosed
                }
                if isClosed { continuation.resume() }
            }
        }

        func answer(stallLimit: Duration = .seconds(60)) -> Download.Answer {
            .download(
                Download(
                    contentType: "application/x-tar", fileName: "a.tar",
                    stream: ReplyStream(stallLimit: stallLimit, next: { try self.next() }, close: { self.close() })))
        }
    }

    private static let request = "GET /file HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test("a download arrives whole, and its source is closed")
    func whole() async throws {
        let source = Source(pieces: 20)
        try await withDoor(downloads: ["/file": { source.answer() }]) { port, _, _ in
            let (status, bytes) = try await offPool {
                let client = try RawClient(port: port)
                try client.send(Self.request)
                return try client.receiveChunked()
            }
            #expect(status == 200 && bytes == 20 * Source.piece.count)
            await source.closed()
        }
    }

    @Test("one that fails on the way does not look like a whole one")
    func broken() async throws {
        let source = Source(pieces: 3, fails: true)
        try await withDoor(downloads: ["/file": { source.answer() }]) { port, _, _ in
            await #expect(throws: RawClient.Failure.self) {
                try await offPool {
                    let client = try RawClient(port: port)
                    try client.send(Self.request)
                    _ = try client.receiveChunked()
                }
            }
            await source.closed()
        }
    }

    @Test("a client that goes away lets go of the source")
    func gone() async throws {
        let source = Source(pieces: 1_000_000)
        try await withDoor(downloads: ["/file": { source.answer() }]) { port, _, _ in
            try await offPool { try RawClient(port: port).send(Self.request) }
            await source.closed()
        }
    }

    @Test("a client that takes nothing holds the source up and is given up after the limit; others are answered meanwhile")
    func stalled() async throws {
        let source = Source(pieces: 1_000_000)
        try await withDoor(downloads: ["/file": { source.answer(stallLimit: .milliseconds(300)) }]) { port, _, _ in
            let (held, opened) = AsyncStream<Void>.makeStream()
            async let stalled: Void = offPool {
                let client = try RawClient(port: port)
                try client.send(Self.request)
                // The connection stays until the source was closed.
                let done = DispatchSemaphore(value: 0)
                Task {
                    for await _ in held {}
                    done.signal()
                }
                done.wait()
                withExtendedLifetime(client) {}
            }
            await source.closed()
            // What the sockets' buffers take, and not the rest.
            #expect(source.given < 1_000)
            let answer = try await offPool {
                let client = try RawClient(port: port)
                try client.send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
                return try client.receive().body
            }
            #expect(answer == "ok\n")
            opened.finish()
            try await stalled
        }
    }

    @Test("a refusal is told with its status and reason, and HEAD begins nothing")
    func refused() async throws {
        let source = Source(pieces: 1)
        try await withDoor(downloads: ["/busy": { .refusal(status: 409, reason: "not now") }, "/file": { source.answer() }]) {
            port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                try client.send("GET /busy HTTP/1.1\r\nHost: h\r\n\r\n")
                let answer = try client.receive()
                #expect(answer.status == 409 && answer.body == "not now\n")
                try client.send("HEAD /file HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try client.receive(ofHead: true)
            }
            #expect(source.given == 0)
        }
    }
}
