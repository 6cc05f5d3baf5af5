/// The Query protocol: who the caller is, and what is no action.

import AWSWire
import Testing

@Suite struct QueryTests {
    private let dispatcher = AWSDispatcher([], queries: [.tokenService(accountID: "123456789012")])

    private func answer(
        _ body: String, contentType: String = "application/x-www-form-urlencoded; charset=utf-8"
    ) async throws -> (status: Int, type: String, text: String) {
        let bytes = Array(body.utf8)
        let reply: AWSReply
        switch dispatcher.admit(RequestHead(method: "POST", [("Content-Type", contentType)], bodyLength: bytes.count)) {
        case .answer(let given): reply = given
        case .call(let call): reply = await call.answer(bytes, memory: try #require(MemoryBudget(limit: 1 << 20).lease(0)))
        }
        return (reply.status, reply.head.contentType.map { "\($0)" } ?? "", String(decoding: reply.body, as: UTF8.self))
    }

    @Test("GetCallerIdentity tells the account")
    func identity() async throws {
        let (status, type, text) = try await answer("Action=GetCallerIdentity&Version=2011-06-15")
        #expect(status == 200 && type == "text/xml")
        #expect(text.contains("<Account>123456789012</Account>") && text.contains("<Arn>arn:aws:iam::123456789012:root</Arn>"))
        #expect(text.hasPrefix(#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">"#))
        #expect(try await answer("Version=2011%2D06%2d15&Action=Get%43allerIdentity").status == 200)
    }

    @Test("what is no action is refused, and cannot write into the answer")
    func refusals() async throws {
        let (status, _, text) = try await answer("Action=%3Cx%3E+%26&Version=2011-06-15")
        #expect(status == 400 && text.contains("<Code>InvalidAction</Code>"))
        #expect(text.contains("Could not find operation &lt;x&gt; &amp; for version 2011-06-15"))
        for body in ["", "Action", "%zz=1", "Action=%", "Version=2011-06-15", "Action=GetCallerIdentity"] {
            #expect(try await answer(body).status >= 400, "\(body)")
        }
        #expect(try await answer("Action=GetCallerIdentity", contentType: "text/plain").status == 403)
    }
}
