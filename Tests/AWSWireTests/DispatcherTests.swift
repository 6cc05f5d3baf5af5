/// The order of checks and the form of every kind of answer, on an operation made for the test.

import AWSWire
import Testing

/// An operation with a member of each kind.
enum Probe: AWSOperation {
    struct Request: WireReadable {
        var text: String?
        var integer: Int?
        var long: Int64?
        var flag: Bool?
        var blob: [UInt8]?
        var time: Int64?
        var texts: [String]?
        var map: TextMap?
        var inner: [Inner]?
        var number: Double?

        init(_ fields: WireFields) throws(AWSError) {
            text = try fields.string("Text")
            integer = try fields.integer("Integer")
            long = try fields.long("Long")
            flag = try fields.boolean("Flag")
            blob = try fields.blob("Blob")
            time = try fields.timestamp("Time")
            texts = try fields.strings("Texts")
            map = try fields.map("Map")
            inner = try fields.list("Inner", of: Inner.self)
            number = try fields.double("Number")
        }
    }
    struct Inner: WireReadable {
        var name: String?
        init(_ fields: WireFields) throws(AWSError) { name = try fields.string("Name") }
    }
    struct Response: AWSResponse {
        var request: Request
        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.field("Text", request.text)
                writer.field("Integer", request.integer)
                writer.field("Long", request.long)
                writer.field("Flag", request.flag)
                writer.field("Blob", blob: request.blob)
                writer.field("Time", milliseconds: request.time)
                writer.field("Number", request.number)
                writer.list("Texts", request.texts ?? [])
                writer.list("Inner", request.inner ?? []) { writer, inner in writer.object { $0.field("Name", inner.name) } }
            }
        }
    }
    static let rules: [Rule<Request>] = [
        .member("text", \.text, .notNull, .pattern(.name), .minLength(1), .maxLength(4)),
        .member("integer", \.integer, .atLeast(1), .atMost(10)),
        .member("blob", \.blob, .maxLength(2)),
        .member("texts", \.texts, .maxLength(2), .elementLengths(1...3)),
        .member("map", \.map, .keyLengths(1...2), .valueLengths(0...2)),
        .each("inner", \.inner, [.member("name", \.name, .notNull, .oneOf(["A", "B"]))]),
    ]
    static let errors: [AWSError.Name] = [.resourceNotFound]
    static let memoryBound = 4096
    static func resources(_ request: Request, _ service: ProbeService) -> [ResourceName] {
        [ResourceName(service: "probe", resource: request.text ?? "*")]
    }

    static func run(_ request: Request, _ service: ProbeService, _ call: AWSCall) async throws(AWSError) -> Response {
        if request.text == "gone" { throw AWSError(.resourceNotFound, "It is \"gone\".") }
        return Response(request: request)
    }
}

struct ProbeService: Sendable {}

@Suite struct DispatcherTests {
    private let dispatcher = AWSDispatcher([AWSService(prefix: "Probe_1", serving: ProbeService(), [.operation(Probe.self)])])
    private let budget = MemoryBudget(limit: 1 << 20)

    /// What a test changes in the usual head.
    struct Asked {
        var method = "POST"
        var contentType: String? = "application/x-amz-json-1.1"
        var target: String? = "Probe_1.Probe"
        var bodyLength: Int? = 10
    }

    private func reply(_ body: String, _ change: (inout Asked) -> Void = { _ in }) async throws -> AWSReply {
        var asked = Asked()
        change(&asked)
        let head = RequestHead(
            method: asked.method,
            [("content-type", asked.contentType), ("X-Amz-Target", asked.target)].compactMap { name, value in
                value.map { (name, $0) }
            }, bodyLength: asked.bodyLength)
        switch dispatcher.admit(head) {
        case .answer(let reply): return reply
        case .call(let call): return await call.answer(Array(body.utf8), memory: try #require(budget.lease(0)))
        }
    }

    private func text(_ body: String) async throws -> String {
        String(decoding: try await reply(body).body, as: UTF8.self)
    }

    @Test("members of every kind go in and come out")
    func kinds() async throws {
        let answer = try await text(
            #"{"Text":"a\u002eb","Integer":3.9,"Long":9007199254740993,"Flag":"yes","Blob":"YWI=","Time":1700000000.123,"Texts":["x","y"],"Inner":[{"Name":"A"}],"Number":0.5,"Other":{"deep":[1]}}"#
        )
        #expect(
            answer
                == #"{"Text":"a.b","Integer":3,"Long":9007199254740993,"Flag":true,"Blob":"YWI=","Time":1700000000.123,"Number":0.5,"Texts":["x","y"],"Inner":[{"Name":"A"}]}"#
        )
    }

    @Test(
        "wrong types are refused in Coral's words",
        arguments: [
            (#"{"Text":1}"#, "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String"),
            (#"{"Text":true}"#, "class java.lang.Boolean can not be converted to an String"),
            (#"{"Text":[]}"#, "Start of list found where not expected"),
            (#"{"Text":{}}"#, "Start of structure or map found where not expected."),
            (#"{"Integer":"1"}"#, "class java.lang.String can not be converted to an Integer"),
            (#"{"Long":"1"}"#, "class java.lang.String can not be converted to an Long"),
            (#"{"Flag":1}"#, "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an Boolean"),
            (#"{"Flag":"maybe"}"#, "'MAYBE' can not be converted to an Boolean"),
            (#"{"Blob":1}"#, "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to a Blob"),
            (
                #"{"Blob":"abc"}"#,
                "'abc' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 3"
            ),
            (#"{"Time":"now"}"#, "class java.lang.String can not be converted to milliseconds since epoch"),
            (#"{"Texts":"a"}"#, "Expected list or null"), (#"{"Texts":{}}"#, "Start of structure or map found where not expected."),
            (#"{"Map":1}"#, "Expected map or null"), (#"{"Map":[]}"#, "Start of list found where not expected"),
            (#"{"Inner":[1]}"#, "Expected null"), (#"[]"#, "Start of list found where not expected"),
        ])
    func serialization(_ body: String, _ message: String) async throws {
        let reply = try await reply(body)
        #expect(reply.status == 400)
        #expect(try JSONValue(parsing: reply.body) == ["__type": "SerializationException", "Message": .string(message)])
    }

    @Test(
        "a body that does not parse is a SerializationException without a message",
        arguments: ["{", "", "1", "null", "\"x\"", "{\"a\":1}x"])
    func unparsable(_ body: String) async throws {
        #expect(try await text(body) == #"{"__type":"SerializationException"}"#)
    }

    @Test("violations are reported in the order of the rules, in AWS's words")
    func violations() async throws {
        #expect(
            try await text(
                #"{"Integer":100000000000,"Blob":"YWJj","Texts":["a","bcde","c"],"Map":{"abc":"def"},"Inner":[{"Name":"A"},{"Name":"C"},{}]}"#
            )
                == #"{"__type":"ValidationException","message":"9 validation errors detected: "#
                + "Value null at 'text' failed to satisfy constraint: Member must not be null; "
                + "Value '2147483647' at 'integer' failed to satisfy constraint: Member must have value less than or equal to 10; "
                + "Value 'java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]' at 'blob' failed to satisfy constraint: Member must have length less than or equal to 2; "
                + "Value '[a, bcde, c]' at 'texts' failed to satisfy constraint: Member must have length less than or equal to 2; "
                + "Value '[a, bcde, c]' at 'texts' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 3, Member must have length greater than or equal to 1]; "
                + "Value '{abc=def}' at 'map' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 2, Member must have length greater than or equal to 1]; "
                + "Value '{abc=def}' at 'map' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 2, Member must have length greater than or equal to 0]; "
                + "Value 'C' at 'inner.2.member.name' failed to satisfy constraint: Member must satisfy enum value set: [A, B]; "
                + #"Value null at 'inner.3.member.name' failed to satisfy constraint: Member must not be null"}"#)
        #expect(
            try await text(#"{"Text":""}"#)
                == #"{"__type":"ValidationException","message":"2 validation errors detected: Value '' at 'text' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value '' at 'text' failed to satisfy constraint: Member must have length greater than or equal to 1"}"#
        )
    }

    @Test("no more than ten violations are reported")
    func tenViolations() async throws {
        let body = #"{"Inner":["# + Array(repeating: "{}", count: 50).joined(separator: ",") + "]}"
        #expect(try await text(body).contains("\"10 validation errors detected: "))
    }

    @Test("an operation's error is an answer with its type and message")
    func operationError() async throws {
        let reply = try await reply(#"{"Text":"gone"}"#)
        #expect(reply.status == 400)
        #expect(reply.error == .resourceNotFound)
        #expect(
            String(decoding: reply.body, as: UTF8.self) == #"{"__type":"ResourceNotFoundException","message":"It is \"gone\"."}"#)
    }

    @Test("every answer has a fresh request id of UUID form and an x-amz-id-2 of 72 bytes")
    func identifiers() async throws {
        var seen: Set<String> = []
        var seenExtended: Set<String> = []
        for _ in 0..<100 {
            let reply = try await reply(#"{"Text":"a"}"#)
            let id = reply.head.id.text
            #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
            #expect(seen.insert(id).inserted)
            #expect(seenExtended.insert(reply.head.id.extendedText).inserted)
            #expect(Base64.decode(reply.head.id.extendedText)?.count == 72)
        }
    }

    @Test("the head alone decides over methods, targets and content types")
    func heads() async throws {
        var reply = try await reply("") { $0.method = "GET" }
        #expect(reply.status == 403)
        #expect(String(decoding: reply.body, as: UTF8.self).contains("Unable to determine service/operation name to be authorized"))
        reply = try await self.reply("{}") { $0.target = "Probe_1.Absent" }
        #expect(reply.status == 400)
        #expect(String(decoding: reply.body, as: UTF8.self) == #"{"__type":"UnknownOperationException"}"#)
        reply = try await self.reply("{}") { $0.target = nil }
        #expect(String(decoding: reply.body, as: UTF8.self) == #"{"__type":"UnknownOperationException"}"#)
        reply = try await self.reply("") { $0.bodyLength = 0 }
        #expect(String(decoding: reply.body, as: UTF8.self) == #"{"__type":"SerializationException"}"#)
        reply = try await self.reply("x") { asked in
            asked.contentType = "application/x-amz-cbor-1.1"
            asked.target = "Probe_1.Absent"
        }
        #expect(reply.status == 400)
        #expect(reply.body == [0xBF, 0x66] + Array("__type".utf8) + [0x78, 25] + Array("UnknownOperationException".utf8) + [0xFF])
        reply = try await self.reply("{}") { $0.contentType = "text/html" }
        #expect(reply.status == 404)
        reply = try await self.reply("{}") { $0.contentType = "application/json" }
        #expect(reply.status == 404)
        reply = try await self.reply(#"{"Text":"a"}"#) { $0.contentType = "application/x-amz-json-1.0; charset=utf-8" }
        #expect(reply.status == 200)
        #expect("\(try #require(reply.head.contentType))" == "application/x-amz-json-1.0")
    }

    @Test("a body past the bound is refused")
    func bound() async throws {
        let reply = try await reply(#"{"Text":"\#(String(repeating: "x", count: 5000))"}"#)
        #expect(reply.status == 413)
        #expect(reply.error == .requestTooLarge)
    }

    @Test("who signed is read from the Authorization header, slashes in the key included")
    func credential() {
        let scope = CredentialScope(
            authorization:
                "AWS4-HMAC-SHA256 Credential=AK/ID/20261121/eu-west-1/kinesis/aws4_request, SignedHeaders=host, Signature=0")
        #expect(scope?.accessKeyID == "AK/ID")
        #expect(scope?.region == "eu-west-1")
        #expect(scope?.service == "kinesis")
        #expect(CredentialScope(authorization: "Bearer x") == nil)
        #expect(CredentialScope(authorization: "AWS4-HMAC-SHA256 Credential=AKID") == nil)
    }

    @Test("reserved memory is given back, and nothing is reserved past the limit")
    func memory() throws {
        let budget = MemoryBudget(limit: 100)
        var first = budget.lease(60)
        #expect(first != nil)
        #expect(budget.lease(50) == nil)
        #expect(first?.extend(by: 40) == true)
        #expect(first?.extend(by: 1) == false)
        first?.shrink(by: 30)
        #expect(budget.reserved == 70)
        first = nil
        #expect(budget.reserved == 0)
    }

    @Test("large leases leave a part of the memory to small ones, one that grows large too")
    func memoryForSmallCalls() throws {
        let budget = MemoryBudget(limit: 16 << 20)
        var large = [try #require(budget.lease(10 << 20)), try #require(budget.lease(0))]
        #expect(large[1].extend(by: 4 << 20))
        #expect(!large[1].extend(by: 1) && budget.lease((1 << 20) + 1) == nil)
        let small = [budget.lease(1 << 20), budget.lease(1 << 20)]
        #expect(budget.lease(1) == nil && small.allSatisfy { $0 != nil })
        large.removeLast()
        #expect(budget.reserved == 12 << 20 && budget.lease(2 << 20) != nil)
        #expect(large.count == 1 && small.count == 2)
    }

    @Test("a part of the memory lets one alone have more than it holds, and never two")
    func memoryOfAPart() throws {
        let part = MemoryBudget(limit: 100, letsOneExceed: true)
        let (one, other) = (try #require(part.lease(0)), try #require(part.lease(0)))
        #expect(one.extend(by: 150) && one.extend(by: 50))
        #expect(!other.extend(by: 1) && other.extend(by: 0))
        one.shrink(by: 150)
        #expect(other.extend(by: 50) && !other.extend(by: 1) && !one.extend(by: 1))
    }
}
