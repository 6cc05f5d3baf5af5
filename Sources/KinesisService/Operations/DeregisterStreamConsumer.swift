/// DeregisterStreamConsumer: takes a consumer's name from it; its subscriptions end (Kinesis API, DeregisterStreamConsumer).

import AWSWire
import StreamStore

enum DeregisterStreamConsumer: AWSOperation {
    typealias Request = ConsumerRequest
    static let rules = Request.consumerRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument, .resourceInUse]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        let (stream, consumer) = try await kinesis.consumer(request)
        try await kinesis.changeAttributes(of: stream) { attributes in
            attributes.consumers.removeAll { $0.name == consumer.name && $0.createdSecond == consumer.createdSecond }
        }
        kinesis.subscriptions.end(of: stream.id, consumer: consumer.path, with: kinesis.consumerNotFound(consumer.name))
        return Nothing()
    }
}
