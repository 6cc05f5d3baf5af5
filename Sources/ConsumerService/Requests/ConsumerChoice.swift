/// How a request names its consumer, and what every operation on one shares.

import AWSWire

/// A request for one consumer of one stream.
protocol ChoosesConsumer: Sendable {
    var streamName: String? { get }
    var consumerName: String? { get }
}

extension ChoosesConsumer {
    static var consumerRules: [Rule<Self>] {
        [
            .member("streamName", \.streamName, .notNull, .pattern(.name), .minLength(1), .maxLength(128)),
            .member("consumerName", \.consumerName, .notNull, .pattern(.name), .minLength(1), .maxLength(128)),
        ]
    }

    /// Both are there once the rules have been passed.
    var stream: String { streamName ?? "" }
    var consumer: String { consumerName ?? "" }
}

/// What a member calls itself; unique among those of its consumer.
protocol NamesMember: ChoosesConsumer {
    var memberName: String? { get }
}

extension NamesMember {
    static var memberRules: [Rule<Self>] {
        consumerRules + [.member("memberName", \.memberName, .notNull, .pattern(.name), .minLength(1), .maxLength(128))]
    }

    var member: String { memberName ?? "" }
}

/// An operation on one consumer.
protocol ConsumerOperation: AWSOperation where Service == ConsumerService, Request: ChoosesConsumer {}

extension ConsumerOperation {
    static var errors: [AWSError.Name] {
        [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded, .leaseLost, .validation]
    }
    static var memoryBound: Int { 64 << 10 }

    static func resources(_ request: Request, _ service: ConsumerService) -> [ResourceName] {
        [ConsumerService.stream(request.stream)]
    }
}

/// A request with nothing but a consumer's name.
struct ConsumerRequest: WireReadable, ChoosesConsumer {
    var streamName: String?
    var consumerName: String?

    init(_ fields: WireFields) throws(AWSError) {
        streamName = try fields.string("StreamName")
        consumerName = try fields.string("ConsumerName")
    }
}

/// A request with a member's name besides.
struct MemberRequest: WireReadable, NamesMember {
    var streamName: String?
    var consumerName: String?
    var memberName: String?

    init(_ fields: WireFields) throws(AWSError) {
        streamName = try fields.string("StreamName")
        consumerName = try fields.string("ConsumerName")
        memberName = try fields.string("MemberName")
    }
}
