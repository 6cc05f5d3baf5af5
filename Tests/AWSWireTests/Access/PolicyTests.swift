/// What policies come to: a table of (policies, call, decision), and documents that are refused.

import AWSWire
import Testing

private let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/orders"

/// One line: what alice's policies and the stream's say to a call.
private struct Line: Sendable, CustomTestStringConvertible {
    var name: String
    /// The inside of each statement of alice's policy.
    var own: [String] = []
    /// The same of the stream's policy.
    var ofStream: [String] = []
    var action = "kinesis:PutRecord"
    var resource = stream
    var context: [String: [String]] = [:]
    /// `allow`, `deny` (explicitly) or `none`.
    var decision: String

    var testDescription: String { name }
}

private let lines: [Line] = [
    Line(name: "nothing allows", decision: "none"),
    Line(name: "all", own: [#""Effect":"Allow","Action":"*","Resource":"*""#], decision: "allow"),
    Line(name: "the service's", own: [#""Effect":"Allow","Action":"kinesis:*","Resource":"*""#], decision: "allow"),
    Line(name: "another service's", own: [#""Effect":"Allow","Action":"firehose:*","Resource":"*""#], decision: "none"),
    Line(name: "case of actions", own: [#""Effect":"Allow","Action":"KINESIS:putrec*","Resource":"*""#], decision: "allow"),
    Line(
        name: "case of resources", own: [#""Effect":"Allow","Action":"*","Resource":"arn:aws:kinesis:*:*:stream/Orders""#],
        decision: "none"),
    Line(
        name: "one resource of several",
        own: [#""Effect":"Allow","Action":"*","Resource":["arn:aws:kinesis:*:*:stream/a","arn:aws:kinesis:*:*:stream/ord?rs"]"#],
        decision: "allow"),
    Line(
        name: "a deny wins",
        own: [
            #""Effect":"Allow","Action":"*","Resource":"*""#,
            #""Effect":"Deny","Action":"kinesis:Put*","Resource":"arn:aws:kinesis:*:*:stream/orders""#,
        ], decision: "deny"),
    Line(name: "NotAction", own: [#""Effect":"Allow","NotAction":"kinesis:Delete*","Resource":"*""#], decision: "allow"),
    Line(
        name: "NotAction of it", own: [#""Effect":"Allow","NotAction":["kinesis:Put*"],"Resource":"*""#], decision: "none"),
    Line(
        name: "NotResource", own: [#""Effect":"Deny","Action":"*","NotResource":"arn:aws:kinesis:*:*:stream/other""#],
        decision: "deny"),
    Line(
        name: "what touches no single resource", own: [#""Effect":"Allow","Action":"*","Resource":"arn:aws:kinesis:*""#],
        action: "kinesis:ListStreams", resource: "*", decision: "none"),
    Line(
        name: "a variable",
        own: [#""Effect":"Allow","Action":"*","Resource":"arn:aws:kinesis:*:*:stream/${aws:username}-*""#],
        resource: "arn:aws:kinesis:us-east-1:000000000000:stream/alice-1", context: ["aws:username": ["alice"]], decision: "allow"),
    Line(
        name: "a variable's value is no pattern",
        own: [#""Effect":"Allow","Action":"*","Resource":"arn:aws:kinesis:*:*:stream/${aws:username}""#],
        resource: "arn:aws:kinesis:us-east-1:000000000000:stream/alice", context: ["aws:username": ["*"]], decision: "none"),
    Line(
        name: "a variable without a value",
        own: [#""Effect":"Allow","Action":"*","Resource":"arn:aws:kinesis:${aws:PrincipalType}*""#],
        decision: "none"),
    Line(
        name: "a source address", own: [when(#""IpAddress":{"aws:SourceIp":["10.0.0.0/8","192.168.1.0/25"]}"#)],
        context: ["aws:SourceIp": ["192.168.1.127"]], decision: "allow"),
    Line(
        name: "another source address", own: [when(#""IpAddress":{"aws:SourceIp":"192.168.1.0/25"}"#)],
        context: ["aws:SourceIp": ["192.168.1.128"]], decision: "none"),
    Line(
        name: "an address in IPv6", own: [when(#""IpAddress":{"aws:SourceIp":"2001:db8::/33"}"#)],
        context: ["aws:SourceIp": ["2001:db8:7fff::1"]], decision: "allow"),
    Line(name: "no source address", own: [when(#""NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#)], decision: "allow"),
    Line(
        name: "before a time", own: [when(#""DateLessThan":{"aws:CurrentTime":"2026-12-01T00:00:00Z"}"#)],
        context: ["aws:CurrentTime": ["20261130T235959Z"]], decision: "allow"),
    Line(
        name: "after it", own: [when(#""DateLessThan":{"aws:CurrentTime":"2026-12-01T00:00:00Z"}"#)],
        context: ["aws:CurrentTime": ["20261201T000000Z"]], decision: "none"),
    Line(
        name: "a tag", own: [when(#""StringEquals":{"aws:ResourceTag/team":["red","blue"]}"#)],
        context: ["aws:ResourceTag/team": ["blue"]], decision: "allow"),
    Line(name: "no tag", own: [when(#""StringEquals":{"aws:ResourceTag/team":"red"}"#)], decision: "none"),
    Line(name: "no tag, if it exists", own: [when(#""StringEqualsIfExists":{"aws:ResourceTag/team":"red"}"#)], decision: "allow"),
    Line(
        name: "another tag, if it exists", own: [when(#""StringEqualsIfExists":{"aws:ResourceTag/team":"red"}"#)],
        context: ["aws:ResourceTag/team": ["blue"]], decision: "none"),
    Line(
        name: "any value, where there is none",
        own: [when(#""ForAnyValue:StringNotEquals":{"aws:ResourceTag/x":"a"}"#)], decision: "none"),
    Line(
        name: "names of tags are of one case", own: [when(#""StringEquals":{"aws:ResourceTag/team":"red"}"#)],
        context: ["aws:username": ["a"]], decision: "none"),
    Line(
        name: "the region says nothing",
        own: [#""Effect":"Allow","Action":"*","Resource":"arn:aws:kinesis:eu-west-1:*:stream/orders""#], decision: "allow"),
    Line(
        name: "nor does it in a deny",
        own: [
            #""Effect":"Allow","Action":"*","Resource":"*""#,
            #""Effect":"Deny","Action":"*","Resource":"arn:aws:kinesis:eu-west-1:*:stream/orders""#,
        ], decision: "deny"),
    Line(name: "Null", own: [when(#""Null":{"aws:ResourceTag/team":"true"}"#)], decision: "allow"),
    Line(
        name: "like", own: [when(#""StringLike":{"aws:UserAgent":"*boto3/1.?"}"#)], context: ["aws:UserAgent": ["x boto3/1.2"]],
        decision: "allow"),
    Line(
        name: "equals takes no pattern", own: [when(#""StringEquals":{"aws:UserAgent":"boto*"}"#)],
        context: ["aws:UserAgent": ["boto3"]], decision: "none"),
    Line(
        name: "a number", own: [when(#""NumericGreaterThanEquals":{"aws:EpochTime":10}"#)], context: ["aws:EpochTime": ["10"]],
        decision: "allow"),
    Line(
        name: "encrypted only", own: [when(#""Bool":{"aws:SecureTransport":true}"#)],
        context: ["aws:SecureTransport": ["false"]], decision: "none"),
    Line(
        name: "all values", own: [when(#""ForAllValues:StringLike":{"aws:ResourceTag/x":["a*"]}"#)],
        context: ["aws:ResourceTag/x": ["ab", "b"]], decision: "none"),
    Line(
        name: "any value", own: [when(#""ForAnyValue:StringLike":{"aws:ResourceTag/x":["a*"]}"#)],
        context: ["aws:ResourceTag/x": ["ab", "b"]], decision: "allow"),
    Line(
        name: "an ARN part by part", own: [when(#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}"#)],
        context: ["aws:PrincipalArn": ["arn:aws:iam::000000000000:user/alice"]], decision: "allow"),
    Line(
        name: "an ARN's star ends at its part", own: [when(#""ArnLike":{"aws:PrincipalArn":"arn:aws:*:user/alice"}"#)],
        context: ["aws:PrincipalArn": ["arn:aws:iam::000000000000:user/alice"]], decision: "none"),
    Line(
        name: "two conditions must both hold",
        own: [when(#""Bool":{"aws:SecureTransport":"true"},"StringEquals":{"aws:UserAgent":"1"}"#)],
        context: ["aws:SecureTransport": ["true"], "aws:UserAgent": ["2"]], decision: "none"),
    Line(
        name: "the stream's policy names her",
        ofStream: [by(#"{"AWS":"arn:aws:iam::000000000000:user/alice"}"#)], decision: "allow"),
    Line(
        name: "the stream's policy names another", ofStream: [by(#"{"AWS":["arn:aws:iam::000000000000:user/bob"]}"#)],
        decision: "none"),
    Line(name: "the stream's policy lets all", ofStream: [by("\"*\"")], decision: "allow"),
    Line(name: "the stream's policy leaves it to the account", ofStream: [by(#"{"AWS":"000000000000"}"#)], decision: "none"),
    Line(
        name: "the stream's policy denies",
        own: [#""Effect":"Allow","Action":"*","Resource":"*""#],
        ofStream: [by(#"{"AWS":"arn:aws:iam::000000000000:root"}"#, effect: "Deny")], decision: "deny"),
    Line(
        name: "denied to all but her",
        own: [#""Effect":"Allow","Action":"*","Resource":"*""#],
        ofStream: [#""Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::000000000000:user/alice"},"Action":"*","Resource":"*""#],
        decision: "allow"),
]

/// A statement that allows all under conditions.
private func when(_ conditions: String) -> String {
    #""Effect":"Allow","Action":"*","Resource":"*","Condition":{\#(conditions)}"#
}

/// A statement of the stream's policy.
private func by(_ principal: String, effect: String = "Allow") -> String {
    #""Effect":"\#(effect)","Principal":\#(principal),"Action":"kinesis:*","Resource":"\#(stream)""#
}

@Suite struct PolicyTests {
    private func policy(_ statements: [String], _ kind: PolicyDocument.Kind) throws -> [NamedPolicy] {
        guard !statements.isEmpty else { return [] }
        let list = statements.map { "{\($0)}" }.joined(separator: ",")
        return [NamedPolicy(name: "p", try PolicyDocument(#"{"Version":"2012-10-17","Statement":[\#(list)]}"#, kind))]
    }

    @Test("decisions", arguments: lines)
    fileprivate func decisions(line: Line) throws {
        let decision = PolicyDecision.of(
            PolicyCall(action: line.action, context: PolicyContext(line.context)),
            by: Caller(account: "000000000000", user: "alice", accessKeyID: nil), to: line.resource,
            identity: try policy(line.own, .identity), resourcePolicies: try policy(line.ofStream, .resource))
        let word =
            switch decision {
            case .allowed: "allow"
            case .denied: "deny"
            case .notAllowed: "none"
            }
        #expect(word == line.decision)
    }

    @Test(
        "documents that say nothing comprehensible are refused, with the element's name",
        arguments: [
            ("[]", "the document must be an object"), ("{}", "Statement"), (#"{"Statement":[]}"#, "Statement"),
            (#"{"Version":"2020-01-01","Statement":{}}"#, "Version"), (#"{"Statements":[]}"#, "Statements"),
            (#"{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}"#, "Effect"),
            (#"{"Statement":{"Effect":"Allow","Resource":"*"}}"#, "Action"),
            (#"{"Statement":{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}}"#, "Action"),
            (#"{"Statement":{"Effect":"Allow","Action":"PutRecord","Resource":"*"}}"#, "Action: 'PutRecord'"),
            (#"{"Statement":{"Effect":"Allow","Action":"*"}}"#, "Resource"),
            (#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"stream/x"}}"#, "Resource: 'stream/x'"),
            (#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}"#, "Principal"),
            (#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Conditions":{}}}"#, "Conditions"),
            (#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Equals":{"a":"b"}}}}"#, "Condition.Equals"),
            (#"{"Statement":[],"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#, "Statement: stands twice"),
            (#"{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}"#, "Effect: stands twice"),
            (
                #"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Null":{"aws:TagKeys":true}}}}"#,
                "aws:TagKeys"
            ),
            (
                #"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"arn:aws:kinesis:::${x, 'y'}"}}"#,
                "variable"
            ),
            (
                #"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"x"}}}}"#,
                "Condition.IpAddress.aws:SourceIp: 'x'"
            ),
        ])
    func refused(document: String, part: String) {
        #expect {
            try PolicyDocument(document, .identity)
        } throws: { error in
            "\(error)".contains(part)
        }
    }

    @Test(
        "addresses",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.1", "10.0.0.2", false), ("::/0", "fe80::1%eth0", true),
            ("127.0.0.0/8", "::ffff:127.0.0.1", true), ("0.0.0.0/0", "::1", false),
        ])
    func addresses(range: String, address: String, isInside: Bool) throws {
        #expect(try #require(AddressRange(range)).contains(address) == isInside)
        #expect(AddressRange("10.0.0.0/33") == nil && AddressRange("10.0.0/8") == nil && AddressRange("") == nil)
    }

    @Test("a credentials file is read as it was written, and what is wrong with one is told without its secrets")
    func file() throws {
        var file = CredentialsFile()
        file.keys = [
            try AccessKey(
                id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", user: "alice",
                created: 1_796_061_600,
                policies: [PolicyDocument.administrator])
        ]
        #expect(try CredentialsFile(file.text) == file)
        #expect(!"\(file) \(String(reflecting: file))".contains("wJalr"))
        let text = String(decoding: file.text, as: UTF8.self)
        for (old, new) in [
            ("\"version\":1", "\"version\":2"), ("alice", "a b"), ("AKIAIOSFODNN7EXAMPLE", "AKIA"), ("20261130T", "2026"),
            ("\"Allow\"", "\"Alow\""), ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalr"), ("{\"v", "{v"),
        ] {
            #expect {
                try CredentialsFile(Array(text.replacing(old, with: new).utf8))
            } throws: { error in
                !"\(error)".contains("wJalr")
            }
        }
    }

    @Test("100,000 mutated policies: each is one, or is refused in words")
    func mutated() {
        let text = Array(
            #"""
            {"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":["kinesis:Get*","kinesis:P?t*"],"Resource":"arn:aws:kinesis:*:*:stream/${aws:username}-*",\#
            "Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"}}},\#
            {"Effect":"Deny","NotAction":"kinesis:List*","NotResource":"*"}]}
            """#.utf8)
        var random = SeededNumbers(seed: 20_261_130)
        let call = PolicyCall(action: "kinesis:PutRecord", context: PolicyContext(["aws:sourceip": ["10.1.2.3"]]))
        let caller = Caller(account: "000000000000", user: "alice", accessKeyID: nil)
        var (taken, refused) = (0, 0)
        for _ in 0..<100_000 {
            var bytes = text
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(contentsOf: text.dropFirst(place).prefix(9), at: place)
                default: bytes.removeSubrange(place..<min(place + 20, bytes.count))
                }
                if bytes.isEmpty { bytes = text }
            }
            do throws(MalformedPolicy) {
                let document = try PolicyDocument(String(decoding: bytes, as: UTF8.self), .identity)
                _ = PolicyDecision.of(call, by: caller, to: stream, identity: [NamedPolicy(name: "p", document)])
                taken += 1
            } catch {
                #expect(!error.description.isEmpty)
                refused += 1
            }
        }
        #expect(taken > 100 && refused > 10_000)
    }
}
