/// Answers of calls that are made while they are sent: each piece is there at once, waiting costs little, and stopping ends them.

import AWSWire
import HTTPDoor
import ServiceLifecycle
import Synchronization
import Testing

/// Answers with a piece, and with another when it is hastened; between them it waits.
enum Drip: DirectOperation {
    /// Says once that the end may come.
    private final class Faucet: Sendable {
        private let state = Mutex<(isOpen: Bool, waiting: CheckedContinuation<Void, Never>?)>((false, nil))

        func open() {
            let waiting = state.withLock { state in
                state.isOpen = true
                defer { state.waiting = nil }
                return state.waiting
            }
            waiting?.resume()
        }

        func opened() async {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.waiting = continuation }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
        }
    }

    static let errors: [AWSError.Name] = []
    static let memoryBound = 1000
    static let restingMemory = 16 << 10

    static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ gate: Gate) throws(AWSError) -> Int { body.count }
    static func resources(_ request: borrowing Int, _ gate: Gate) -> [ResourceName] { [] }

    static func start(_ request: consuming Int, _ gate: Gate, _ call: DirectCall) {
        let faucet = Faucet()
        let count = Mutex(0)
        let next: @Sendable () async -> [UInt8]? = {
            let number = count.withLock { count in
                count += 1
                return count
            }
            if number == 2 { await faucet.opened() }
            return number > 2 ? nil : Array("piece \(number)".utf8)
        }
        call.succeed(
            ReplyStream(
                restingMemory: restingMemory, next: next, close: { faucet.open() }, hasten: { faucet.open() }),
            contentType: "text/plain")
    }
}

/// Answers with one large piece, which may take a second in all if the body is not empty.
enum Flood: DirectOperation {
    static let errors: [AWSError.Name] = []
    static let memoryBound = 1000
    static let bytes = 64 << 20

    static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ gate: Gate) throws(AWSError) -> Int { body.count }
    static func resources(_ request: borrowing Int, _ gate: Gate) -> [ResourceName] { [] }

    static func start(_ request: consuming Int, _ gate: Gate, _ call: DirectCall) {
        let isSent = Mutex(false)
        let longest: Duration? = request > 2 ? .seconds(1) : nil
        call.succeed(
            ReplyStream(
                longest: longest,
                next: {
                    let isOver = isSent.withLock { isSent in
                        defer { isSent = true }
                        return isSent
                    }
                    return isOver ? nil : [UInt8](repeating: 7, count: bytes)
                }), contentType: "text/plain")
    }
}

@Suite struct StreamedReplyTests {
    @Test("a piece is there before the next one is made, and a stop brings the end instead of a break")
    func hastened() async throws {
        try await withDoor { port, _, group in
            let client = try await offPool {
                let client = try RawClient(port: port)
                try client.send(post("{}", target: "Test_1.Drip"))
                let head = try client.receive(ofHead: true)
                #expect(head.status == 200 && head.headers["transfer-encoding"] == "chunked")
                #expect(head.headers["content-type"] == "text/plain")
                #expect(try client.receiveChunk() == "piece 1")
                return client
            }
            await group.triggerGracefulShutdown()
            try await offPool {
                let rest = [try client.receiveChunk(), try client.receiveChunk()]
                #expect(rest == ["piece 2", ""])
                #expect(client.isClosed())
            }
        }
    }

    @Test("streams that wait take no more than they say")
    func resting() async throws {
        try await withDoor(memoryLimit: 2 << 20) { port, _, _ in
            try await offPool {
                var clients: [RawClient] = []
                for _ in 0..<100 {
                    let client = try RawClient(port: port)
                    try client.send(post("{}", target: "Test_1.Drip"))
                    #expect(try client.receive(ofHead: true).status == 200)
                    #expect(try client.receiveChunk() == "piece 1")
                    clients.append(client)
                }
                let client = try RawClient(port: port)
                try client.send(post(#"{"Text":"a"}"#))
                #expect(try client.receive().status == 200)
            }
        }
    }

    @Test("what has had its time is cut, however steadily its peer takes a little")
    func trickled() async throws {
        try await withDoor(memoryLimit: 256 << 20, deadline: .milliseconds(100)) { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port, receiveBuffer: 64 << 10)
                try client.send(post(#"{"a": 1}"#, target: "Test_1.Flood"))
                // At this rate the whole would take much longer.
                #expect(throws: RawClient.Failure.self) {
                    try client.dawdle(bytes: 16 << 10, every: .milliseconds(10), for: .seconds(15))
                }
            }
        }
    }

    @Test("a stop does not wait for the peer of a stream that takes nothing")
    func stalledAtStop() async throws {
        let begun = try await withStalledPeer()
        #expect(ContinuousClock.now - begun < .seconds(10))
    }

    /// - Returns: when the stop was asked for; it is over then.
    private func withStalledPeer() async throws -> ContinuousClock.Instant {
        let begun = Mutex(ContinuousClock.now)
        let kept = Mutex<RawClient?>(nil)
        try await withDoor(memoryLimit: 256 << 20) { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port, receiveBuffer: 64 << 10)
                try client.send(post("{}", target: "Test_1.Flood"))
                #expect(try client.receive(ofHead: true).status == 200)
                kept.withLock { $0 = client }
            }
            begun.withLock { $0 = .now }
        }
        kept.withLock { $0 = nil }
        return begun.withLock { $0 }
    }
}
