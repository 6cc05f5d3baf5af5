/// The few regular expressions of AWS's models, each as its text and a function that does what it says.

/// A pattern that a whole text must match.
public struct Pattern: Sendable {
    /// As it stands in the model and in messages.
    public let text: String
    let matches: @Sendable (String) -> Bool

    public init(_ text: String, matches: @escaping @Sendable (String) -> Bool) {
        self.text = text
        self.matches = matches
    }

    /// Names of streams, applications and so on, and shard ids.
    public static let name = Pattern("[a-zA-Z0-9_.-]+") { isName($0.utf8) }

    /// Whether bytes match `name`.
    public static func isName(_ bytes: some Collection<UInt8>) -> Bool {
        !bytes.isEmpty
            && bytes.allSatisfy { byte in
                isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
                    || byte == UInt8(ascii: "-")
            }
    }

    /// Hash keys.
    public static let hashKey = Pattern(#"0|([1-9]\d{0,38})"#) { isDecimal($0.utf8, maxDigits: 39) }

    /// Sequence numbers.
    public static let sequenceNumber = Pattern(#"0|([1-9]\d{0,128})"#) { isDecimal($0.utf8, maxDigits: 129) }

    /// Decimal digits without a leading zero, or a single zero.
    public static func isDecimal(_ digits: some Collection<UInt8>, maxDigits: Int) -> Bool {
        guard let first = digits.first, digits.allSatisfy(isDigit) else { return false }
        return digits.count == 1 || first != UInt8(ascii: "0") && digits.count <= maxDigits
    }

    /// ARNs: a prefix, a service, twelve digits of account and the resource, as in
    /// `arn:aws.*:kinesis:.*:\d{12}:stream/\S+`. Region and resource may hold anything, the latter no white space.
    public static func arn(service: String, resource: String) -> Pattern {
        Pattern(#"arn:aws.*:"# + service + #":.*:\d{12}:"# + resource + #"/\S+"#) { text in
            guard let arn = ARN(text), arn.partition.hasPrefix("aws") else { return false }
            return arn.service == service && arn.account.utf8.count == 12 && arn.account.utf8.allSatisfy(isDigit)
                && arn.resource.hasPrefix(resource + "/") && arn.resource.utf8.count > resource.utf8.count + 1
                && !arn.resource.contains(where: \.isWhitespace)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") <= 9 }
    private static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- UInt8(ascii: "a") < 26 }
}

/// The parts of an Amazon Resource Name, `arn:partition:service:region:account:resource`.
public struct ARN: Hashable, Sendable, CustomStringConvertible {
    public var partition: String
    public var service: String
    public var region: String
    public var account: String
    /// Such as `stream/orders`.
    public var resource: String

    public init(partition: String = "aws", service: String, region: String, account: String, resource: String) {
        self.partition = partition
        self.service = service
        self.region = region
        self.account = account
        self.resource = resource
    }

    /// Nil when there are not six parts.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "arn" else { return nil }
        self.init(
            partition: String(parts[1]), service: String(parts[2]), region: String(parts[3]), account: String(parts[4]),
            resource: String(parts[5]))
    }

    public var description: String { "arn:\(partition):\(service):\(region):\(account):\(resource)" }
}
