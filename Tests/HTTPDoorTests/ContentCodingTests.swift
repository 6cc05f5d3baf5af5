/// Bodies in gzip, both ways, and the checksum of answers.

import AWSWire
import Codecs
import HTTPDoor
import Testing

@Suite(.serialized) struct ContentCodingTests {
    private static func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
        var output = [UInt8](repeating: 0, count: GzipBody.room(for: bytes.count))
        let count = output.withUnsafeMutableBytes { output in bytes.withUnsafeBytes { GzipBody.write($0, to: output) } }
        return Array(output[..<(try #require(count))])
    }

    private static func request(_ body: [UInt8], target: String = "Test_1.Echo", coding: String = "gzip") -> [UInt8] {
        let head =
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: \(target)\r\n"
            + "Content-Encoding: \(coding)\r\nContent-Length: \(body.count)\r\n\r\n"
        return Array(head.utf8) + body
    }

    private static func answer(to request: [UInt8], port: Int) throws -> RawClient.Answer {
        let client = try RawClient(port: port)
        try client.send(request[...])
        return try client.receive()
    }

    @Test("a compressed request is read as what it was", arguments: ["gzip", "GZIP", "x-gzip"])
    func inflated(coding: String) async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                for size in [0, 10, 60_000, 99_000] {
                    let text = String(repeating: "ab", count: size / 2)
                    let body = try Self.gzip(Array("{\"Text\":\"\(text)\"}".utf8))
                    try client.send(Self.request(body, coding: coding)[...])
                    #expect(try client.receive().body == "{\"Text\":\"\(text)\"}")
                }
            }
        }
    }

    @Test("what is longer than the operation takes is refused, however short it was on its way, and holds no memory")
    func bomb() async throws {
        try await withDoor(memoryLimit: 4 << 20) { port, _, _ in
            try await offPool {
                let bomb = try Self.gzip([UInt8](repeating: UInt8(ascii: " "), count: 50_000_000))
                for body in [bomb, try Self.gzip([UInt8](repeating: 32, count: 100_001))] {
                    let answer = try Self.answer(to: Self.request(Array(body.prefix(100_000))), port: port)
                    #expect(answer.status == 413 && answer.body.contains("RequestEntityTooLargeException"))
                }
                // Just short enough is read.
                let answer = try Self.answer(to: Self.request(try Self.gzip([UInt8](repeating: 32, count: 100_000))), port: port)
                #expect(answer.status == 400 && answer.body.contains("SerializationException"))
            }
        }
    }

    @Test("damage, ends that come too soon and what follows the end are refused in the protocol's own form")
    func damaged() async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let whole = try Self.gzip(Array(#"{"Text":"abc"}"#.utf8))
                var bad: [[UInt8]] = [
                    Array(#"{"Text":"abc"}"#.utf8), Array(whole.dropLast(4)), Array(whole.prefix(3)), whole + [1, 2, 3],
                ]
                for place in [0, 12, whole.count - 1, whole.count - 6] {
                    var bytes = whole
                    bytes[place] ^= 0x55
                    bad.append(bytes)
                }
                for body in bad {
                    let answer = try Self.answer(to: Self.request(body), port: port)
                    #expect(answer.status == 400 && answer.body.contains("SerializationException"))
                    #expect(answer.headers["x-amzn-requestid"] != nil && answer.headers["x-amz-id-2"] != nil)
                }
                // Two members one after the other are one body.
                let two = try Self.gzip(Array(#"{"Text":"#.utf8)) + Self.gzip(Array(#""abc"}"#.utf8))
                let answer = try Self.answer(to: Self.request(two), port: port)
                #expect(answer.status == 200)
            }
        }
    }

    @Test("a coding that is not known is refused", arguments: ["br", "deflate", "gzip, gzip", "zstd"])
    func unknown(coding: String) async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let refused = try Self.answer(to: Self.request(Array("{}".utf8), coding: coding), port: port)
                let read = try Self.answer(to: Self.request(Array(#"{"Text":"a"}"#.utf8), coding: "identity"), port: port)
                #expect(refused.status == 415 && read.status == 200)
            }
        }
    }

    @Test(
        "a long answer is compressed for who takes it",
        arguments: [
            ("gzip", true), ("deflate, GZIP;q=0.5", true), ("identity", false), ("gzip;q=0", false), ("gzip; q=0.0", false),
            ("br", false),
            ("x-gzip", true),
        ])
    func deflated(accepted: String, isGzip: Bool) async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let client = try RawClient(port: port)
                for size in [100_000, 10, 200_000] {
                    try client.send(post("\(size)", target: "Test_1.Fill", more: "Accept-Encoding: \(accepted)\r\n"))
                    let answer = try client.receive()
                    let isLong = size > 16 << 10
                    #expect(answer.headers["content-encoding"] == (isGzip && isLong ? "gzip" : nil))
                    #expect((answer.headers["vary"] != nil) == (isGzip && isLong))
                    let body =
                        isGzip && isLong
                        ? try answer.bytes.withUnsafeBytes { try CompressionCodec.gzip.decompress($0, maxBytes: 1 << 20) }
                        : answer.bytes
                    #expect(body == [UInt8](repeating: 65, count: size))
                    #expect((answer.headers["x-amz-crc32"] == nil) == (isGzip && isLong))
                }
            }
        }
    }

    @Test("the checksum of an answer is that of its bytes, and every answer has a name and a date")
    func checksum() async throws {
        try await withDoor { port, _, _ in
            try await offPool {
                let requests = [
                    post(#"{"Text":"abc"}"#), post("{}"), post("{"), post("{}", target: "Test_1.None"),
                    "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n",
                    "BAD\r\n\r\n", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
                    post("{}", more: "Origin: https://evil.example\r\n"),
                ]
                for request in requests {
                    let answer = try Self.answer(to: Array(request.utf8), port: port)
                    #expect(answer.headers["x-amzn-requestid"]?.count == 36 && answer.headers["x-amz-id-2"]?.count == 96)
                    #expect(answer.headers["date"]?.hasSuffix(" GMT") == true)
                    if let told = answer.headers["x-amz-crc32"] {
                        #expect(UInt32(told) == answer.bytes.withUnsafeBytes { BodyChecksum.crc32($0) })
                    } else {
                        // Not of a call.
                        #expect(answer.headers["content-type"]?.hasPrefix("text/plain") == true)
                    }
                }
            }
        }
    }

    @Test("the checksum is that of RFC 1952") func vector() {
        #expect(Array("123456789".utf8).withUnsafeBytes { BodyChecksum.crc32($0) } == 0xCBF4_3926)
    }
}
