/// How a request names a stream or a registered consumer by its ARN.

import AWSWire
import StreamStore

extension Pattern {
    /// ARNs of streams and of their consumers.
    static let resourceARN = Pattern(#"arn:aws.*:kinesis:.*:\d{12}:.*stream/\S+"#) { KinesisARN($0) != nil }

    /// ARNs of registered consumers.
    static let consumerARN = Pattern(
        #"^(arn):aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+"#
    ) { KinesisARN($0)?.consumer != nil }
}

/// A stream or a consumer, as an ARN names it. Its region does not matter: what a node keeps names none.
struct KinesisARN: Hashable, Sendable {
    var account: String
    var stream: String
    /// The consumer's name and the second in which it was registered.
    var consumer: (name: String, createdSecond: Int64)? {
        consumerName.map { ($0, createdSecond) }
    }
    private var consumerName: String?
    private var createdSecond: Int64 = 0

    /// Nil unless the text is `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME` or that with `/consumer/NAME:SECOND` behind it.
    init?(_ text: String) {
        guard let arn = ARN(text), arn.partition.hasPrefix("aws"), arn.service == "kinesis", arn.account.utf8.count == 12,
            arn.account.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            arn.resource.hasPrefix("stream/")
        else { return nil }
        account = arn.account
        let parts = arn.resource.dropFirst("stream/".count).split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.first, Pattern.isName(name.utf8) else { return nil }
        stream = String(name)
        if parts.count == 1 { return }
        guard parts.count == 3, parts[1] == "consumer", let colon = parts[2].lastIndex(of: ":"),
            Pattern.isName(parts[2][..<colon].utf8), let second = Int64(parts[2][parts[2].index(after: colon)...]), second >= 0
        else { return nil }
        consumerName = String(parts[2][..<colon])
        createdSecond = second
    }
}

/// A request for a stream or a consumer.
protocol ChoosesResource: Sendable {
    var resourceARN: String? { get }
}

extension ChoosesResource {
    static var resourceRules: [Rule<Self>] {
        [.member("resourceARN", \.resourceARN, .notNull, .pattern(.resourceARN), .minLength(1), .maxLength(2048))]
    }
}

extension AWSOperation where Request: ChoosesResource, Service == Kinesis {
    static func resources(_ request: Request, _ kinesis: Kinesis) -> [ResourceName] {
        request.resourceARN.flatMap(KinesisARN.init).map { [kinesis.resource($0)] } ?? []
    }
}

extension Kinesis {
    /// A stream, or a consumer of it, as policies name it.
    func resource(_ arn: KinesisARN) -> ResourceName {
        let consumer = arn.consumer.map { "/consumer/\($0.name):\($0.createdSecond)" } ?? ""
        return ResourceName(service: "kinesis", resource: "stream/\(arn.stream)\(consumer)")
    }

    /// What a request is for: a stream, and one of its consumers if the ARN is of that.
    func resource(
        _ request: some ChoosesResource
    ) async throws(AWSError) -> (stream: StreamDescription, consumer: StreamConsumer?) {
        let text = request.resourceARN ?? ""
        guard let arn = KinesisARN(text) else {
            throw AWSError(.invalidArgument, "ResourceARN \(text) is neither that of a stream nor of a consumer.")
        }
        if arn.consumer != nil { return try await consumer(text) }
        guard arn.account == settings.accountID else {
            throw AWSError(.resourceNotFound, "Stream \(arn.stream) under account \(arn.account) not found.")
        }
        return (try await stream(named: arn.stream), nil)
    }

    /// The consumer of an ARN, and its stream.
    func consumer(_ text: String) async throws(AWSError) -> (stream: StreamDescription, consumer: StreamConsumer?) {
        guard let arn = KinesisARN(text), let wanted = arn.consumer, arn.account == settings.accountID else {
            throw consumerNotFound(text)
        }
        let stream = try await stream(named: arn.stream)
        guard let found = try await attributes(of: stream).consumer(named: wanted.name), found.createdSecond == wanted.createdSecond
        else { throw consumerNotFound(text) }
        return (stream, found)
    }

    func consumerNotFound(_ consumer: String) -> AWSError {
        AWSError(.resourceNotFound, "Consumer \(consumer), account \(settings.accountID) not found.")
    }
}

extension StreamAttributes {
    /// Changes one consumer, found anew: another change may have come before.
    mutating func change(
        _ consumer: StreamConsumer, or error: AWSError, _ change: (inout StreamConsumer) throws(AWSError) -> Void
    ) throws(AWSError) {
        guard let index = consumers.firstIndex(where: { $0.name == consumer.name && $0.createdSecond == consumer.createdSecond })
        else { throw error }
        try change(&consumers[index])
    }
}
