/// What it costs to know who calls and whether that may be: signatures and policies of puts.

import AWSWire

/// A signed put, and the access control that lets it through.
struct SignedCalls {
    private let control: AccessControl
    private let head: RequestHead
    private let body: [UInt8]
    private static let now: Int64 = 1_796_061_600

    init(_ body: [UInt8], _ operation: String) throws {
        let credentials = SigningCredentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        let policy: JSONValue = [
            "Version": "2012-10-17",
            "Statement": [
                [
                    "Effect": "Allow", "Action": ["kinesis:PutRecord", "kinesis:PutRecords"],
                    "Resource": "arn:aws:kinesis:*:*:stream/b*",
                ],
                ["Effect": "Deny", "Action": "*", "Resource": "*", "Condition": ["NotIpAddress": ["aws:SourceIp": "127.0.0.0/8"]]],
            ],
        ]
        let key = try AccessKey(
            id: credentials.accessKeyID, secret: credentials.secret, user: "bench", created: 0, policies: [policy])
        control = AccessControl(
            AccessControl.Settings(account: "000000000000", region: "us-east-1", secret: [1]), keys: [key], now: { Self.now })
        let headers = [
            (name: "content-type", value: "application/x-amz-json-1.1"),
            (name: "x-amz-target", value: "Kinesis_20131202.\(operation)"),
        ]
        let request = UnsignedRequest(method: "POST", host: "127.0.0.1:4566", path: "/", headers: headers)
        let signature = body.withUnsafeBytes {
            request.signature($0, credentials, region: "us-east-1", service: "kinesis", at: Self.now)
        }
        var head = RequestHead(
            method: "POST", headers + [("host", "127.0.0.1:4566"), ("user-agent", "bench/1")] + signature, bodyLength: body.count)
        head.sourceAddress = "127.0.0.1"
        self.head = head
        self.body = body
    }

    /// Checks the signature.
    func authenticate() {
        let caller = try? body.withUnsafeBytes { try control.authenticate(head, $0) }
        precondition(caller != nil, "the signature was refused")
    }

    /// Asks the policies.
    func authorize(_ caller: AuthenticatedCaller, _ operation: String) {
        let resource = ResourceName(service: "kinesis", resource: "stream/bench")
        let isAllowed: ()? = try? control.authorize(caller, "kinesis:\(operation)", resource, CallOrigin(head))
        precondition(isAllowed != nil, "the call was refused")
    }

    func caller() throws -> AuthenticatedCaller { try body.withUnsafeBytes { try control.authenticate(head, $0) } }
}
