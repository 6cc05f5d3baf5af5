/// One request of an HTTP/2 connection and its answer.

import AWSWire
import NIOCore
import NIOHPACK
import NIOHTTP2
import NodeMetrics

/// The handler of a stream's channel. Flow control is the peer's word on how much it takes: an answer waits for it piece by piece.
final class HTTP2Stream: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// How much is given to the connection at a time.
    private static let pieceBytes = 64 << 10

    private let context: LoopContext
    private let settings: HTTPDoor.Settings
    private let streams: OpenStreams
    private let scheme: String
    private var handlerContext: ChannelHandlerContext?
    private var exchange: Exchange?
    private var hasHead = false
    private var inputIsWhole = false
    private var outputIsWhole = false
    private var lease: MemoryLease?
    /// What is left of a whole answer.
    private var rest = ByteBuffer()
    private var unsent = 0
    private var bodyBytes = 0
    private var started = NIODeadline.now()
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

    init(_ context: LoopContext, _ streams: OpenStreams, scheme: String) {
        self.context = context
        self.streams = streams
        self.scheme = scheme
        settings = context.door.settings
        stall = StallClock(limit: TimeAmount(settings.stallTimeout))
    }

    // MARK: The request

    func handlerAdded(context: ChannelHandlerContext) {
        handlerContext = context
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
        lease = nil
        rest = ByteBuffer()
        let exchange = self.exchange
        self.exchange = nil
        exchange?.disconnect()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let frame):
            // The second block of fields is trailers.
            if !hasHead { begin(frame.headers, isWhole: frame.endStream) }
            if frame.endStream { end() }
        case .data(let frame):
            if case .byteBuffer(let piece) = frame.data, piece.readableBytes > 0 {
                bodyBytes += piece.readableBytes
                exchange?.receive(piece)
            }
            if frame.endStream { end() }
        default: break
        }
    }

    private func begin(_ fields: HPACKHeaders, isWhole: Bool) {
        hasHead = true
        let head = RequestHead(fields, isWhole: isWhole)
        if let fault = HTTPFault(ambiguous: head) { return refuse(fault) }
        guard RequestTarget.isPath(head) else { return refuse(HTTPFault(400, "The field :path is no path.")) }
        let exchange = Exchange(context, self)
        self.exchange = exchange
        exchange.begin(head, scheme: scheme)
        if !isWhole, !exchange.hasAnswered, head.withBytes(of: .expect, { $0.equalsIgnoringCase("100-continue") }) == true {
            let leave = HTTP2Frame.FramePayload.headers(.init(headers: [":status": "100"], endStream: false))
            handlerContext?.writeAndFlush(wrapOutboundOut(leave), promise: nil)
        }
    }

    private func end() {
        guard !inputIsWhole else { return }
        inputIsWhole = true
        exchange?.end()
    }

    private func refuse(_ fault: HTTPFault) {
        exchange?.disconnect()
        exchange = nil
        let text = Array((fault.reason + "\n").utf8)
        send(
            AnswerHead(status: fault.status, AnswerHead.told(context.door.dispatcher.requestID())), capacity: text.count, lease: nil
        ) { buffer in
            buffer.copyBytes(from: text)
            return text.count
        }
    }
}

// MARK: Answers

extension HTTP2Stream: AnswerCarrier {
    var channel: (any Channel)? { handlerContext?.channel }
    var connection: ObjectIdentifier? { nil }

    func send(_ head: AnswerHead, capacity: Int, lease: MemoryLease?, write: (UnsafeMutableRawBufferPointer) -> Int) {
        guard let handlerContext else { return }
        var body = handlerContext.channel.allocator.buffer(capacity: capacity)
        _ = body.writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { memory in
            write(UnsafeMutableRawBufferPointer(rebasing: memory[..<capacity]))
        }
        self.lease = lease
        let checksum = head.hasChecksum ? body.withUnsafeReadableBytes { BodyChecksum.crc32($0) } : nil
        let fields = HPACKHeaders(head, length: body.readableBytes, context, checksum: checksum)
        guard body.readableBytes > 0, !head.isHead else { return sendLast(.headers(.init(headers: fields, endStream: true)), 1) }
        handlerContext.write(wrapOutboundOut(.headers(.init(headers: fields, endStream: false))), promise: nil)
        rest = body
        sendRest()
    }

    /// Sends a whole answer piece by piece, the next when the last one was taken.
    private func sendRest() {
        guard let piece = rest.readSlice(length: min(rest.readableBytes, Self.pieceBytes)) else { return }
        let isLast = rest.readableBytes == 0
        let frame = HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(piece), endStream: isLast))
        if isLast { return sendLast(frame, piece.readableBytes) }
        write(frame, piece.readableBytes) { $0.sendRest() }
    }

    private func sendLast(_ frame: HTTP2Frame.FramePayload, _ bytes: Int) {
        outputIsWhole = true
        rest = ByteBuffer()
        write(frame, bytes) { $0.lease = nil }
    }

    /// Writes; when the socket has taken it, goes on.
    private func write(_ frame: HTTP2Frame.FramePayload, _ bytes: Int, then next: @escaping @Sendable (HTTP2Stream) -> Void) {
        guard let handlerContext else { return }
        stall.wrote(bytes)
        unsent += bytes
        let promise = handlerContext.eventLoop.makePromise(of: Void.self)
        let this = NIOLoopBound(self, eventLoop: handlerContext.eventLoop)
        promise.futureResult.whenComplete { result in
            this.value.unsent -= bytes
            // The stream is of no use any more: the peer has given it up, or sent what is against the protocol.
            if case .failure = result { this.value.handlerContext?.close(promise: nil) } else { next(this.value) }
        }
        handlerContext.writeAndFlush(wrapOutboundOut(frame), promise: promise)
    }

    func begin(_ head: AnswerHead, length: Int?) {
        guard let handlerContext else { return }
        let fields = HPACKHeaders(head, length: length, context)
        handlerContext.write(wrapOutboundOut(.headers(.init(headers: fields, endStream: false))), promise: nil)
    }

    func send(_ piece: ByteBuffer, promise: EventLoopPromise<Void>) {
        guard let handlerContext else { return promise.fail(ChannelError.ioOnClosedChannel) }
        guard piece.readableBytes > 0 else { return promise.succeed() }
        let bytes = piece.readableBytes
        stall.wrote(bytes)
        unsent += bytes
        let this = NIOLoopBound(self, eventLoop: handlerContext.eventLoop)
        promise.futureResult.whenComplete { _ in this.value.unsent -= bytes }
        let frame = HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(piece), endStream: false))
        handlerContext.writeAndFlush(wrapOutboundOut(frame), promise: promise)
    }

    func finish() {
        guard !outputIsWhole else { return }
        sendLast(.data(.init(data: .byteBuffer(ByteBuffer()), endStream: true)), 1)
    }

    func abort() { handlerContext?.close(promise: nil) }
}

// MARK: Time

extension HTTP2Stream: Swept {
    func sweep(_ now: NIODeadline) {
        // What other streams' bytes do in the kernel counts too: this one's may wait behind them.
        if stall.isOver(unsent: unsent, streams.socket, now) {
            context.door.instruments.stalledConnections.add()
            handlerContext?.close(promise: nil)
        } else if streams.inputHasEnded, !inputIsWhole || unsent > 0 && !streams.waitsForPeer {
            // Half a request must not be run, and an answer that waits for a window waits for ever: nobody will open it.
            handlerContext?.close(promise: nil)
        } else if !inputIsWhole, settings.bodyIsLate(bytes: bodyBytes, after: now - started) {
            context.door.instruments.lateRequests.add()
            handlerContext?.close(promise: nil)
        }
    }

    var stalledSince: NIODeadline? { stall.since }
    /// The connection waits for its streams.
    func quiesce() { exchange?.hasten() }
    func cut() { handlerContext?.close(promise: nil) }
}

// MARK: Fields

extension RequestHead {
    /// The head of a stream.
    init(_ fields: HPACKHeaders, isWhole: Bool) {
        self.init()
        var (method, target) = ("", "")
        for field in fields {
            switch field.name {
            case ":method": method = field.value
            case ":path": target = field.value
            default: break
            }
        }
        Self.withBytes(method) { method in Self.withBytes(target) { begin(method: method, target: $0) } }
        let authority = fields.first(name: ":authority")
        if let authority { append("host", authority) }
        for field in fields where !field.name.hasPrefix(":") {
            // The same thing twice is no contradiction.
            if let authority, field.name == "host", field.value == authority { continue }
            append(field.name, field.value)
        }
        bodyLength = isWhole ? 0 : self[.contentLength].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }

    private mutating func append(_ name: String, _ value: String) {
        Self.withBytes(name) { name in Self.withBytes(value) { append(name: name, value: $0) } }
    }

    private static func withBytes(_ text: String, _ body: (UnsafeRawBufferPointer) -> Void) {
        var text = text
        text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}

extension HPACKHeaders {
    /// The head of an answer.
    init(_ head: AnswerHead, length: Int?, _ context: LoopContext, checksum: UInt32? = nil) {
        self.init()
        reserveCapacity(10)
        add(name: ":status", value: "\(head.status)")
        switch head.fields {
        case .call(let reply):
            if let type = reply.contentType { add(name: "content-type", value: "\(type)") }
            add(name: "x-amzn-requestid", value: reply.id.text, indexing: .nonIndexable)
            add(name: "x-amz-id-2", value: reply.id.extendedText, indexing: .nonIndexable)
            if let error = reply.error { add(name: "x-amzn-errortype", value: error.rawValue) }
            add(reply.protocolFields)
        case .page(let fields): add(fields)
        }
        add(head.browserFields)
        if head.isGzip {
            add(name: "content-encoding", value: "gzip")
            add(name: "vary", value: "accept-encoding")
        }
        if let checksum { add(name: "x-amz-crc32", value: "\(checksum)", indexing: .nonIndexable) }
        add(name: "date", value: context.withDate { String(decoding: $0, as: UTF8.self) })
        if let length { add(name: "content-length", value: "\(length)") }
    }

    /// Line ends, which no field may have, become blanks.
    private mutating func add(_ fields: [(name: String, value: String)]) {
        for field in fields {
            let value = String(field.value.map { $0.isNewline ? " " : $0 })
            add(name: field.name.lowercased(), value: value)
        }
    }
}
