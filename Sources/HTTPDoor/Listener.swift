/// Accepts connections, counts them, and closes those that are too many.

import AWSWire
import Glibc
import Logging
import NIOCore
import NIOPosix
import NodeMetrics
import Synchronization

/// An open listening socket and the event loops that serve its connections.
struct Listener: Sendable {
    private typealias Loop = (loop: any EventLoop, context: NIOLoopBound<LoopContext>)

    private let channel: any Channel
    private let loops: [Loop]
    private let connections: ConnectionCount

    /// The port that was bound.
    var port: Int? { channel.localAddress?.port }

    /// Listens.
    /// - Throws: when the address cannot be listened on.
    static func open(_ door: DoorContext) async throws -> Listener {
        let settings = door.settings
        let group = EventLoops.group(of: settings.eventLoops)
        let connections = ConnectionCount(door)
        var loops: [Loop] = []
        for loop in group.makeIterator() {
            loops.append((loop, try await loop.submit { NIOLoopBound(LoopContext(door, loop), eventLoop: loop) }.get()))
        }
        let served = loops
        door.relief.serve(served)
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // One read at a time: what others wait for meanwhile is one piece, not four.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handlers = channel.pipeline.syncOperations
                    guard connections.enter(channel) else {
                        return try handlers.addHandler(RefusedConnection(door.dispatcher.requestID()))
                    }
                    guard let loop = served.first(where: { $0.loop === channel.eventLoop }) else { return }
                    try loop.context.value.serve(channel)
                }
            }
            .bind(host: settings.host, port: settings.port).get()
        return Listener(channel: channel, loops: loops, connections: connections)
    }

    /// Accepts no more, closes what is idle, waits for what is under way, and at the deadline closes the rest.
    func close(within deadline: Duration) async {
        try? await channel.close().get()
        for (loop, context) in loops { loop.execute { context.value.sweeper.quiesce() } }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await connections.none() }
            group.addTask {
                // A cancelled sleep ends early, which is what it is cancelled for.
                try? await Task.sleep(for: deadline)
                for (loop, context) in loops { loop.execute { context.value.sweeper.cut() } }
            }
            // When all are gone nothing is left to cut; when they are cut all will be gone.
            await group.next()
            group.cancelAll()
        }
    }
}

/// Groups of event loops by their size, for the life of the process: an answer may come when its listener is long closed.
private enum EventLoops {
    private static let groups = Mutex<[Int: MultiThreadedEventLoopGroup]>([:])

    static func group(of count: Int) -> MultiThreadedEventLoopGroup {
        groups.withLock { groups in
            if let group = groups[count] { return group }
            let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, count))
            groups[count] = group
            return group
        }
    }
}

/// The connections that are open, and their limit.
final class ConnectionCount: Sendable {
    private struct State {
        var open = 0
        var lastReport: ContinuousClock.Instant?
        var unreported = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// How often refused connections are reported.
    private static let reportInterval = Duration.seconds(10)

    private let door: DoorContext
    private let state = Mutex(State())

    init(_ door: DoorContext) { self.door = door }

    /// Counts a connection until it closes; false, with nothing counted, when there are enough.
    func enter(_ channel: any Channel) -> Bool {
        let limit = door.settings.maxConnections
        let mayEnter = state.withLock { state in
            guard state.open < limit else { return false }
            state.open += 1
            return true
        }
        guard mayEnter else {
            report(limit)
            return false
        }
        door.instruments.connections.add(1)
        channel.closeFuture.whenComplete { _ in self.leave() }
        return true
    }

    private func leave() {
        door.instruments.connections.add(-1)
        let waiters = state.withLock { state in
            state.open -= 1
            defer { if state.open == 0 { state.waiters = [] } }
            return state.open == 0 ? state.waiters : []
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when none is open.
    func none() async {
        await withCheckedContinuation { continuation in
            let isNone = state.withLock { state in
                if state.open > 0 { state.waiters.append(continuation) }
                return state.open == 0
            }
            if isNone { continuation.resume() }
        }
    }

    private func report(_ limit: Int) {
        door.instruments.refusedConnections.add()
        let refused = state.withLock { state -> Int? in
            state.unreported += 1
            let now = ContinuousClock.now
            if let last = state.lastReport, last.duration(to: now) < Self.reportInterval { return nil }
            state.lastReport = now
            defer { state.unreported = 0 }
            return state.unreported
        }
        guard let refused else { return }
        door.logger.warning(
            "connections are refused: too many are open", metadata: ["refused": "\(refused)", "max-connections": "\(limit)"])
    }
}

/// A connection too many: it is told so and closed.
private final class RefusedConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let id: RequestID

    init(_ id: RequestID) { self.id = id }

    private var answer: String {
        let date = String(decoding: HTTPDate.text(time(nil)), as: UTF8.self)
        return
            "HTTP/1.1 503 Service Unavailable\r\nx-amzn-RequestId: \(id.text)\r\nx-amz-id-2: \(id.extendedText)\r\nDate: \(date)\r\n"
            + "Connection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
        context.close(promise: nil)
    }
}
