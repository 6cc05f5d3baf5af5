/// Signatures of version 4: the published example, and everything that must not pass.

import AWSWire
import Testing

/// A request with its signature, of which a test may change a part.
private struct SignedCall {
    var method = "POST"
    var target = "/"
    var headers: [(name: String, value: String)] = [
        ("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "Kinesis_20131202.ListStreams"),
    ]
    var body = Array("{}".utf8)
    var service = "kinesis"
    var key = SigningCredentials(accessKeyID: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    var signedAt: Int64 = 1_796_061_600

    var head: RequestHead {
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        let request = UnsignedRequest(
            method: method, host: "127.0.0.1:4566", path: parts[0], query: parts.count > 1 ? parts[1] : nil, headers: headers)
        let added = body.withUnsafeBytes { request.signature($0, key, region: "us-east-1", service: service, at: signedAt) }
        return RequestHead(
            method: method, target: target, headers + [("Host", "127.0.0.1:4566")] + added.map { ($0.name.uppercased(), $0.value) },
            bodyLength: body.count)
    }
}

@Suite struct SignatureTests {
    private static let now: Int64 = 1_796_061_600
    private let control: AccessControl

    init() throws {
        let key = try AccessKey(
            id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", user: "alice", created: 0,
            policies: [PolicyDocument.administrator])
        control = AccessControl(
            .init(account: "000000000000", region: "us-east-1", secret: [1, 2, 3]), keys: [key], now: { Self.now })
    }

    private func check(_ head: RequestHead, _ body: [UInt8] = Array("{}".utf8)) -> AWSError? {
        body.withUnsafeBytes { body in
            do throws(AWSError) {
                return try control.authenticate(head, body).caller.user == "alice" ? nil : AWSError(.internalFailure)
            } catch {
                return error
            }
        }
    }

    @Test("the documentation's example: GET of IAM's ListUsers has the published signature")
    func published() {
        let request = CanonicalRequest(
            method: "GET", path: "/", query: "Action=ListUsers&Version=2010-05-08",
            signedHeaders: ["content-type", "host", "x-amz-date"],
            payloadHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", isObjectStore: false
        ) { name, take in
            let values = [
                "content-type": "application/x-www-form-urlencoded; charset=utf-8", "host": "iam.amazonaws.com",
                "x-amz-date": "20150830T123600Z",
            ]
            if let value = values[name] { Array(value.utf8).withUnsafeBytes(take) }
        }
        let digest = Hexadecimal.text(request.bytes.withUnsafeBytes { SHA256.digest($0) })
        #expect(digest == "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59")
        let scope = CredentialScope(accessKeyID: "AKIDEXAMPLE", date: "20150830", region: "us-east-1", service: "iam")
        let key = SigningKey(secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", scope)
        #expect(
            Hexadecimal.text(key.signature(of: request, scope, time: "20150830T123600Z"))
                == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
    }

    @Test("a signed call passes, whatever path and query it has")
    func passes() {
        #expect(check(SignedCall().head) == nil)
        #expect(check(SignedCall(target: "/a%20b//c/./d/../e?z=1&a=%2F&a=&b").head) == nil)
        var spaced = SignedCall()
        spaced.headers.append(("x-amz-meta", "  many   blanks  "))
        #expect(check(spaced.head) == nil)
    }

    @Test("a call that was changed after it was signed does not pass")
    func changed() {
        let head = SignedCall().head
        #expect(check(head, Array("{ }".utf8))?.name == .invalidSignature)
        for (name, value) in [
            ("x-amz-target", "Kinesis_20131202.DeleteStream"), ("Host", "127.0.0.1:4567"), ("X-Amz-Date", "20261130T180001Z"),
            ("Content-Type", "application/x-amz-cbor-1.1"),
        ] {
            let fields = head.allFields.map { field in
                (name: field.name, value: field.name.lowercased() == name.lowercased() ? value : field.value)
            }
            let other = RequestHead(method: "POST", fields, bodyLength: 2)
            #expect(check(other)?.name == .invalidSignature, "\(name)")
        }
        #expect(check(RequestHead(method: "GET", head.allFields, bodyLength: 2))?.name == .invalidSignature)
        #expect(check(RequestHead(method: "POST", target: "/?a=1", head.allFields, bodyLength: 2))?.name == .invalidSignature)
        // What is not signed may not say what is meant.
        var late = head.allFields
        late.append(("X-Amz-Security-Token", "t"))
        #expect(check(RequestHead(method: "POST", late, bodyLength: 2))?.name == .unrecognizedClient)
        #expect(check(RequestHead(method: "POST", head.allFields + [("Host", "other")], bodyLength: 2))?.name == .invalidSignature)
    }

    @Test("a call with the wrong secret, an unknown key, or the clock five minutes off is refused in the service's words")
    func refused() {
        var call = SignedCall()
        call.key.secret += "x"
        #expect(check(call.head) == .init(.invalidSignature, AWSError.signatureDiffersMessage))
        call = SignedCall()
        call.key.accessKeyID = "AKIAIOSFODNN7EXAMPLF"
        #expect(check(call.head) == .init(.unrecognizedClient, "The security token included in the request is invalid."))
        call = SignedCall(signedAt: Self.now - 301)
        #expect(check(call.head)?.message?.hasPrefix("Signature expired: ") == true)
        #expect(check(SignedCall(signedAt: Self.now - 300).head) == nil)
        #expect(check(SignedCall(signedAt: Self.now + 300).head) == nil)
        call = SignedCall(signedAt: Self.now + 301)
        #expect(check(call.head)?.message?.hasPrefix("Signature not yet current: ") == true)
    }

    @Test("a signature for one service is none for another, and a region is a plain word")
    func scope() throws {
        let body = Array("{}".utf8)
        func authorize(_ service: String) throws {
            let call = SignedCall(service: service)
            let caller = try body.withUnsafeBytes { try control.authenticate(call.head, $0) }
            try control.authorize(
                CallAction(
                    head: call.head, caller: caller, operation: "ListStreams", resources: [.all(of: "kinesis")]))
        }
        try authorize("kinesis")
        #expect(throws: AWSError.self) { try authorize("s3") }
        #expect(throws: AWSError.self) { try authorize("firehose") }
    }

    @Test("a call without a signature, or with half of one, is told what is missing")
    func missing() {
        let plain = RequestHead(method: "POST", [("Host", "h")], bodyLength: 2)
        #expect(check(plain) == .init(.missingAuthenticationToken, "Missing Authentication Token"))
        let half = RequestHead(
            method: "POST", [("Host", "h"), ("Authorization", "AWS4-HMAC-SHA256 Credential=a/b")], bodyLength: 2)
        #expect(
            check(half)
                == .init(
                    .incompleteSignature,
                    "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. "
                        + "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
                        + "Authorization=AWS4-HMAC-SHA256 Credential=a/b"))
        let both = RequestHead(
            method: "POST", target: "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", [("Host", "h"), ("Authorization", "AWS4-HMAC-SHA256 x")],
            bodyLength: 2)
        #expect(check(both)?.name == .invalidSignature)
        let query = RequestHead(method: "POST", target: "/?X-Amz-Signature=00", [("Host", "h")], bodyLength: 2)
        #expect(check(query)?.message?.hasSuffix("Re-examine the query-string parameters.") == true)
    }

    @Test("the key of a session passes with its token until its time is over or its parent is revoked")
    func sessions() throws {
        let session = control.sessions.session(
            of: "AKIAIOSFODNN7EXAMPLE", expires: Self.now + 900, random: [UInt8](repeating: 7, count: 16))
        var call = SignedCall()
        call.key = SigningCredentials(accessKeyID: session.accessKeyID, secret: session.secret, sessionToken: session.token)
        #expect(check(call.head) == nil)
        call.key.sessionToken = nil
        #expect(check(call.head)?.name == .unrecognizedClient)
        call.key.sessionToken = String(session.token.dropLast(8)) + "AAAAAAA="
        #expect(check(call.head)?.name == .unrecognizedClient)
        let old = control.sessions.session(of: "AKIAIOSFODNN7EXAMPLE", expires: Self.now, random: [1, 2, 3])
        call.key = SigningCredentials(accessKeyID: old.accessKeyID, secret: old.secret, sessionToken: old.token)
        #expect(check(call.head)?.name == .expiredToken)
        call.key = SigningCredentials(accessKeyID: session.accessKeyID, secret: session.secret, sessionToken: session.token)
        control.replaceKeys([])
        #expect(check(call.head)?.name == .unrecognizedClient)
    }

    @Test("100,000 mutated heads: none passes but the one that was signed, and none does harm")
    func mutated() {
        var random = SeededNumbers(seed: 20_261_130)
        let head = SignedCall().head
        for _ in 0..<100_000 {
            var fields = head.allFields
            let index = Int.random(in: 0..<fields.count, using: &random)
            var value = Array(fields[index].value.utf8)
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                let place = Int.random(in: 0...value.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0 where place < value.count: value[place] = UInt8.random(in: 0...255, using: &random)
                case 1 where place < value.count: value.remove(at: place)
                default: value.insert(UInt8.random(in: 0...255, using: &random), at: place)
                }
            }
            let text = String(decoding: value, as: UTF8.self)
            func words(_ text: String) -> [Substring] { text.split { $0 == " " || $0 == "\t" } }
            let isSame = words(text) == words(fields[index].value)
            fields[index].value = text
            let error = check(RequestHead(method: "POST", fields, bodyLength: 2))
            // Blanks and the order of an Authorization header's parts may differ; its signature's digits may be large.
            if error == nil, fields[index].name.lowercased() != "authorization" { #expect(isSame, "\(fields[index])") }
        }
    }
}

/// Choices that a seed decides: SplitMix64 (Steele, Lea, Flood 2014).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
