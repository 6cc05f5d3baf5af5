/// What one stream does wrong is that stream's, and floods end a connection.

import HTTPDoor
import NIOCore
import NIOEmbedded
import Testing

@Suite struct HTTP2ConnectionTests {
    /// A frame as it came.
    private struct Frame {
        var type: UInt8
        var stream: UInt32
        var payload: [UInt8]

        /// Of RST_STREAM and GOAWAY.
        var code: UInt32 { payload.suffix(payload.count >= 8 ? payload.count - 4 : 4).prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }
    }

    private static func frames(_ bytes: [UInt8]) -> [Frame] {
        var rest = bytes[...]
        var frames: [Frame] = []
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let length = head[..<3].reduce(0) { $0 << 8 | Int($1) }
            frames.append(
                Frame(
                    type: head[3], stream: head[5...].reduce(0) { $0 << 8 | UInt32($1) },
                    payload: Array(rest.dropFirst(9).prefix(length))))
            rest = rest.dropFirst(9 + length)
        }
        return frames
    }

    private static let opening = Frames.preface + Frames.settings + Frames.settingsAcknowledged
    private static let good = Frames.call("Test_1.Repeat", "hello", stream: 3)

    private static func head(_ more: [(String, String)], flags: UInt8 = 4) -> [UInt8] {
        let fields = [
            (":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "localhost"),
            ("x-amz-target", "Test_1.Repeat"),
            ("content-type", "application/x-amz-json-1.1"),
        ]
        return Frames.frame(1, flags: flags, stream: 1, Frames.block(fields + more))
    }

    private static let wrong: [(String, [UInt8])] = [
        (
            "a body that is longer than it said",
            head([("content-length", "3")]) + Frames.frame(0, flags: 1, stream: 1, Array("hello".utf8))
        ),
        (
            "a body that is shorter than it said",
            head([("content-length", "9")]) + Frames.frame(0, flags: 1, stream: 1, Array("hello".utf8))
        ),
        ("a field in capitals", head([("Upper", "x")])),
        ("a field of connections", head([("connection", "close")])),
        ("an unknown pseudo field", head([(":unknown", "x")])),
        (
            "a window that overflows",
            head([]) + Frames.frame(8, stream: 1, [0x7F, 0xFF, 0xFF, 0xFF]) + Frames.frame(8, stream: 1, [0x7F, 0xFF, 0xFF, 0xFF])
        ),
    ]

    @Test("what is wrong with a stream resets that stream, and the others go on", arguments: wrong.indices)
    func streamError(index: Int) throws {
        let (name, bytes) = Self.wrong[index]
        let output = try FuzzedDoor().answer(to: Self.opening + bytes + Self.good, pieces: 1 << 20)
        let frames = Self.frames(output)
        #expect(frames.contains { $0.type == 3 && $0.stream == 1 }, "\(name): the stream is not reset")
        #expect(
            frames.contains { $0.type == 0 && $0.stream == 3 && $0.payload == Array("hello".utf8) },
            "\(name): the other stream is not answered")
        #expect(!frames.contains { $0.type == 7 && $0.code != 0 }, "\(name)")
    }

    @Test("what is wrong with the connection ends it, and says why")
    func connectionError() throws {
        let wrong: [(String, [UInt8])] = [
            ("DATA on no stream", Frames.frame(0, flags: 1, stream: 0, [1])),
            ("a SETTINGS frame of odd length", Frames.frame(4, [1])),
            ("a header block that cannot be read", Frames.frame(1, flags: 5, stream: 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF])),
            ("a window that overflows", Frames.frame(8, stream: 0, [0x7F, 0xFF, 0xFF, 0xFF])),
            ("a stream of the server's", Frames.call("Test_1.Repeat", "x", stream: 2)),
        ]
        for (name, bytes) in wrong {
            let frames = Self.frames(try FuzzedDoor().answer(to: Self.opening + bytes + Self.good, pieces: 1 << 20))
            #expect(frames.contains { $0.type == 7 && $0.code != 0 }, "\(name)")
            #expect(!frames.contains { $0.type == 0 }, "\(name)")
        }
    }

    @Test("floods of frames that cost their sender nothing end the connection")
    func floods() throws {
        var resets: [UInt8] = []
        for stream in 0..<1000 {
            resets += Frames.call("Test_1.Repeat", "x", stream: UInt32(2 * stream + 1)).dropLast(10)
            resets += Frames.frame(3, stream: UInt32(2 * stream + 1), [0, 0, 0, 8])
        }
        let block = Frames.block([("a", "b")])
        let floods: [(String, [UInt8])] = [
            ("RST_STREAM", resets), ("SETTINGS", Array((0..<5000).map { _ in Frames.settings }.joined())),
            ("PING", Array((0..<5000).map { _ in Frames.frame(6, [1, 2, 3, 4, 5, 6, 7, 8]) }.joined())),
            ("PRIORITY", Array((0..<5000).map { _ in Frames.frame(2, stream: 1, [0, 0, 0, 0, 1]) }.joined())),
            ("CONTINUATION", Self.head([], flags: 0) + Array((0..<5000).map { _ in Frames.frame(9, stream: 1, block) }.joined())),
            ("empty DATA", Self.head([]) + Array((0..<5000).map { _ in Frames.frame(0, stream: 1) }.joined())),
        ]
        for (name, bytes) in floods {
            let door = FuzzedDoor()
            let frames = Self.frames(
                try door.answer(to: Self.opening + bytes + Frames.call("Test_1.Repeat", "hello", stream: 3001), pieces: 1 << 20))
            #expect(frames.contains { $0.type == 7 && $0.code != 0 }, "\(name) is borne")
            #expect(!frames.contains { $0.stream == 3001 }, "\(name)")
            #expect(door.door.reservedBytes == 0)
        }
    }

    @Test(
        "when a peer has ended, what it has not sent whole and answers without a window are given up",
        arguments: [
            Frames.frame(4, [0, 4, 0, 0, 0, 5]) + Frames.call("Test_1.Repeat", "hello, hello", stream: 1),
            Frames.settings + Frames.call("Test_1.Repeat", "hello", stream: 1).dropLast(14),
        ])
    func endedPeer(bytes: [UInt8]) throws {
        let door = FuzzedDoor()
        let channel = try door.connect()
        _ = try? channel.writeInbound(ByteBuffer(bytes: Frames.preface + bytes))
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(channel.isActive)
        // Two looks at all connections.
        channel.embeddedEventLoop.advanceTime(by: .seconds(3))
        #expect(!channel.isActive && door.door.reservedBytes == 0)
    }

    @Test("a head that is too long in all is refused, however it is packed")
    func longHeads() throws {
        let plain = (0..<400).map { ("field-\($0)", String(repeating: "x", count: 100)) }
        // One field of 100 bytes put into the table, then named by a byte as often as one likes (RFC 7541, section 6.1).
        let named =
            Frames.block([(":method", "POST")]) + [0x40, 1, 97, 100] + [UInt8](repeating: 98, count: 100)
            + [UInt8](repeating: 0xBE, count: 10_000)
        for block in [Frames.block(plain), named] {
            let door = FuzzedDoor()
            var bytes = Self.opening
            var rest = block[...]
            bytes += Frames.frame(1, flags: rest.count <= 16_000 ? 5 : 1, stream: 1, Array(rest.prefix(16_000)))
            rest = rest.dropFirst(16_000)
            while !rest.isEmpty {
                bytes += Frames.frame(9, flags: rest.count <= 16_000 ? 4 : 0, stream: 1, Array(rest.prefix(16_000)))
                rest = rest.dropFirst(16_000)
            }
            let frames = Self.frames(try door.answer(to: bytes, pieces: 1 << 20))
            #expect(frames.contains { $0.type == 7 && $0.code != 0 || $0.type == 3 || $0.type == 1 })
            #expect(!frames.contains { $0.type == 0 && $0.payload == Array("hello".utf8) })
        }
    }
}
