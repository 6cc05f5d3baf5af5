/// A connection that speaks HTTP/1: requests one after the other, each answered before the next is looked at.

import AWSWire
import Logging
import NIOCore
import NodeMetrics

/// The handler of a connection until, if ever, its first bytes say that it speaks HTTP/2.
///
/// Input and output go separate ways: an answer may be whole before its request is, and a request may be whole long before its answer. The
/// next request begins when both are done, and the answer has been taken by the peer; until then at most one more read of bytes is held, and
/// the peer has to wait. A peer that has closed its sending half still gets its answers.
final class HTTP1Connection: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What an answered request may still send before its connection is closed instead.
    private static let maxDrained = 64 << 20
    /// How long a peer is listened to after the last answer, so that it can read that before its unread bytes reset the connection.
    private static let lingering = TimeAmount.seconds(2)
    /// Chunks of a body that are shorter than this are put together, in bytes.
    private static let shortChunk = 4096
    /// Bytes that may be held unasked after the peer's end.
    private static let maxHeldUnleased = 128 << 10

    private let context: LoopContext
    /// Stands between this and the socket; nil where no TLS is spoken.
    private let tls: TLSConnection?
    private let settings: HTTPDoor.Settings
    private var handlerContext: ChannelHandlerContext?

    private var held = ByteBuffer()
    private var heldLease: MemoryLease?
    private var parser: RequestHeadParser
    private var head = HTTP1Head()
    private var exchange: Exchange?
    private var input = HTTP1Input.head
    private var output = HTTP1Output.none
    private var lease: MemoryLease?

    private var isFirst = true
    private var isProcessing = false
    private var readIsHeld = false
    /// The next request is here and waits for its turn.
    private var isQueued = false
    /// Requests in a row that were begun without waiting for a turn.
    private var ahead = 0
    /// Nil where there is none.
    private var socket: CInt?
    private var inputEnded = false
    private var closesAfterAnswer = false
    /// The client waits for leave to send the body, and has not got it.
    private var awaitsLeave = false

    /// When the phase began: of waiting, of the head's first byte, of the body, of lingering.
    private var phaseStart = NIODeadline.now()
    private var headHasBegun = false
    private var bodyBytes = 0
    private var stall: StallClock

    var sweepSlot = -1
    var stallLimit: TimeAmount {
        get { stall.limit }
        set { stall.limit = newValue }
    }
    var cutOff: NIODeadline? {
        get { stall.end }
        set { stall.end = newValue }
    }

    init(_ context: LoopContext, _ tls: TLSConnection?) {
        self.context = context
        self.tls = tls
        settings = context.door.settings
        parser = RequestHeadParser(maxBytes: settings.maxHeadBytes)
        stall = StallClock(limit: TimeAmount(settings.stallTimeout))
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        handlerContext = context
        socket = context.socketDescriptor
        self.context.sweeper.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    private func leave() {
        context.sweeper.remove(self)
        handlerContext = nil
        socket = nil
        input = .dropped
        held = ByteBuffer()
        heldLease = nil
        lease = nil
        let exchange = self.exchange
        self.exchange = nil
        exchange?.disconnect()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if case .dropped = input { return }
        if held.readableBytes == 0 { held = bytes } else { held.writeBuffer(&bytes) }
        process()
        leaseHeld()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent {
            inputEnded = true
            if case .dropped = input { return context.close(promise: nil) }
            process()
        } else if event is ChannelShouldQuiesceEvent {
            quiesce()
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// Reads go on until a whole request waits behind one that is being answered.
    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { readIsHeld = true }
    }

    private var mayRead: Bool {
        if case .whole = input { return held.readableBytes == 0 }
        return !isQueued || held.readableBytes == 0
    }

    /// At its end NIO reads all that a peer has sent, asked or not: that is paid for, or the connection is closed.
    private func leaseHeld() {
        guard held.readableBytes > Self.maxHeldUnleased || heldLease != nil else { return }
        guard held.readableBytes > 0 else { return heldLease = nil }
        if heldLease == nil { heldLease = self.context.door.budget.lease(0) }
        if heldLease?.resize(to: held.readableBytes) != true { handlerContext?.close(promise: nil) }
    }

    // MARK: Requests

    private var scheme: String { tls?.isSecured == true ? "https" : "http" }

    private func process() {
        guard !isProcessing else { return }
        isProcessing = true
        while handlerContext != nil, step() {}
        isProcessing = false
        // An empty buffer still holds on to its memory.
        if held.readableBytes == 0 { held = ByteBuffer() }
        if readIsHeld, mayRead, let handlerContext {
            readIsHeld = false
            handlerContext.read()
        }
    }

    /// One step with the bytes at hand; whether there may be another.
    private func step() -> Bool {
        switch input {
        case .head: isQueued ? false : readHead()
        case .body(var decoder): readBody(&decoder)
        case .whole, .dropped: false
        }
    }

    private func readHead() -> Bool {
        guard held.readableBytes > 0 else {
            if inputEnded { close() }
            return false
        }
        if isFirst {
            switch HTTP2Preface.match(held.readableBytesView) {
            case .whole:
                switchToHTTP2()
                return false
            case .part where !inputEnded: return false
            default:
                isFirst = false
                parser.isSecured = scheme == "https"
            }
        }
        let outcome = held.withUnsafeReadableBytes { parser.parse($0, into: &head) }
        switch outcome {
        case .complete(let count):
            held.moveReaderIndex(forwardBy: count)
            begin()
            return true
        case .incomplete:
            if !headHasBegun {
                headHasBegun = true
                phaseStart = .now()
            }
            if inputEnded { close() }
            return false
        case .failed(let fault):
            refuse(fault)
            return false
        }
    }

    private func begin() {
        headHasBegun = false
        phaseStart = .now()
        bodyBytes = 0
        closesAfterAnswer = closesAfterAnswer || !head.keepsAlive
        input = .body(BodyDecoder(length: head.head.bodyLength))
        output = .none
        awaitsLeave = head.expectsContinue && head.head.bodyLength != 0
        let exchange = Exchange(context, self)
        self.exchange = exchange
        exchange.begin(head.head, scheme: scheme)
        guard awaitsLeave, !exchange.hasAnswered else { return }
        awaitsLeave = false
        if held.readableBytes == 0 { write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")) }
    }

    private func readBody(_ decoder: inout BodyDecoder) -> Bool {
        let step: BodyDecoder.Step
        do throws(HTTPFault) {
            step = try held.withUnsafeReadableBytes { (bytes) throws(HTTPFault) in try decoder.next(bytes) }
        } catch {
            refuse(error)
            return false
        }
        input = .body(decoder)
        switch step {
        case .skip(let count): held.moveReaderIndex(forwardBy: count)
        case .data(let count):
            guard var piece = held.readSlice(length: count) else { return false }
            if decoder.isChunked, count < Self.shortChunk, held.readableBytes > 0 {
                do throws(HTTPFault) {
                    try gather(&piece, &decoder)
                } catch {
                    refuse(error)
                    return false
                }
                input = .body(decoder)
            }
            bodyBytes += piece.readableBytes
            exchange?.receive(piece)
            if case .none = output {} else if bodyBytes > Self.maxDrained { close() }
        case .end:
            input = .whole
            exchange?.end()
            goOn()
        case .incomplete:
            // Half a request must not be run.
            if inputEnded { close() }
            return false
        }
        return true
    }

    /// Puts the short chunks that are here together: each alone would cost as much as a large one, and a read may hold thousands.
    private func gather(_ piece: inout ByteBuffer, _ decoder: inout BodyDecoder) throws(HTTPFault) {
        var gathered = ByteBufferAllocator().buffer(capacity: piece.readableBytes + held.readableBytes)
        gathered.writeBuffer(&piece)
        let read = try held.withUnsafeReadableBytes { (bytes) throws(HTTPFault) in
            var position = 0
            while true {
                switch try decoder.next(UnsafeRawBufferPointer(rebasing: bytes[position...])) {
                case .skip(let count): position += count
                case .data(let count):
                    gathered.writeBytes(bytes[position..<position + count])
                    position += count
                // Both are told again to who asks again.
                case .end, .incomplete: return position
                }
            }
        }
        held.moveReaderIndex(forwardBy: read)
        piece = gathered
    }

    /// Begins the next request when this one is over.
    private func goOn() {
        guard case .taken = output else { return }
        switch input {
        case .whole where !closesAfterAnswer:
            input = .head
            output = .none
            exchange = nil
            phaseStart = .now()
            stall.limit = TimeAmount(settings.stallTimeout)
            stall.end = nil
            next()
        case .head: break
        case .body where !closesAfterAnswer: break
        case .whole where inputEnded || held.readableBytes == 0: close()
        case .whole, .body: drop()
        case .dropped: handlerContext?.close(mode: .output, promise: nil)
        }
    }

    /// Goes on with what is here. One that sends its requests without waiting has no right to come before those that wait for their answers.
    private func next() {
        let isAlone = context.company.isOne()
        if held.readableBytes == 0 {
            process()
            if isAlone, case .head = input, let socket { context.lookout.look(at: socket) }
        } else if isAlone, ahead < Backlog.slice {
            // Now and then the loop must look whether others have come.
            ahead += 1
            process()
        } else {
            ahead = 0
            isQueued = true
            context.backlog.add(self)
        }
    }

    /// Its turn has come.
    func resume() {
        isQueued = false
        process()
    }

    /// Answers what is no request, and closes.
    private func refuse(_ fault: HTTPFault) {
        closesAfterAnswer = true
        let hasAnswered = exchange?.hasAnswered ?? false
        exchange?.disconnect()
        exchange = nil
        guard !hasAnswered, case .none = output else { return close() }
        lease = nil
        if fault.status == 408 { context.door.instruments.lateRequests.add() }
        let text = Array((fault.reason + "\n").utf8)
        send(
            AnswerHead(status: fault.status, AnswerHead.told(context.door.dispatcher.requestID())), capacity: text.count, lease: nil
        ) { buffer in
            buffer.copyBytes(from: text)
            return text.count
        }
        // What follows cannot be told from the request.
        drop()
    }

    // MARK: Ends

    private func close() { handlerContext?.close(promise: nil) }

    /// Listens no more. When the answer is taken the sending half is closed, the rest when the peer has closed too or some time has passed.
    private func drop() {
        input = .dropped
        held = ByteBuffer()
        exchange = nil
        phaseStart = .now()
        goOn()
    }

    private func switchToHTTP2() {
        guard let handlerContext else { return }
        let bytes = held
        held = ByteBuffer()
        do {
            try HTTP2Connection.addHandlers(behind: self, handlerContext, context, tls)
        } catch {
            return handlerContext.close(promise: nil)
        }
        handlerContext.fireChannelRead(wrapInboundOut(bytes))
        handlerContext.fireChannelReadComplete()
        handlerContext.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}

// MARK: Answers

extension HTTP1Connection: AnswerCarrier {
    var channel: (any Channel)? { handlerContext?.channel }
    var connection: ObjectIdentifier? { ObjectIdentifier(self) }

    func send(_ head: AnswerHead, capacity: Int, lease: MemoryLease?, write: (UnsafeMutableRawBufferPointer) -> Int) {
        guard let handlerContext else { return }
        if awaitsLeave { closesAfterAnswer = true }
        self.lease = lease
        let buffer = AnswerWriter.whole(
            head, capacity: capacity, persistence, context, handlerContext.channel.allocator, write: write)
        output = .written
        self.write(buffer)
        awaitTaken()
    }

    func begin(_ head: AnswerHead, length: Int?) {
        guard let handlerContext else { return }
        if awaitsLeave { closesAfterAnswer = true }
        let isChunked = length == nil && !self.head.isVersion10
        if length == nil, !isChunked { closesAfterAnswer = true }
        output = .pieces(isChunked: isChunked && !head.isHead)
        let buffer = AnswerWriter.head(
            head, length: length, isChunked: isChunked, persistence, context, handlerContext.channel.allocator)
        handlerContext.write(wrapOutboundOut(buffer), promise: nil)
    }

    func send(_ piece: ByteBuffer, promise: EventLoopPromise<Void>) {
        guard let handlerContext, case .pieces(let isChunked) = output else { return promise.fail(ChannelError.ioOnClosedChannel) }
        guard piece.readableBytes > 0 else { return promise.succeed() }
        stall.wrote(piece.readableBytes)
        guard isChunked else { return handlerContext.writeAndFlush(wrapOutboundOut(piece), promise: promise) }
        let size = String(piece.readableBytes, radix: 16)
        handlerContext.write(wrapOutboundOut(ByteBuffer(string: "\(size)\r\n")), promise: nil)
        handlerContext.write(wrapOutboundOut(piece), promise: nil)
        handlerContext.writeAndFlush(wrapOutboundOut(ByteBuffer(staticString: "\r\n")), promise: promise)
    }

    func finish() {
        guard case .pieces(let isChunked) = output else { return }
        output = .written
        if isChunked { write(ByteBuffer(staticString: "0\r\n\r\n")) } else { handlerContext?.flush() }
        awaitTaken()
    }

    func abort() {
        tls?.isBrokenOff = true
        close()
    }

    private var persistence: Persistence { closesAfterAnswer ? .close : head.isVersion10 ? .keepStated : .keep }

    private func write(_ buffer: ByteBuffer) {
        stall.wrote(buffer.readableBytes)
        handlerContext?.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    /// Goes on when the socket has taken all that was written: nearly always at once.
    private func awaitTaken() {
        guard let handlerContext else { return }
        guard unsent > 0 else { return taken() }
        let promise = handlerContext.eventLoop.makePromise(of: Void.self)
        let this = NIOLoopBound(self, eventLoop: handlerContext.eventLoop)
        promise.futureResult.whenSuccess { this.value.taken() }
        handlerContext.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: promise)
    }

    private func taken() {
        guard case .written = output else { return }
        output = .taken
        lease = nil
        goOn()
    }

    /// Bytes that wait for the peer.
    private var unsent: Int {
        guard let handlerContext else { return 0 }
        return (tls?.waiting ?? 0) + ((try? handlerContext.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0)
    }
}

// MARK: Time

extension HTTP1Connection: Swept {
    func sweep(_ now: NIODeadline) {
        if stall.isOver(unsent: unsent, socket, now) {
            context.door.instruments.stalledConnections.add()
            context.door.logger.notice("a connection was closed: its peer took nothing of its answer")
            handlerContext?.channel.reset()
            return
        }
        let passed = now - phaseStart
        switch input {
        case .head where headHasBegun || isFirst && held.readableBytes > 0:
            if passed > TimeAmount(settings.headTimeout) {
                refuse(HTTPFault(408, "The head of the request did not come in time."))
            }
        case .head:
            if passed > TimeAmount(settings.idleTimeout) { close() }
        case .body:
            if settings.bodyIsLate(bytes: bodyBytes, after: passed) {
                refuse(HTTPFault(408, "The body of the request did not come in time."))
            }
        case .dropped:
            if passed > Self.lingering { close() }
        case .whole: break
        }
    }

    func quiesce() {
        closesAfterAnswer = true
        if case .head = input, held.readableBytes == 0 { close() }
        exchange?.hasten()
    }

    var stalledSince: NIODeadline? { stall.since }
    func cut() { handlerContext?.channel.reset() }
}
