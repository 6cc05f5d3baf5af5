/// A connection that speaks HTTP/2: its handlers, and what is watched over all its streams.

import Logging
import NIOCore
import NIOHTTP2
import NodeMetrics

/// Stands nearest to the socket: closes a connection whose peer takes nothing, or has ended and has nothing under way.
final class HTTP2Connection: ChannelInboundHandler, Swept {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let context: LoopContext
    private let streams: OpenStreams
    private let tls: TLSConnection?
    private var handlerContext: ChannelHandlerContext?
    private var stall: StallClock
    private var inputEnded = false
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
            inputEnded = true
            closeIfDone()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func sweep(_ now: NIODeadline) {
        closeIfDone()
        guard let handlerContext else { return }
        let unsent = (try? handlerContext.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        guard stall.isOver(unsent: unsent + (tls?.waiting ?? 0), streams.socket, now) else { return }
        context.door.instruments.stalledConnections.add()
        context.door.logger.notice("a connection was closed: its peer took nothing of its answers")
        handlerContext.channel.reset()
    }

    func quiesce() { handlerContext?.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }

    var stalledSince: NIODeadline? { stall.since }
    func cut() { handlerContext?.channel.reset() }

    private func closeIfDone() {
        if inputEnded, streams.open == 0 { handlerContext?.close(promise: nil) }
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
            [HTTP2Connection(context, streams, tls), http2, manager, HTTP2ErrorHandler()], position: .after(handler))
    }

    /// How much of a stream's body may be on its way.
    private static let windowBytes = 1 << 20
}

/// What the streams of a connection have in common: counts the open ones, passes on what it hears, and knows the socket.
final class OpenStreams: NIOHTTP2StreamDelegate {
    private let count: NIOLoopBoundBox<Int>
    private let descriptor: NIOLoopBoundBox<CInt?>
    private let next: any NIOHTTP2StreamDelegate

    init(_ loop: any EventLoop, _ next: any NIOHTTP2StreamDelegate) {
        count = NIOLoopBoundBox(0, eventLoop: loop)
        descriptor = NIOLoopBoundBox(nil, eventLoop: loop)
        self.next = next
    }

    /// To be read on the event loop.
    var open: Int { count.value }

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

/// Ends a connection after an error; what HTTP/2 has to say of it has been said then.
private final class HTTP2ErrorHandler: ChannelInboundHandler {
    typealias InboundIn = Never

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
