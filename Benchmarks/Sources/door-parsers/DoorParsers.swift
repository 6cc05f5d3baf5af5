/// Times the door's own parsers beside those that it could have used instead; see `Benchmarks/run door-parsers`.

import AWSWire
import Foundation
import HTTPDoor
import KinesisService
import NIOCore
import NIOEmbedded
import NIOHTTP1
import simdjson_put

@main
struct DoorParsers {
    private static let rounds = 7

    static func main() throws {
        print("Processor time, medians of \(rounds) rounds in turn; records of 150 bytes:")
        for (name, records) in [("PutRecord", nil), ("PutRecords of 500", 500)] as [(String, Int?)] {
            let body = Self.body(records)
            compare(
                "\(name), \(body.count) bytes", count: records == nil ? 200_000 : 1_000,
                [("own, one pass", ownReader(body, records)), ("simdjson, on demand", simdjsonReader(body, records))])
        }
        for (name, records) in [("PutRecord", nil), ("PutRecords", 500)] as [(String, Int?)] {
            let body = Self.body(records)
            let signed = try SignedCalls(body, name)
            let caller = try signed.caller()
            compare(
                "A signed \(name), \(body.count) bytes", count: records == nil ? 50_000 : 1_000,
                [("signature", { signed.authenticate() }), ("policies", { signed.authorize(caller, name) })])
        }
        let head = Array(Self.head.utf8)
        compare(
            "A head of \(head.count) bytes with 9 fields, in a channel", count: 100_000,
            [("own", try channel(OwnHeads(), head)), ("NIOHTTP1", try channel(NIOHeads(), head))])
    }

    /// Prints how long each takes, and how many times the first one's time that is.
    private static func compare(_ name: String, count: Int, _ candidates: [(name: String, run: () -> Void)]) {
        var times = [[Double]](repeating: [], count: candidates.count)
        for _ in 0...rounds {
            for (index, candidate) in candidates.enumerated() {
                let began = clock()
                for _ in 0..<count { candidate.run() }
                times[index].append(Double(clock() - began) / Double(CLOCKS_PER_SEC) / Double(count) * 1e9)
            }
        }
        // The first round warms up.
        let medians = times.map { $0.dropFirst().sorted()[rounds / 2] }
        print("\(name):")
        for (candidate, median) in zip(candidates, medians) {
            print(String(format: "  %-22@ %10.0f ns   %.2f", candidate.name as NSString, median, median / medians[0]))
        }
    }

    // MARK: Bodies

    /// - Parameter records: nil for a PutRecord.
    private static func body(_ records: Int?) -> [UInt8] {
        func record(_ number: Int) -> String {
            let data = (0..<150).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
            return #""Data": "\#(Base64.encode(data))", "PartitionKey": "device-\#(number)""#
        }
        guard let records else { return Array(#"{"StreamName": "bench", \#(record(7))}"#.utf8) }
        let all = (0..<records).map { "{\(record($0))}" }.joined(separator: ", ")
        return Array(#"{"StreamName": "bench", "Records": [\#(all)]}"#.utf8)
    }

    private static func ownReader(_ body: [UInt8], _ records: Int?) -> () -> Void {
        {
            body.withUnsafeBytes { body in
                let put = records.map { PlainPut(records: body, maxRecords: $0) } ?? PlainPut(record: body)
                precondition(put?.entries.count == records ?? 1, "the body was not read")
            }
        }
    }

    /// The text lies where as many bytes may be read as simdjson asks for: the door would have to copy what a socket gives.
    private static func simdjsonReader(_ body: [UInt8], _ records: Int?) -> () -> Void {
        let parser = simdjson_put_create()
        let padded = body + [UInt8](repeating: 0, count: simdjson_put_padding())
        return {
            var count = 0
            // A put owns its parts, so each has an arena of its own, as the other reader's.
            let arena = [UInt8](unsafeUninitializedCapacity: body.count) { arena, used in
                used = simdjson_put_read(parser, padded, body.count, records == nil ? 0 : 1, arena.baseAddress, &count)
            }
            precondition(count == records ?? 1 && !arena.isEmpty, "the body was not read")
        }
    }

    // MARK: Heads

    /// As an AWS SDK sends it.
    private static let head = """
        POST / HTTP/1.1\r
        Host: localhost:4566\r
        Accept-Encoding: identity\r
        X-Amz-Target: Kinesis_20131202.PutRecord\r
        Content-Type: application/x-amz-json-1.1\r
        User-Agent: aws-cli/1.27.165 Python/3.11.2 Linux/6.1.0 botocore/1.29.165\r
        X-Amz-Date: 20261130T081500Z\r
        Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261130/us-east-1/kinesis/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r
        Content-Length: 0\r
        Connection: keep-alive\r
        \r\n
        """

    /// Gives a channel with a handler the same bytes each time.
    private static func channel(_ handler: any HeadHandler, _ head: [UInt8]) throws -> () -> Void {
        let channel = EmbeddedChannel()
        try handler.add(to: channel)
        let bytes = ByteBuffer(bytes: head)
        return {
            let before = handler.understood
            channel.pipeline.syncOperations.fireChannelRead(NIOAny(bytes))
            precondition(handler.understood == before + 1, "the head was not read")
        }
    }
}

/// Reads heads and looks up what the door looks up.
private protocol HeadHandler {
    var understood: Int { get }
    func add(to channel: EmbeddedChannel) throws
}

private final class OwnHeads: ChannelInboundHandler, HeadHandler {
    typealias InboundIn = ByteBuffer
    private(set) var understood = 0
    private var parser = RequestHeadParser(maxBytes: 16 << 10)
    private var head = HTTP1Head()

    func add(to channel: EmbeddedChannel) throws { try channel.pipeline.syncOperations.addHandler(self) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        guard case .complete = bytes.withUnsafeReadableBytes({ parser.parse($0, into: &head) }), head.keepsAlive,
            head.head.bodyLength == 0, !head.head.has(.origin), !head.head.has(.secFetchSite),
            head.head.withBytes(of: .host, { $0.count }) == 14, head.head.withBytes(of: .amzTarget, { $0.count }) == 26,
            head.head.withBytes(of: .contentType, { $0.count }) == 26
        else { return }
        understood += 1
    }
}

private final class NIOHeads: ChannelInboundHandler, HeadHandler {
    typealias InboundIn = HTTPServerRequestPart
    private(set) var understood = 0

    func add(to channel: EmbeddedChannel) throws {
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
        try channel.pipeline.syncOperations.addHandler(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = unwrapInboundIn(data), head.isKeepAlive, head.headers.first(name: "content-length") == "0",
            !head.headers.contains(name: "origin"), !head.headers.contains(name: "sec-fetch-site"),
            head.headers.first(name: "host")?.utf8.count == 14, head.headers.first(name: "x-amz-target")?.utf8.count == 26,
            head.headers.first(name: "content-type")?.utf8.count == 26
        else { return }
        understood += 1
    }
}
