/// TLS of a connection: stands between its socket and whoever speaks HTTP, and steps aside where a client speaks in clear.

import Logging
import NIOCore
import NodeMetrics

/// The first byte tells which it is: a handshake begins with 22 (RFC 8446, section 5.1), which no request in HTTP does.
///
/// Plaintext waits here, in the answers' own memory; ciphertext is made of it only as fast as the socket takes it, at most `roundBytes` ahead, so
/// that a peer which takes nothing holds no second copy of its answers. A write is done when the socket has taken the last byte of its
/// ciphertext. What the peer says goes inwards as it comes; whoever speaks HTTP holds reads up as without TLS.
final class TLSConnection: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        /// No byte has come.
        case undecided
        case plain
        case shakingHands(TLSSession)
        case established(TLSSession)
        case over
    }

    /// Plaintext that is sealed at a time, in bytes: what a socket takes at once, and little beside a large answer.
    private static let roundBytes = 64 << 10

    private let context: LoopContext
    private let identity: TLSIdentity
    private var handlerContext: ChannelHandlerContext?
    private var phase = Phase.undecided
    private var queue = TLSQueue()
    private var isPumping = false
    /// The peer says nothing more.
    private var inputEnded = false
    /// Our half ends when the queue is empty.
    private var endsOutput = false
    private var outputEnd: EventLoopPromise<Void>?
    private var started = NIODeadline.now()
    /// The answer is broken off: nobody may take what came of it for the whole.
    var isBrokenOff = false
    var sweepSlot = -1

    init(_ context: LoopContext, _ identity: TLSIdentity) {
        self.context = context
        self.identity = identity
    }

    /// Whether what is said here nobody else can read.
    var isSecured: Bool {
        switch phase {
        case .shakingHands, .established: true
        case .undecided, .plain, .over: false
        }
    }

    /// Bytes that wait here for the peer; the channel knows of those that are sealed.
    var waiting: Int { queue.bytes }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) { handlerContext = context }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    func channelInactive(context: ChannelHandlerContext) {
        if case .shakingHands = phase { self.context.door.instruments.failedHandshakes.add() }
        leave()
        context.fireChannelInactive()
    }

    private func leave() {
        context.sweeper.remove(self)
        handlerContext = nil
        if case .plain = phase {} else { phase = .over }
        queue.fail(ChannelError.ioOnClosedChannel)
        outputEnd?.fail(ChannelError.ioOnClosedChannel)
        outputEnd = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .some(.inputClosed) = event as? ChannelEvent else { return context.fireUserInboundEventTriggered(event) }
        switch phase {
        case .undecided, .plain: context.fireUserInboundEventTriggered(event)
        case .shakingHands, .over: context.close(promise: nil)
        case .established: endInput(context)
        }
    }

    /// A peer that only closes its half without saying so could have been cut off by somebody else; a request that is not whole is not run
    /// for it either.
    private func endInput(_ context: ChannelHandlerContext) {
        guard !inputEnded else { return }
        inputEnded = true
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        pump()
        context.fireChannelWritabilityChanged()
    }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        switch phase {
        case .undecided: decide(context, bytes)
        case .plain: context.fireChannelRead(data)
        case .shakingHands(let session), .established(let session): open(context, session, bytes)
        case .over: break
        }
    }

    private func decide(_ context: ChannelHandlerContext, _ bytes: ByteBuffer) {
        guard let first = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) else { return }
        if first == 22 {
            guard let session = TLSSession(identity.context) else { return context.close(promise: nil) }
            phase = .shakingHands(session)
            started = .now()
            self.context.sweeper.add(self)
            return open(context, session, bytes)
        }
        guard !self.context.door.settings.requiresTLS else { return refuse(context) }
        phase = .plain
        context.fireChannelRead(wrapInboundOut(bytes))
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    private static let refusal: StaticString =
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 59\r\n\r\nThis server takes requests over TLS only: call it https://\n"

    /// A client in clear where none is let. HTTP/2 would not understand the answer, but sees that there is one.
    private func refuse(_ context: ChannelHandlerContext) {
        phase = .over
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(staticString: Self.refusal)), promise: nil)
        context.close(promise: nil)
    }

    private func open(_ context: ChannelHandlerContext, _ session: TLSSession, _ bytes: ByteBuffer) {
        guard !inputEnded else { return }
        var (opened, sealed) = (ByteBuffer(), ByteBuffer())
        let state = session.open(bytes, opened: &opened, sealed: &sealed, self.context.scratch, context.channel.allocator)
        if case .shakingHands = phase, session.isEstablished { establish(session) }
        if sealed.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(sealed), promise: nil) }
        if opened.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(opened)) }
        switch state {
        case .goesOn: pump()
        case .ended: endInput(context)
        case .failed(let reason): fail(context, reason)
        }
    }

    private func establish(_ session: TLSSession) {
        phase = .established(session)
        context.sweeper.remove(self)
        context.door.instruments.handshakes.add()
    }

    /// The alert that says why is written already.
    private func fail(_ context: ChannelHandlerContext, _ reason: String) {
        if case .shakingHands = phase { self.context.door.instruments.failedHandshakes.add() }
        self.context.door.logger.debug("a TLS connection was closed: \(reason)")
        phase = .over
        queue.fail(ChannelError.ioOnClosedChannel)
        context.close(promise: nil)
    }

    // MARK: What goes

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch phase {
        case .undecided, .plain: context.write(data, promise: promise)
        case .shakingHands, .established: queue.add(unwrapOutboundIn(data), promise)
        case .over: promise?.fail(ChannelError.ioOnClosedChannel)
        }
    }

    func flush(context: ChannelHandlerContext) {
        switch phase {
        case .undecided, .plain, .over: context.flush()
        case .shakingHands, .established:
            queue.flush()
            pump()
        }
    }

    /// Seals and sends as long as the socket takes it.
    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        while case .established(let session) = phase, let handlerContext, queue.mayGo, handlerContext.channel.isWritable {
            var sealed = handlerContext.channel.allocator.buffer(
                capacity: TLSSession.room(toSeal: min(queue.bytes, Self.roundBytes)))
            guard let promises = queue.seal(upTo: Self.roundBytes, session, into: &sealed, context.scratch) else {
                fail(handlerContext, "what is to be sent cannot be sealed")
                break
            }
            handlerContext.writeAndFlush(wrapOutboundOut(sealed), promise: Self.joined(promises, handlerContext.eventLoop))
        }
        isPumping = false
        endIfDone()
    }

    /// One promise that keeps all.
    private static func joined(_ promises: [EventLoopPromise<Void>], _ loop: any EventLoop) -> EventLoopPromise<Void>? {
        guard promises.count > 1 else { return promises.first }
        let all = loop.makePromise(of: Void.self)
        for promise in promises { all.futureResult.cascade(to: promise) }
        return all
    }

    // MARK: Ends

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard isSecured, mode != .input else { return context.close(mode: mode, promise: promise) }
        if mode == .output {
            endsOutput = true
            outputEnd = promise
            queue.flush()
            return endIfDone()
        }
        let isWhole = queue.isEmpty && !isBrokenOff
        let session: TLSSession? = if case .established(let session) = phase, isWhole { session } else { nil }
        // Who closes again wants no more waiting.
        phase = .over
        queue.fail(ChannelError.ioOnClosedChannel)
        guard let session else { return context.close(mode: mode, promise: promise) }
        // A socket that is full takes the end when its peer has read; it takes nearly all at once.
        let said = context.eventLoop.makePromise(of: Void.self)
        said.futureResult.assumeIsolated().whenComplete { _ in context.close(mode: mode, promise: promise) }
        sayEnd(session, context, said)
    }

    private func endIfDone() {
        guard endsOutput, queue.isEmpty, case .established(let session) = phase, let handlerContext else { return }
        endsOutput = false
        sayEnd(session, handlerContext, nil)
        handlerContext.close(mode: .output, promise: outputEnd)
        outputEnd = nil
    }

    private func sayEnd(_ session: TLSSession, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        var sealed = context.channel.allocator.buffer(capacity: TLSSession.room(toSeal: 0))
        session.end(into: &sealed)
        context.writeAndFlush(wrapOutboundOut(sealed), promise: promise)
    }
}

// MARK: Time

extension TLSConnection: Swept {
    /// Hands must be shaken in the time that a head has.
    func sweep(_ now: NIODeadline) {
        guard case .shakingHands = phase, now - started > TimeAmount(context.door.settings.headTimeout) else { return }
        context.door.instruments.lateRequests.add()
        handlerContext?.channel.reset()
    }

    var stalledSince: NIODeadline? { nil }
    /// Whoever speaks HTTP closes.
    func quiesce() {}
    func cut() { handlerContext?.channel.reset() }
}
