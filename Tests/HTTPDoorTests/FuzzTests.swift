/// Mutated requests of HTTP/1 and HTTP/2: whatever comes, nothing traps, nothing keeps memory, and a call is answered once.
///
/// `MILLRACE_FUZZ_INPUTS=200000 swift test -c release --filter FuzzTests` gives so many inputs to each; `MILLRACE_FUZZ_SEED` repeats a run.

import AWSWire
import Foundation
import HTTPDoor
import Logging
import NIOCore
import NIOEmbedded
import NodeMetrics
import Testing

/// Connections without a socket. They are used on one thread.
struct FuzzedDoor {
    let door: EmbeddedDoor
    /// In so long a request that waits for its turn is begun.
    private static let turn = TimeAmount.milliseconds(5)

    init(_ change: (inout HTTPDoor.Settings) -> Void = { _ in }) {
        var settings = HTTPDoor.Settings()
        settings.memoryLimit = 8 << 20
        change(&settings)
        let service = AWSService(prefix: "Test_1", serving: Gate(), [.direct(Fill.self), .direct(Repeat.self)])
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        door = EmbeddedDoor(settings, AWSDispatcher([service]), metrics: MetricsRegistry(), logger: logger)
    }

    func connect() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try door.serve(channel, on: channel.embeddedEventLoop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    /// What is sent back to some bytes, given in pieces.
    func answer(to bytes: [UInt8], pieces: Int) throws -> [UInt8] {
        let channel = try connect()
        var rest = bytes[...]
        while !rest.isEmpty, channel.isActive {
            // Malformed input is told to the pipeline's end as an error; the connection is closed for it.
            _ = try? channel.writeInbound(ByteBuffer(bytes: rest.prefix(pieces)))
            channel.embeddedEventLoop.advanceTime(by: Self.turn)
            rest = rest.dropFirst(pieces)
        }
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        channel.embeddedEventLoop.advanceTime(by: Self.turn)
        var output: [UInt8] = []
        while let piece = try? channel.readOutbound(as: ByteBuffer.self) { output += piece.readableBytesView }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return output
    }
}

/// Answers with its body.
enum Repeat: DirectOperation {
    static let errors: [AWSError.Name] = []
    static let memoryBound = 100_000
    static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ gate: Gate) throws(AWSError) -> [UInt8] {
        [UInt8](body)
    }
    static func resources(_ request: borrowing [UInt8], _ gate: Gate) -> [ResourceName] { [] }
    static func start(_ request: consuming [UInt8], _ gate: Gate, _ call: DirectCall) { call.succeed(request) }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// Frames of HTTP/2 (RFC 9113) as bytes.
enum Frames {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        var frame: [UInt8] = [16, 8, 0].map { UInt8(truncatingIfNeeded: payload.count >> $0) }
        frame += [type, flags]
        frame += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: stream >> $0) }
        return frame + payload
    }

    /// Fields as literals without an index and without Huffman's code (RFC 7541, section 6.2.2).
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, value) in fields {
            bytes.append(0)
            for text in [name, value] {
                bytes.append(UInt8(text.utf8.count))
                bytes += text.utf8
            }
        }
        return bytes
    }

    static let settings = frame(4)
    static let settingsAcknowledged = frame(4, flags: 1)

    /// A call as HEADERS and DATA.
    static func call(_ target: String, _ body: String, stream: UInt32) -> [UInt8] {
        let fields = [
            (":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "localhost"), ("x-amz-target", target),
            ("content-type", "application/x-amz-json-1.1"),
        ]
        return frame(1, flags: 4, stream: stream, block(fields)) + frame(0, flags: 1, stream: stream, Array(body.utf8))
    }
}

@Suite struct FuzzTests {
    private static let inputs = ProcessInfo.processInfo.environment["MILLRACE_FUZZ_INPUTS"].flatMap { Int($0) } ?? 2_000
    private static let seed = ProcessInfo.processInfo.environment["MILLRACE_FUZZ_SEED"].flatMap { UInt64($0) } ?? 20_261_130

    private static let requests: [[UInt8]] = [
        post(#"{"Text":"abc"}"#, target: "Test_1.Repeat"), post("5", target: "Test_1.Fill"),
        post(#"{"Text":"abc"}"#, target: "Test_1.Repeat") + post("50", target: "Test_1.Fill"),
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Test_1.Repeat\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n",
        post("x", target: "Test_1.Repeat", more: "Expect: 100-continue\r\nConnection: close\r\n"),
        "OPTIONS / HTTP/1.1\r\nHost: localhost:80\r\nOrigin: http://localhost\r\nAccess-Control-Request-Method: POST\r\n\r\n",
        "GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\nHEAD / HTTP/1.1\r\nHost: [::1]:4566\r\n\r\n",
    ].map { Array($0.utf8) }

    private static let conversations: [[UInt8]] = [plain, windows, continued]

    private static let plain =
        Frames.preface + Frames.settings + Frames.settingsAcknowledged + Frames.call("Test_1.Repeat", "hello", stream: 1)

    /// An answer that is longer than the windows, which grow by and by; a second call; the first given up.
    private static let windows: [UInt8] = {
        var bytes = Frames.preface + Frames.settings + Frames.call("Test_1.Fill", "200000", stream: 1)
        bytes += Frames.frame(8, stream: 0, [0, 1, 0, 0])
        bytes += Frames.frame(8, stream: 1, [0, 1, 0, 0])
        bytes += Frames.call("Test_1.Repeat", "again", stream: 3)
        bytes += Frames.frame(3, stream: 1, [0, 0, 0, 8])
        return bytes
    }()

    /// Settings, a ping, a head in two frames, a priority, a farewell.
    private static let continued: [UInt8] = {
        var bytes = Frames.preface + Frames.frame(4, [0, 4, 0, 0, 0, 5]) + Frames.frame(6, [1, 2, 3, 4, 5, 6, 7, 8])
        bytes += Frames.frame(1, stream: 1, Frames.block([(":method", "GET"), (":scheme", "http")]))
        bytes += Frames.frame(9, flags: 4, stream: 1, Frames.block([(":path", "/"), (":authority", "h"), ("te", "trailers")]))
        bytes += Frames.frame(2, stream: 1, [0, 0, 0, 0, 1])
        bytes += Frames.frame(7, [0, 0, 0, 0, 0, 0, 0, 0])
        return bytes
    }()

    @Test("the inputs before they are mutated are answered")
    func unmutated() throws {
        let door = FuzzedDoor()
        for request in Self.requests {
            let answer = String(decoding: try door.answer(to: request, pieces: 10_000), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 200 ") || answer.hasPrefix("HTTP/1.1 403 ") || answer.hasPrefix("HTTP/1.1 100 "))
        }
        for conversation in Self.conversations {
            #expect(try door.answer(to: conversation, pieces: 10_000).count > 100)
        }
        #expect(try door.answer(to: Self.conversations[0], pieces: 1).suffix(5) == Array("hello".utf8)[...])
        #expect(door.door.reservedBytes == 0)
    }

    @Test("mutated requests of HTTP/1 are answered or refused")
    func http1() throws { try fuzz(Self.requests) }

    @Test("mutated frames of HTTP/2 are answered or refused")
    func http2() throws { try fuzz(Self.conversations) }

    private func fuzz(_ corpus: [[UInt8]]) throws {
        let door = FuzzedDoor()
        var random = SplitMix(state: Self.seed)
        for number in 0..<Self.inputs {
            var input = corpus[Int.random(in: 0..<corpus.count, using: &random)]
            for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&input, corpus, &random) }
            _ = try door.answer(to: input, pieces: Bool.random(using: &random) ? 100_000 : Int.random(in: 1...40, using: &random))
            if door.door.reservedBytes != 0 {
                Issue.record("input \(number) of seed \(Self.seed) keeps \(door.door.reservedBytes) bytes")
                return
            }
        }
    }

    private func mutate(_ input: inout [UInt8], _ corpus: [[UInt8]], _ random: inout SplitMix) {
        guard !input.isEmpty else { return }
        let place = Int.random(in: 0..<input.count, using: &random)
        let count = min(Int.random(in: 1...30, using: &random), input.count - place)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: input[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: input[place] = UInt8.random(in: 0...255, using: &random)
        case 2: input.removeSubrange(place..<place + count)
        case 3: input.insert(contentsOf: input[place..<place + count], at: place)
        case 4: input.insert(contentsOf: (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }, at: place)
        case 5: input.removeLast(input.count - place)
        case 6:
            // The end of one behind the beginning of another.
            let other = corpus[Int.random(in: 0..<corpus.count, using: &random)]
            input = Array(input[..<place]) + other[Int.random(in: 0..<other.count, using: &random)...]
        default:
            let signs = Array("\r\n:; 0123456789abcdefGET/?".utf8)
            input[place] = signs[Int.random(in: 0..<signs.count, using: &random)]
        }
    }
}
