/// The patterns of the Firehose model, and the rules that several operations share.

import AWSWire

extension Pattern {
    static let roleARN = Pattern(#"arn:.*:iam::\d{12}:role/[a-zA-Z_0-9+=,.@\-_/]+"#) { text in
        guard let arn = ARN(text), arn.service == "iam", arn.region.isEmpty, isAccount(arn.account) else { return false }
        return matches(arn.resource, after: "role/") { isWord($0) || "+=,.@-/".utf8.contains($0) }
    }

    static let bucketARN = Pattern(#"arn:.*:s3:::[\w\.\-]{1,255}"#) { text in
        guard let arn = ARN(text), arn.service == "s3", arn.region.isEmpty, arn.account.isEmpty, arn.resource.utf8.count <= 255
        else {
            return false
        }
        return matches(arn.resource, after: "") { isWord($0) || ".-".utf8.contains($0) }
    }

    static let kinesisStreamARN = Pattern(#"arn:.*:kinesis:[a-zA-Z0-9\-]+:\d{12}:stream/[a-zA-Z0-9_.-]+"#) { text in
        guard let arn = ARN(text), arn.service == "kinesis", !arn.region.isEmpty, isAccount(arn.account) else { return false }
        return arn.region.utf8.allSatisfy { isWord($0) && $0 != UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
            && matches(arn.resource, after: "stream/") { isWord($0) || ".-".utf8.contains($0) }
    }

    static let fileExtension = Pattern(#"^$|\.[0-9a-z!\-_.*'()]+"#) { text in
        text.isEmpty
            || matches(text, after: ".") { byte in
                isWord(byte) && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || "!-.*'()".utf8.contains(byte)
            }
    }

    static let timeZone = Pattern("^$|[a-zA-Z/_]+") { text in
        text.utf8.allSatisfy { isWord($0) && !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "/") }
    }

    /// Letters, digits and the underscore.
    private static func isWord(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") <= 9 || byte == UInt8(ascii: "_")
    }

    private static func isAccount(_ text: String) -> Bool {
        text.utf8.count == 12 && text.utf8.allSatisfy { $0 &- UInt8(ascii: "0") <= 9 }
    }

    private static func matches(_ text: String, after prefix: String, _ isAllowed: (UInt8) -> Bool) -> Bool {
        text.hasPrefix(prefix) && text.utf8.count > prefix.utf8.count
            && text.utf8.dropFirst(prefix.utf8.count).allSatisfy(isAllowed)
    }
}

/// A request that names a delivery stream.
protocol NamesDeliveryStream: Sendable {
    var deliveryStreamName: String? { get }
}

extension AWSOperation where Request: NamesDeliveryStream {
    static func resources(_ request: Request, _ service: Service) -> [ResourceName] {
        [ResourceName(service: "firehose", resource: "deliverystream/\(request.deliveryStreamName ?? "")")]
    }
}

extension NamesDeliveryStream {
    static var nameRule: Rule<Self> {
        Rule { request, violations in
            violations.check(
                "deliveryStreamName", request.deliveryStreamName, [.notNull, .pattern(.name), .minLength(1), .maxLength(64)])
        }
    }
}

extension AWSError {
    /// The error for what Firehose has and Millrace has not.
    static func notSupportedYet(_ field: String) -> AWSError {
        AWSError(.invalidArgument, "\(field) is not supported yet by this service.")
    }
}
