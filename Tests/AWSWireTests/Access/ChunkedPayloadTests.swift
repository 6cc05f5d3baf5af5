/// Bodies in signed pieces: the published example, and everything that must not pass.

import AWSWire
import Testing

@Suite struct ChunkedPayloadTests {
    /// The documentation's example ("Example: PUT Object", signed 2013-05-24): 66,560 letters a, in pieces of 65,536 and 1,024.
    private static let signatures = [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ]

    private static func body(_ signatures: [String] = signatures) -> [UInt8] {
        var body: [UInt8] = []
        for (count, signature) in zip([65_536, 1_024, 0], signatures) {
            body += Array("\(String(count, radix: 16));chunk-signature=\(signature)\r\n".utf8)
            body += [UInt8](repeating: UInt8(ascii: "a"), count: count) + Array("\r\n".utf8)
        }
        return body
    }

    private let head = RequestHead(
        method: "PUT", target: "/examplebucket/chunkObject.txt",
        [
            ("Host", "s3.amazonaws.com"), ("x-amz-date", "20130524T000000Z"), ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), ("Content-Encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"), ("Content-Length", "66824"),
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                    + "SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;"
                    + "x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
            ),
        ], bodyLength: 66_824)

    /// What whoever checks signatures says of a body.
    private func verdict(_ body: [UInt8], length: Int? = 66_560) -> AWSError? {
        body.withUnsafeBytes { body in
            do {
                var head = head
                guard let form = ChunkedPayload.Form(head) else { return AWSError(.internalFailure) }
                let payload = try ChunkedPayload(body, form, length: length)
                head.seal = payload.seal
                let key = try AccessKey(
                    id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", user: "alice", created: 0,
                    policies: [PolicyDocument.administrator])
                let control = AccessControl(
                    .init(account: "000000000000", region: "us-east-1", secret: [1]), keys: [key], now: { 1_369_353_600 })
                _ = try payload.bytes.withUnsafeBytes { try control.authenticate(head, $0) }
                return payload.bytes.count == 66_560 ? nil : AWSError(.internalFailure)
            } catch let error as AWSError {
                return error
            } catch {
                return AWSError(.internalFailure, "\(error)")
            }
        }
    }

    @Test func `the documentation's example passes`() { #expect(verdict(Self.body()) == nil) }

    @Test func `one other letter, or a signature that stands elsewhere, does not pass`() {
        var body = Self.body()
        body[40_000] = UInt8(ascii: "b")
        #expect(verdict(body)?.name == .invalidSignature)
        #expect(verdict(Self.body([Self.signatures[1], Self.signatures[0], Self.signatures[2]]))?.name == .invalidSignature)
    }

    @Test func `a body that ends early or goes on, or is not as long as it says, is malformed`() {
        let body = Self.body()
        #expect(verdict(Array(body.dropLast(90)))?.name == .serialization)
        #expect(verdict(body + [0])?.name == .serialization)
        #expect(verdict(body, length: 66_561)?.name == .serialization)
        #expect(verdict([])?.name == .serialization)
        #expect(verdict(Array("ffffffffffffffff;chunk-signature=\(Self.signatures[0])\r\n".utf8))?.name == .serialization)
        #expect(verdict(Array("-1;chunk-signature=\(Self.signatures[0])\r\n\r\n".utf8))?.name == .serialization)
    }

    @Test func `trailing fields are read, with and without signatures`() throws {
        let text = "3\r\nabc\r\n0\r\nx-amz-checksum-crc32: NSRBwg==\r\n\r\n"
        let payload = try Array(text.utf8).withUnsafeBytes { try ChunkedPayload($0, .unsignedWithTrailer, length: 3) }
        #expect(payload.bytes == Array("abc".utf8))
        #expect(payload.trailers.map(\.name) == ["x-amz-checksum-crc32"])
        #expect(payload.trailers.map(\.value) == ["NSRBwg=="])
        #expect(throws: AWSError.self) {
            _ = try Array(text.utf8).withUnsafeBytes { try ChunkedPayload($0, .signedWithTrailer, length: 3) }
        }
    }

    @Test func `100,000 mutated bodies: none passes but the one that was signed`() {
        var random = SeededNumbers(seed: 20_261_130)
        func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
        // Short, so that the marks between pieces are hit often.
        let text = Array("5;chunk-signature=\(Self.signatures[0])\r\nhello\r\n0;chunk-signature=\(Self.signatures[2])\r\n\r\n".utf8)
        var taken = 0
        for _ in 0..<100_000 {
            var body = text
            for _ in 0...below(3) {
                switch below(3) {
                case 0: body[below(body.count)] = UInt8(below(256))
                case 1: body.remove(at: below(body.count))
                default: body.insert(UInt8(below(256)), at: below(body.count + 1))
                }
            }
            let payload = body.withUnsafeBytes { try? ChunkedPayload($0, .signed, length: nil) }
            if let payload, payload.bytes.count > body.count { taken += 1 }
        }
        #expect(taken == 0)
    }
}
