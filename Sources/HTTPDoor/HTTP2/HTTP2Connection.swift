/// A connection that speaks HTTP/2: its handlers, and what is watched over all its streams.

import Logging
import NIOCore
import NIOHTTP2
import NodeMetrics

/// Stands nearest to the socket: closes a connection whose peer takes nothing, or has ended and has nothing under way, and hears which errors are the
/// connection's and which a stream's.
final class HTTP2Connection: ChannelDuplexHandler, Swept {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let context: LoopContext
    private let streams: OpenStreams
    private let tls: TLSConnection?
    private var handlerContext: ChannelHandlerContext?
    private var stall: StallClock
    var sweepSlot = -1

    init(_ context: LoopContext, _ streams: OpenStreams, _ tls: TLSConnection?) {
        self.context = context
        self.streams = streams
        self.tls = tls
        stall = StallClock(limit: TimeAmount(context.door.settings.stallTimeout))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        handlerContext = context
        streams.socket = context.socketDescriptor
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
        streams.socket = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent {
            streams.inputHasEnded = true
            closeIfDone()
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// NIO tells of both kinds of errors alike; but before one of the connection it sends GOAWAY with a reason, before one of a stream RST_STREAM.
    /// (RFC 9113, section 5.4.)
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if HTTP2Farewell.isOne(unwrapOutboundIn(data)) { streams.isGivenUp = true }
        context.write(data, promise: promise)
    }

    func sweep(_ now: NIODeadline) {
        closeIfDone()
        guard let handlerContext else { return }
        let unsent = (try? handlerContext.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        let waiting = unsent + (tls?.waiting ?? 0)
        streams.waitsForPeer = waiting > 0
        guard stall.isOver(unsent: waiting, streams.socket, now) else { return }
        context.door.instruments.stalledConnections.add()
        context.door.logger.notice("a connection was closed: its peer took nothing of its answers")
        handlerContext.channel.reset()
    }

    func quiesce() { handlerContext?.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }

    var stalledSince: NIODeadline? { stall.since }
    func cut() { handlerContext?.channel.reset() }

    private func closeIfDone() {
        if streams.inputHasEnded, streams.open == 0 { handlerContext?.close(promise: nil) }
    }

    /// The handlers of a connection, nearest to the socket first.
    static func addHandlers(
        behind handler: any ChannelHandler, _ channelContext: ChannelHandlerContext, _ context: LoopContext, _ tls: TLSConnection?
    ) throws {
        let settings = context.door.settings
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 100),
            HTTP2Setting(parameter: .maxHeaderListSize, value: settings.maxHeadBytes),
            HTTP2Setting(parameter: .initialWindowSize, value: windowBytes),
        ]
        connection.targetWindowSize = 4 * windowBytes
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = windowBytes
        let manager = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: context.loop,
            configuration: .init(
                maxIdleTime: TimeAmount(settings.idleTimeout), maxAge: nil, maxGraceTime: TimeAmount(settings.shutdownDeadline),
                keepalive: nil))
        let streams = OpenStreams(context.loop, manager.http2StreamDelegate)
        let bound = NIOLoopBound(context, eventLoop: context.loop)
        let scheme = tls?.isSecured == true ? "https" : "http"
        let http2 = NIOHTTP2Handler(
            mode: .server, eventLoop: context.loop, connectionConfiguration: connection, streamConfiguration: stream,
            streamDelegate: streams
        ) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(HTTP2Stream(bound.value, streams, scheme: scheme))
            }
        }
        try channelContext.pipeline.syncOperations.addHandlers(
            [HTTP2Connection(context, streams, tls), http2, manager, HTTP2ErrorHandler(streams)], position: .after(handler))
    }

    /// How much of a stream's body may be on its way.
    private static let windowBytes = 1 << 20
}

/// What the streams of a connection have in common: counts the open ones, passes on what it hears, and knows the socket.
final class OpenStreams: NIOHTTP2StreamDelegate {
    private let count: NIOLoopBoundBox<Int>
    private let descriptor: NIOLoopBoundBox<CInt?>
    private let givenUp: NIOLoopBoundBox<Bool>
    private let ended: NIOLoopBoundBox<Bool>
    private let waits: NIOLoopBoundBox<Bool>
    private let next: any NIOHTTP2StreamDelegate

    init(_ loop: any EventLoop, _ next: any NIOHTTP2StreamDelegate) {
        count = NIOLoopBoundBox(0, eventLoop: loop)
        descriptor = NIOLoopBoundBox(nil, eventLoop: loop)
        givenUp = NIOLoopBoundBox(false, eventLoop: loop)
        ended = NIOLoopBoundBox(false, eventLoop: loop)
        waits = NIOLoopBoundBox(true, eventLoop: loop)
        self.next = next
    }

    /// To be read on the event loop.
    var open: Int { count.value }

    /// The peer was told that the connection ends because of what it did. To be used on the event loop.
    var isGivenUp: Bool {
        get { givenUp.value }
        set { givenUp.value = newValue }
    }

    /// The peer sends nothing more: what is not whole will not be. To be used on the event loop.
    var inputHasEnded: Bool {
        get { ended.value }
        set { ended.value = newValue }
    }

    /// Whether bytes of the connection waited for the socket when it was last looked at. To be used on the event loop.
    var waitsForPeer: Bool {
        get { waits.value }
        set { waits.value = newValue }
    }

    /// The connection's, as long as it is open. To be used on the event loop.
    var socket: CInt? {
        get { descriptor.value }
        set { descriptor.value = newValue }
    }

    func streamCreated(_ id: HTTP2StreamID, channel: any Channel) {
        count.value += 1
        next.streamCreated(id, channel: channel)
    }

    func streamClosed(_ id: HTTP2StreamID, channel: any Channel) {
        count.value -= 1
        next.streamClosed(id, channel: channel)
    }
}

/// Ends a connection after an error of its own; what HTTP/2 has to say of it has been said then. After one of a stream the others go on.
private final class HTTP2ErrorHandler: ChannelInboundHandler {
    typealias InboundIn = Never

    private let streams: OpenStreams

    init(_ streams: OpenStreams) { self.streams = streams }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if streams.isGivenUp || !(error is any NIOHTTP2Error) { context.close(promise: nil) }
    }
}

/// GOAWAY frames with a reason, as they are written (RFC 9113, section 6.8).
private enum HTTP2Farewell {
    private static let headBytes = 9
    private static let type: UInt8 = 7

    static func isOne(_ frame: ByteBuffer) -> Bool {
        let start = frame.readerIndex
        guard frame.getInteger(at: start + 3, as: UInt8.self) == type, frame.getInteger(at: start + 5, as: UInt32.self) == 0,
            let reason = frame.getInteger(at: start + headBytes + 4, as: UInt32.self)
        else { return false }
        return reason != 0
    }
}
