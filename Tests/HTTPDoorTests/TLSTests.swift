/// Secured connections, fed by hand: handshakes, both HTTP versions, damage, ends, and answers to who does not read.

import CTLS
import HTTPDoor
import NIOCore
import NIOEmbedded
import NIOHTTP2
import Testing

/// A client and a connection of the door, joined without a socket.
private struct Line {
    let door: FuzzedDoor
    let channel: EmbeddedChannel
    let peer: TLSPeer

    init(_ peer: TLSPeer, identity: TLSIdentity? = nil, _ change: (inout HTTPDoor.Settings) -> Void = { _ in }) throws {
        let identity = try identity ?? TestCertificates.identity()
        door = FuzzedDoor { settings in
            settings.tls = identity
            change(&settings)
        }
        channel = try door.connect()
        self.peer = peer
    }

    /// Carries bytes both ways until neither side has any.
    /// - Parameter pieces: so many bytes reach the server at a time.
    func run(pieces: Int = 1 << 20) {
        while true {
            var rest = peer.next()[...]
            while !rest.isEmpty, channel.isActive {
                deliver(Array(rest.prefix(pieces)))
                rest = rest.dropFirst(pieces)
            }
            channel.embeddedEventLoop.advanceTime(by: .milliseconds(5))
            let answer = output()
            peer.take(answer)
            if answer.isEmpty, peer.outgoing.isEmpty { return }
        }
    }

    /// Brings bytes to the server. What reaches the pipeline's end is dropped as by a socket's channel.
    func deliver(_ bytes: [UInt8]) {
        channel.pipeline.syncOperations.fireChannelRead(NIOAny(ByteBuffer(bytes: bytes)))
        channel.pipeline.syncOperations.fireChannelReadComplete()
        // What HTTP/2 tells of its connection goes that far.
        while (try? channel.readInbound(as: HTTP2Frame.self)) != nil {}
    }

    /// What the server has sent.
    func output() -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try? channel.readOutbound(as: ByteBuffer.self) { bytes += piece.readableBytesView }
        return bytes
    }

    var said: String { String(decoding: peer.said, as: UTF8.self) }
}

@Suite struct TLSTests {
    private static let request = post(#"{"Text":"abc"}"#, target: "Test_1.Repeat")

    @Test("a request over TLS is answered, in pieces of any size", arguments: [1, 2, 7, 1000, 1 << 20])
    func http1(pieces: Int) throws {
        let line = try Line(try TLSPeer(protocols: ["http/1.1"]))
        line.run(pieces: pieces)
        #expect(line.peer.isEstablished && line.peer.version == "TLSv1.3" && line.peer.chosenProtocol == "http/1.1")
        line.peer.say(Self.request)
        line.run(pieces: pieces)
        line.peer.say(Self.request)
        line.run(pieces: pieces)
        #expect(line.said.split(separator: #"{"Text":"abc"}"#).count == 2 && line.said.hasPrefix("HTTP/1.1 200 "))
        #expect(line.door.door.reservedBytes == 0)
    }

    @Test("ALPN chooses HTTP/2", arguments: [1, 1 << 20])
    func http2(pieces: Int) throws {
        let line = try Line(try TLSPeer(protocols: ["h2", "http/1.1"]))
        line.run(pieces: pieces)
        #expect(line.peer.chosenProtocol == "h2")
        line.peer.say(
            Frames.preface + Frames.settings + Frames.settingsAcknowledged + Frames.call("Test_1.Repeat", "hello", stream: 1))
        line.run(pieces: pieces)
        #expect(line.peer.said.suffix(5) == Array("hello".utf8)[...])
    }

    @Test("who offers no protocol that is spoken here is told so and closed")
    func noCommonProtocol() throws {
        let line = try Line(try TLSPeer(protocols: ["spdy/3"]))
        line.run()
        #expect(line.peer.failure != nil && !line.peer.isEstablished && !line.channel.isActive)
    }

    @Test("a certificate of another authority or for another name is refused by the client, and the connection is closed")
    func distrust() throws {
        let other = try #require(TLSAuthority.make(name: "Other CA", now: TestCertificates.now, days: 2))
        for peer in [try TLSPeer(authority: other.certificate), try TLSPeer(host: "millrace.example")] {
            let line = try Line(peer)
            line.run()
            #expect(line.peer.failure != nil && !line.channel.isActive)
        }
    }

    @Test("a page of the same origin over https may call, one over http may not")
    func scheme() throws {
        for (origin, status) in [("https://h", "200"), ("http://h", "403")] {
            let line = try Line(try TLSPeer())
            line.run()
            line.peer.say(post(#"{"Text":"abc"}"#, target: "Test_1.Repeat", more: "Origin: \(origin)\r\n"))
            line.run()
            #expect(line.said.hasPrefix("HTTP/1.1 \(status) "), "\(origin)")
        }
        let line = try Line(try TLSPeer())
        line.run()
        line.peer.say("GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        line.run()
        #expect(line.said.hasPrefix("HTTP/1.1 421 "))
    }

    @Test("HTTP in clear is served on the same port, unless TLS is required")
    func clear() throws {
        let identity = try TestCertificates.identity()
        let both = FuzzedDoor { $0.tls = identity }
        #expect(
            String(decoding: try both.answer(to: Array(Self.request.utf8), pieces: 3), as: UTF8.self).hasPrefix("HTTP/1.1 200 "))
        let only = FuzzedDoor {
            $0.tls = identity
            $0.requiresTLS = true
        }
        let answer = String(decoding: try only.answer(to: Array(Self.request.utf8), pieces: 3), as: UTF8.self)
        #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.contains("https://"))
        let body = try #require(answer.firstRange(of: "\r\n\r\n"))
        #expect(answer.contains("Content-Length: \(answer[body.upperBound...].utf8.count)\r\n"))
    }

    @Test("damaged records close the connection and nothing that they held is run")
    func damage() throws {
        for place in [0, 1, 2, 3, 5, 20, -1] {
            let line = try Line(try TLSPeer())
            line.run()
            line.peer.say(Self.request)
            var bytes = line.peer.next()
            bytes[place < 0 ? bytes.count - 1 : place] ^= 0xFF
            line.deliver(bytes)
            line.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            line.channel.embeddedEventLoop.advanceTime(by: .milliseconds(5))
            line.peer.take(line.output())
            #expect(line.said.isEmpty && !line.channel.isActive, "byte \(place)")
        }
    }

    @Test(
        "garbage instead of a handshake closes the connection",
        arguments: [[22], [22, 3, 1, 0, 5, 1, 2, 3, 4, 5], [22] + [UInt8](repeating: 255, count: 70_000)])
    func garbage(bytes: [UInt8]) throws {
        let line = try Line(try TLSPeer())
        line.deliver(bytes)
        line.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        line.channel.embeddedEventLoop.advanceTime(by: .milliseconds(5))
        #expect(!line.channel.isActive && line.door.door.reservedBytes == 0)
    }

    @Test("a peer that has said its end gets its answer, and the end of it", arguments: [true, false])
    func halfClosed(says: Bool) throws {
        let line = try Line(try TLSPeer())
        line.run()
        line.peer.say(Self.request)
        if says { line.peer.end() }
        line.deliver(line.peer.next())
        line.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        line.channel.embeddedEventLoop.advanceTime(by: .milliseconds(5))
        line.peer.take(line.output())
        #expect(line.said.hasSuffix(#"{"Text":"abc"}"#) && line.peer.hasEnded && line.peer.failure == nil)
        #expect(!line.channel.isActive)
    }

    @Test("half a request before the peer's end is not run")
    func cutOff() throws {
        let line = try Line(try TLSPeer())
        line.run()
        line.peer.say(String(Self.request.dropLast()))
        line.run()
        line.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        line.channel.embeddedEventLoop.advanceTime(by: .milliseconds(5))
        line.peer.take(line.output())
        #expect(line.said.isEmpty && !line.channel.isActive)
    }

    @Test("ciphertext is made no faster than the socket takes it, and the answer is owned until then")
    func slowReader() throws {
        let line = try Line(try TLSPeer())
        line.run()
        line.peer.say(post("2000000", target: "Test_1.Fill"))
        line.channel.isWritable = false
        line.run()
        #expect(line.peer.said.isEmpty && line.door.door.reservedBytes >= 2_000_000)
        // A round at a time, as a full socket's does.
        var rounds = 0
        while line.peer.said.count < 2_000_000, rounds < 100 {
            line.channel.isWritable = true
            let closer = Closer()
            try line.channel.pipeline.syncOperations.addHandler(closer, position: .first)
            line.channel.pipeline.fireChannelWritabilityChanged()
            try line.channel.pipeline.syncOperations.removeHandler(closer).wait()
            let bytes = line.output()
            #expect(bytes.count < 70 << 10)
            line.peer.take(bytes)
            rounds += 1
        }
        #expect(rounds > 25 && line.said.hasPrefix("HTTP/1.1 200 ") && line.door.door.reservedBytes == 0)
    }

    /// A socket that is full after one write.
    private final class Closer: ChannelOutboundHandler, RemovableChannelHandler {
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            (context.channel as? EmbeddedChannel)?.isWritable = false
            context.write(data, promise: promise)
        }
    }

    @Test("a certificate is replaced while the server runs; a broken one is refused and the one before stays")
    func replaced() throws {
        let identity = try TestCertificates.identity()
        let before = try Line(try TLSPeer(), identity: identity)
        before.run()
        let other = TestCertificates.issue(["DNS:millrace.example"])
        #expect(throws: TLSFault.otherKey) { try identity.replace(certificate: other.certificate, key: TestCertificates.leaf.key) }
        for (certificate, key) in [
            ([], other.key), (other.certificate, []), (Array("x".utf8), other.key),
            (Array(other.certificate.dropLast(30)), other.key),
        ] {
            #expect(throws: TLSFault.self) { try identity.replace(certificate: certificate, key: key) }
        }
        let still = try Line(try TLSPeer(), identity: identity)
        still.run()
        #expect(still.peer.isEstablished)
        try identity.replace(certificate: other.certificate + TestCertificates.authority.certificate, key: other.key)
        let after = try Line(try TLSPeer(host: "millrace.example"), identity: identity)
        after.run()
        #expect(after.peer.isEstablished && after.channel.isActive)
        // What is open goes on.
        before.peer.say(Self.request)
        before.run()
        #expect(before.said.hasPrefix("HTTP/1.1 200 "))
    }

    @Test("a handshake that does not end in the time of a head is given up, one that does is not held to it")
    func slowHandshake() async throws {
        let identity = try TestCertificates.identity()
        try await withDoor(settings: {
            $0.tls = identity
            $0.headTimeout = .milliseconds(300)
        }) { port, _, _ in
            try await offPool {
                let hello = try TLSPeer().next()
                let slow = try RawClient(port: port)
                try slow.send(hello.prefix(40))
                let fast = try RawClient(port: port)
                let peer = try TLSPeer()
                try fast.send(peer.next()[...])
                while !peer.isEstablished { peer.take(try fast.receiveSome()) }
                try fast.send(peer.next()[...])
                #expect(slow.isClosed())
                peer.say(post(#"{"Text":"abc"}"#))
                try fast.send(peer.next()[...])
                while !String(decoding: peer.said, as: UTF8.self).hasSuffix("}") { peer.take(try fast.receiveSome()) }
                #expect(String(decoding: peer.said, as: UTF8.self).hasPrefix("HTTP/1.1 200 "))
            }
        }
    }

    @Test("an answer that is long for the socket comes whole over TLS, however slowly it is read")
    func longAnswer() async throws {
        let identity = try TestCertificates.identity()
        try await withDoor(memoryLimit: 64 << 20, settings: { $0.tls = identity }) { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port, receiveBuffer: 16 << 10)
                let peer = try TLSPeer()
                try client.send(peer.next()[...])
                while !peer.isEstablished { peer.take(try client.receiveSome()) }
                peer.say(post("20000000", target: "Test_1.Fill") + post("3", target: "Test_1.Fill", more: "Connection: close\r\n"))
                try client.send(peer.next()[...])
                while !peer.hasEnded { peer.take(try client.receiveSome()) }
                #expect(peer.said.count > 20_000_000 && peer.said.suffix(3) == [65, 65, 65])
                #expect(client.isClosed())
            }
        }
    }

    @Test("a certificate says which names it holds")
    func names() {
        let leaf = TestCertificates.leaf.certificate
        #expect(TLSAuthority.covers(leaf, names: ["DNS:localhost", "IP:127.0.0.1"]))
        #expect(!TLSAuthority.covers(leaf, names: ["DNS:localhost", "IP:::1"]) && !TLSAuthority.covers(leaf, names: ["DNS:other"]))
    }
}
