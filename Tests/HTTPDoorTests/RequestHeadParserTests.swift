/// Heads of HTTP/1 requests: what is understood, what is refused, and that it does not matter in which pieces they come.

import AWSWire
import HTTPDoor
import Testing

@Suite struct RequestHeadParserTests {
    private func parse(_ text: String, maxBytes: Int = 4096) -> (RequestHeadParser.Outcome, HTTP1Head) {
        var parser = RequestHeadParser(maxBytes: maxBytes)
        var head = HTTP1Head()
        let outcome = Array(text.utf8).withUnsafeBytes { parser.parse($0, into: &head) }
        return (outcome, head)
    }

    private func status(_ text: String) -> Int? {
        if case .failed(let fault) = parse(text).0 { fault.status } else { nil }
    }

    private static let usual =
        "POST /a?b=c HTTP/1.1\r\nHost: h:1\r\nX-Amz-Target:  A.B \r\ncontent-length: 12\r\nAuthorization: AWS4 x, y\r\nEmpty:\r\n\r\n"

    @Test("a head is taken apart, blanks around values aside")
    func usual() {
        let (outcome, result) = parse(Self.usual + "{\"body\":1}")
        #expect(outcome == .complete(Self.usual.utf8.count))
        #expect(result.head.method == .post && result.head.methodText == "POST" && result.head.target == "/a?b=c")
        #expect(result.head[.host] == "h:1" && result.head[.amzTarget] == "A.B" && result.head[.authorization] == "AWS4 x, y")
        #expect(result.head.bodyLength == 12 && result.keepsAlive && !result.expectsContinue && !result.isVersion10)
        #expect(result.head.allFields.map(\.name) == ["Host", "X-Amz-Target", "content-length", "Authorization", "Empty"])
        #expect(result.head.allFields.last?.value == "")
    }

    @Test("it does not matter where a head is cut in two")
    func pieces() {
        let bytes = Array(Self.usual.utf8)
        for cut in 0..<bytes.count {
            var parser = RequestHeadParser(maxBytes: 4096)
            var head = HTTP1Head()
            #expect(bytes[..<cut].withUnsafeBytes { parser.parse($0, into: &head) } == .incomplete)
            #expect(bytes.withUnsafeBytes { parser.parse($0, into: &head) } == .complete(bytes.count))
            #expect(head.head[.amzTarget] == "A.B")
        }
        var parser = RequestHeadParser(maxBytes: 4096)
        var head = HTTP1Head()
        for end in 0..<bytes.count { #expect(bytes[..<end].withUnsafeBytes { parser.parse($0, into: &head) } == .incomplete) }
        #expect(bytes.withUnsafeBytes { parser.parse($0, into: &head) } == .complete(bytes.count))
    }

    @Test(
        "whether the connection stays and what the client expects",
        arguments: [
            ("HTTP/1.1\r\nHost: h", true, false), ("HTTP/1.1\r\nHost: h\r\nConnection: close", false, false),
            ("HTTP/1.1\r\nHost: h\r\nConnection: Keep-Alive, Close", false, false), ("HTTP/1.0", false, false),
            ("HTTP/1.0\r\nConnection: keep-alive", true, false), ("HTTP/1.0\r\nExpect: 100-continue", false, false),
            ("HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue", true, true),
            ("HTTP/1.1\r\nHost: h\r\nConnection: x\r\nConnection: close", false, false),
        ])
    func persistence(rest: String, keepsAlive: Bool, expects: Bool) {
        let (outcome, head) = parse("GET / \(rest)\r\n\r\n")
        guard case .complete = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(head.keepsAlive == keepsAlive && head.expectsContinue == expects)
    }

    @Test(
        "what could be understood in two ways is refused",
        arguments: [
            "POST / HTTP/1.1\nHost: h\n\n", "POST / HTTP/1.1\r\nHost: h\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n",
            "POST / HTTP/1.1\r\nHost : h\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "POST / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1,1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999999999999999\r\n\r\n",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "POST  / HTTP/1.1\r\nHost: h\r\n\r\n",
            "POST / \r\nHost: h\r\n\r\n",
            "POST / HTTP/1.1 \r\nHost: h\r\n\r\n", "POST HTTP/1.1\r\nHost: h\r\n\r\n", " POST / HTTP/1.1\r\nHost: h\r\n\r\n",
            "POST /\u{7F} HTTP/1.1\r\nHost: h\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nX: a\u{0}b\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\n: v\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nnothing\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nOrigin: a\r\norigin: b\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nX-Amz-Target: a\r\nX-Amz-Target: b\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}",
        ])
    func ambiguous(text: String) {
        #expect(status(text) == 400, "\(text.debugDescription)")
    }

    @Test("other faults have statuses of their own")
    func otherFaults() {
        #expect(status("GET / HTTP/2.0\r\nHost: h\r\n\r\n") == 505)
        #expect(status("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n") == 501)
        #expect(status("GET / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n") == 417)
        #expect(status("GET / HTTP/1.1\r\nHost: h\r\n" + String(repeating: "A: b\r\n", count: 200) + "\r\n") == 431)
        #expect(status("GET / HTTP/1.1\r\nHost: h\r\nA: " + String(repeating: "b", count: 5000) + "\r\n\r\n") == 431)
        #expect(status("GET /" + String(repeating: "b", count: 5000)) == 431)
    }

    @Test(
        "a target that names scheme and host is served like its path, and its host stands for Host",
        arguments: [
            ("GET http://a.b:1/c?d HTTP/1.1\r\nHost: h", "/c?d", "a.b:1"),
            ("GET HTTP://[::1]:80 HTTP/1.1\r\nX: y\r\nHost: h", "/", "[::1]:80"),
            ("GET http://a?b HTTP/1.0", "/?b", "a"), ("OPTIONS * HTTP/1.1\r\nHost: h", "*", "h"),
            ("GET /http://a HTTP/1.1\r\nHost: h", "/http://a", "h"),
        ])
    func targets(start: String, target: String, host: String) {
        let (outcome, head) = parse(start + "\r\nEnd: e\r\n\r\n")
        guard case .complete = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(head.head.target == target && head.head[.host] == host)
        #expect(head.head.withTargetBytes { String(decoding: $0, as: UTF8.self) } == target)
        #expect(
            head.head.allFields.count { $0.name.lowercased() == "host" } == 1 && head.head.allFields.contains { $0 == ("End", "e") }
        )
    }

    @Test(
        "a target that is neither a path nor an address of this server is refused",
        arguments: [
            ("GET a HTTP/1.1", 400), ("GET * HTTP/1.1", 400), ("OPTIONS *a HTTP/1.1", 400), ("CONNECT a:1 HTTP/1.1", 400),
            ("GET http:/a HTTP/1.1", 400), ("GET http:// HTTP/1.1", 400), ("GET http:///a HTTP/1.1", 400),
            ("GET http://u@a/ HTTP/1.1", 400), ("GET http://a#b HTTP/1.1", 400), ("GET ftp://a/ HTTP/1.1", 400),
            ("GET https://h/ HTTP/1.1", 421), ("GET ://h/ HTTP/1.1", 400),
        ])
    func otherTargets(line: String, status: Int) {
        #expect(self.status(line + "\r\nHost: h\r\n\r\n") == status)
    }

    @Test("a target's host stands for Host, but one Host there must be")
    func targetWithoutHost() {
        #expect(status("GET http://h/ HTTP/1.1\r\n\r\n") == 400)
        #expect(status("GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n") == 400)
    }

    @Test("a later HTTP/1 is HTTP/1.1 with things that need not be understood")
    func laterMinor() {
        let (outcome, head) = parse("GET / HTTP/1.2\r\nHost: h\r\n\r\n")
        #expect(outcome == .complete(27) && !head.isVersion10 && head.keepsAlive)
        #expect(parse("GET / HTTP/1.9\r\nHost: h\r\n\r\n").0 == .complete(27))
        for text in ["HTTP/0.9", "HTTP/2.0", "HTTP/3.1"] { #expect(status("GET / \(text)\r\nHost: h\r\n\r\n") == 505) }
        for text in ["HTTP/1.a", "HTTP/1,1", "HTTP/1.10", "http/1.1", "HTTP/11"] {
            #expect(status("GET / \(text)\r\nHost: h\r\n\r\n") == 400, "\(text)")
        }
    }

    @Test("empty lines before a request are passed over")
    func emptyLines() {
        let text = "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"
        #expect(parse(text).0 == .complete(text.utf8.count))
    }
}

@Suite struct BodyDecoderTests {
    /// The body of what is framed, given in pieces of a size; nil when it is refused, and what was not read.
    private func decode(_ text: String, length: Int?, pieces: Int) -> (body: String, rest: String)? {
        var decoder = BodyDecoder(length: length)
        var bytes = Array(text.utf8)[...]
        var held: [UInt8] = []
        var body: [UInt8] = []
        while true {
            do {
                let step = try held.withUnsafeBytes { (held) throws(HTTPFault) in try decoder.next(held) }
                switch step {
                case .skip(let count): held.removeFirst(count)
                case .data(let count):
                    body += held.prefix(count)
                    held.removeFirst(count)
                case .end: return (String(decoding: body, as: UTF8.self), String(decoding: held + bytes, as: UTF8.self))
                case .incomplete:
                    guard !bytes.isEmpty else { return ("incomplete", "") }
                    held += bytes.prefix(pieces)
                    bytes = bytes.dropFirst(pieces)
                }
            } catch {
                return nil
            }
        }
    }

    @Test("a body is what its length or its chunks say, in whatever pieces it comes", arguments: [1, 2, 3, 7, 1000])
    func bodies(pieces: Int) throws {
        var result = try #require(decode("hello world", length: 5, pieces: pieces))
        #expect(result.body == "hello")
        result = try #require(decode("", length: 0, pieces: pieces))
        #expect(result.body == "")
        result = try #require(
            decode("5\r\nhello\r\n06;x=\"y\"\r\n world\r\n0\r\nTrailer: x\r\n\r\nNEXT", length: nil, pieces: pieces))
        #expect(result.body == "hello world" && result.rest == "NEXT")
        result = try #require(decode("A\r\n0123", length: nil, pieces: pieces))
        #expect(result.body == "incomplete")
    }

    @Test(
        "chunks that are malformed are refused",
        arguments: [
            "x\r\n", "\r\n", ";a\r\n", "5\nhello", "5\r\nhelloX\r\n", "-1\r\n", "0x5\r\nhello\r\n", "ffffffffffffffff\r\n",
            "5 \r\nhello", "5;a\rb\r\nhello", "5\r;a\r\nhello", "5;a\u{0}b\r\nhello", "0\r\nA: b\rC: d\r\n\r\n", "0\r\n\r\r\n",
            "1" + String(repeating: "0", count: 2000), "5;" + String(repeating: "x", count: 2000),
            "0\r\n" + String(repeating: "A: \(String(repeating: "b", count: 100))\r\n", count: 100),
        ])
    func malformed(text: String) {
        #expect(decode(text, length: nil, pieces: 100) == nil)
    }
}
