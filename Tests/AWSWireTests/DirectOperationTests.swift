/// Direct operations: answered on the caller's loop, in bytes or as a stream; the policy is asked before the work begins.

import AWSWire
import Synchronization
import Testing

/// Answers with its body in upper case, at once, later or in pieces.
enum Shout: DirectOperation {
    static let errors: [AWSError.Name] = [.resourceNotFound]
    static let memoryBound = 1024

    static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ service: ProbeService) throws(AWSError) -> String {
        guard body.first != UInt8(ascii: "!") else { throw AWSError(.validation, "No '!'.") }
        return String(decoding: body, as: UTF8.self)
    }

    static func resources(_ request: borrowing String, _ service: ProbeService) -> [ResourceName] {
        [ResourceName(service: "probe", resource: "text/\(copy request)")]
    }

    static func start(_ request: consuming String, _ service: ProbeService, _ call: DirectCall) {
        let text = request.uppercased()
        switch text {
        case "GONE": call.fail(AWSError(.resourceNotFound, "It is gone."))
        case "STREAM":
            let pieces = Mutex(["a", "bc", "d"])
            call.succeed(
                ReplyStream { pieces.withLock { $0.isEmpty ? nil : Array($0.removeFirst().utf8) } },
                contentType: "application/vnd.amazon.eventstream")
        case "LATER":
            Task { call.loop.run { call.succeed(Array(text.utf8)) } }
        default:
            call.succeed(capacity: 1000) { buffer in
                buffer.copyBytes(from: text.utf8)
                return text.utf8.count
            }
        }
    }
}

private struct Warden: CallPolicy {
    let asked = Recorder()

    final class Recorder: Sendable {
        let actions = Mutex<[String]>([])
    }

    func authenticate(_ head: RequestHead, _ body: UnsafeRawBufferPointer) throws(AWSError) -> AuthenticatedCaller {
        asked.actions.withLock { $0.append("\(head[.authorization] ?? "-") \(body.count)") }
        if head[.authorization] == nil { throw AWSError(.missingAuthenticationToken) }
        return AuthenticatedCaller(
            Caller(account: "000000000000", user: "alice", accessKeyID: nil), region: "us-east-1", policies: [], seconds: 0)
    }

    func authorize(_ action: CallAction) throws(AWSError) {
        let text = "\(action.operation) \(action.resources.map(\.resource)) \(action.caller?.caller.user ?? "-")"
        asked.actions.withLock { $0.append(text) }
        if action.resources.contains(where: { $0.resource == "text/secret" }) { throw AWSError(.accessDenied, "Not for you.") }
    }
}

@Suite struct DirectOperationTests {
    private let warden = Warden()
    private let dispatcher: AWSDispatcher
    private let budget = MemoryBudget(limit: 1 << 20)

    init() {
        dispatcher = AWSDispatcher(
            [AWSService(prefix: "Probe_1", serving: ProbeService(), [.operation(Probe.self), .direct(Shout.self)])], policy: warden)
    }

    private func reply(_ body: String, _ operation: String = "Shout") async throws -> AWSReply {
        let head = RequestHead(
            method: "POST",
            [
                ("CONTENT-TYPE", "application/x-amz-json-1.1"), ("x-amz-target", "Probe_1.\(operation)"),
                ("Authorization", "AWS4-HMAC-SHA256 x"),
            ], bodyLength: body.utf8.count)
        switch dispatcher.admit(head) {
        case .answer(let reply): return reply
        case .call(let call): return await call.answer(Array(body.utf8), memory: try #require(budget.lease(0)))
        }
    }

    @Test("an answer is given at once, later, or in pieces", arguments: ["now", "later", "stream"])
    func answers(text: String) async throws {
        let reply = try await reply(text)
        #expect(reply.status == 200)
        #expect(String(decoding: reply.body, as: UTF8.self) == (text == "stream" ? "abcd" : text.uppercased()))
    }

    @Test("what read refuses and what the work fails with are errors of the call's format")
    func errors() async throws {
        var reply = try await reply("!")
        #expect(reply.status == 400)
        #expect(String(decoding: reply.body, as: UTF8.self) == #"{"__type":"ValidationException","message":"No '!'."}"#)
        reply = try await self.reply("gone")
        #expect(reply.error == .resourceNotFound)
        reply = try await self.reply(String(repeating: "x", count: 1025))
        #expect(reply.status == 413)
    }

    @Test("the policy is asked who calls before a body is understood, then whether the caller may; its refusal stops the work")
    func policy() async throws {
        #expect(try await reply("secret").error == .accessDenied)
        #expect(try await reply("!").error == .validation)
        #expect(try await reply("open").status == 200)
        #expect(try await reply(#"{"Text":"gone"}"#, "Probe").error == .resourceNotFound)
        #expect(
            warden.asked.actions.withLock { $0 } == [
                "AWS4-HMAC-SHA256 x 6", #"Shout ["text/secret"] alice"#, "AWS4-HMAC-SHA256 x 1", "AWS4-HMAC-SHA256 x 4",
                #"Shout ["text/open"] alice"#, "AWS4-HMAC-SHA256 x 15", #"Probe ["gone"] alice"#,
            ])
    }

    @Test("a head's fields are found whatever the case of their names, and a repeated one is told")
    func head() {
        let head = RequestHead(
            method: "OPTIONS", target: "/a/b?c=%20&d",
            [
                ("HOST", "h:1"), ("Origin", "http://h"), ("X-Other", "1"), ("host", "evil"), ("X-Other", "2"),
                ("Sec-Fetch-Site", "none"),
            ])
        #expect(head.method == .options)
        #expect(head.path == "/a/b" && head.query == "c=%20&d")
        #expect(head[.host] == "h:1" && head[.origin] == "http://h" && head[.secFetchSite] == "none" && head[.expect] == nil)
        #expect(head.repeated == [.host])
        #expect(head.allFields.map(\.name) == ["HOST", "Origin", "X-Other", "host", "X-Other", "Sec-Fetch-Site"])
        #expect(RequestHead.Known.allCases.allSatisfy { RequestHead(method: "GET", [("\($0.name)", "v")])[$0] == "v" })
    }
}
