/// Counts the connections that are open.

import NIOCore
import NodeMetrics

/// Stands in the pipeline of each connection.
final class ConnectionCounter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let connections: Gauge
    private var isCounted = false

    init(_ connections: Gauge) { self.connections = connections }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { count() }
    }

    func channelActive(context: ChannelHandlerContext) {
        count()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isCounted { connections.add(-1) }
        isCounted = false
        context.fireChannelInactive()
    }

    private func count() {
        if !isCounted { connections.add(1) }
        isCounted = true
    }
}
