/// Sends an answer in pieces from a task: each write returns when the peer has taken the piece.

import AWSWire
import HTTPTypes
import HummingbirdCore
import NIOCore

/// The way from a task to an exchange on its event loop.
struct PieceWriter: ResponseBodyWriter, Sendable {
    private let exchange: Exchange
    private let loop: any EventLoop

    init(_ exchange: Exchange, _ loop: any EventLoop) {
        self.exchange = exchange
        self.loop = loop
    }

    /// - Throws: when the peer is gone.
    func write(_ buffer: ByteBuffer) async throws {
        let exchange = exchange
        try await loop.flatSubmit { exchange.write(buffer) }.get()
    }

    /// The answer is whole. Trailers are not sent.
    consuming func finish(_ trailingHeaders: HTTPFields?) async throws { await end(isWhole: true) }

    /// Sends all of a stream and closes it. What cannot be sent whole is broken off, so that nobody takes what came for the whole.
    func send(_ stream: ReplyStream) async {
        do {
            while let piece = try await stream.next() { try await write(ByteBuffer(bytes: piece)) }
            await end(isWhole: true)
        } catch {
            await end(isWhole: false)
        }
        stream.close()
    }

    /// The answer ends here.
    func end(isWhole: Bool) async {
        let exchange = exchange
        // It fails only when the event loop is gone, and the connection with it.
        try? await loop.submit { exchange.finish(isWhole: isWhole) }.get()
    }
}
