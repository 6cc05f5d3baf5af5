/// How a request names a registered consumer: by its ARN, or by its stream's ARN and its name.

import AWSWire
import StreamStore

/// A request for one consumer.
protocol ChoosesConsumer: Sendable {
    var streamARN: String? { get }
    var consumerName: String? { get }
    var consumerARN: String? { get }
}

extension ChoosesConsumer {
    static var consumerRules: [Rule<Self>] {
        [
            .member(
                "streamARN", \.streamARN, .pattern(.arn(service: "kinesis", resource: "stream")), .minLength(1), .maxLength(2048)),
            .member("consumerName", \.consumerName, .pattern(.name), .minLength(1), .maxLength(128)),
            .member("consumerARN", \.consumerARN, .pattern(.consumerARN), .minLength(1), .maxLength(2048)),
        ]
    }
}

/// What DescribeStreamConsumer and DeregisterStreamConsumer are asked.
struct ConsumerRequest: WireReadable, ChoosesConsumer {
    var streamARN: String?
    var consumerName: String?
    var consumerARN: String?

    init(_ fields: WireFields) throws(AWSError) {
        streamARN = try fields.string("StreamARN")
        consumerName = try fields.string("ConsumerName")
        consumerARN = try fields.string("ConsumerARN")
    }
}

extension AWSOperation where Request: ChoosesConsumer, Service == Kinesis {
    static func resources(_ request: Request, _ kinesis: Kinesis) -> [ResourceName] {
        guard let arn = (request.consumerARN ?? request.streamARN).flatMap(KinesisARN.init) else { return [] }
        guard request.consumerARN == nil, let name = request.consumerName else { return [kinesis.resource(arn)] }
        // By either way it is the same consumer, and its ARN is what policies name.
        let known = try? kinesis.store.currentStream(StreamKey(arn.stream)).flatMap { kinesis.attributes.known($0.id) }
        let consumer = known?.attributes.consumers.first { $0.name == name }
        return [ResourceName(service: "kinesis", resource: "stream/\(arn.stream)/consumer/\(consumer?.pathName ?? name)")]
    }
}

extension Kinesis {
    /// The consumer that a request is for, and its stream.
    func consumer(
        _ request: some ChoosesConsumer
    ) async throws(AWSError) -> (stream: StreamDescription, consumer: StreamConsumer) {
        if let text = request.consumerARN {
            let (stream, found) = try await consumer(text)
            guard let found, request.consumerName ?? found.name == found.name,
                request.streamARN.map({ KinesisARN($0)?.stream == stream.key.name }) ?? true
            else { throw AWSError(.invalidArgument, "ConsumerARN \(text) does not match StreamARN and ConsumerName.") }
            return (stream, found)
        }
        guard let streamARN = request.streamARN, let name = request.consumerName else {
            throw AWSError(.invalidArgument, "Either ConsumerARN or both StreamARN and ConsumerName should be provided.")
        }
        let stream = try await stream(arn: streamARN)
        guard let found = try await attributes(of: stream).consumer(named: name) else { throw consumerNotFound(name) }
        return (stream, found)
    }

    /// The stream of an ARN.
    func stream(arn text: String) async throws(AWSError) -> StreamDescription {
        struct Choice: ChoosesStream {
            var streamName: String? { nil }
            var streamARN: String?
        }
        return try await stream(Choice(streamARN: text))
    }
}

extension WireWriter {
    /// A consumer as the next value (Kinesis API, Consumer, ConsumerDescription).
    /// - Parameters:
    ///   - streamARN: the stream's.
    ///   - status: CREATING, ACTIVE or DELETING.
    ///   - namesStream: whether the stream's ARN stands there by itself too.
    mutating func consumer(_ consumer: StreamConsumer, streamARN: String, status: String, namesStream: Bool = false) {
        object { writer in writer.members(of: consumer, streamARN, status, namesStream) }
    }

    mutating func consumer(
        _ name: StaticString, _ consumer: StreamConsumer, streamARN: String, status: String, namesStream: Bool = false
    ) {
        object(name) { writer in writer.members(of: consumer, streamARN, status, namesStream) }
    }

    private mutating func members(of consumer: StreamConsumer, _ streamARN: String, _ status: String, _ namesStream: Bool) {
        field("ConsumerName", consumer.name)
        field("ConsumerARN", streamARN + consumer.path)
        field("ConsumerStatus", status)
        field("ConsumerCreationTimestamp", milliseconds: consumer.createdMilliseconds)
        if namesStream { field("StreamARN", streamARN) }
    }
}

extension Kinesis {
    /// CREATING until the life-cycle delay has passed.
    func status(of consumer: StreamConsumer) -> String {
        now - consumer.createdMilliseconds < settings.lifecycleMilliseconds ? "CREATING" : "ACTIVE"
    }
}
