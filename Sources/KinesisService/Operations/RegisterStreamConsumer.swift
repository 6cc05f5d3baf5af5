/// RegisterStreamConsumer: gives a consumer a name by which it may subscribe to a stream's shards (Kinesis API, RegisterStreamConsumer).

import AWSWire
import StreamStore

enum RegisterStreamConsumer: AWSOperation {
    struct Request: WireReadable {
        var streamARN: String?
        var consumerName: String?
        var tags: TextMap?

        init(_ fields: WireFields) throws(AWSError) {
            streamARN = try fields.string("StreamARN")
            consumerName = try fields.string("ConsumerName")
            tags = try fields.map("Tags")
        }
    }

    struct Response: AWSResponse {
        var consumer: StreamConsumer
        var streamARN: String

        func write(to writer: inout WireWriter) {
            // A new consumer is never said to be more than this, however soon it is ACTIVE.
            writer.object { $0.consumer("Consumer", consumer, streamARN: streamARN, status: "CREATING") }
        }
    }

    static let rules: [Rule<Request>] = [
        .member(
            "streamARN", \.streamARN, .notNull, .pattern(.arn(service: "kinesis", resource: "stream")), .minLength(1),
            .maxLength(2048)),
        .member("consumerName", \.consumerName, .notNull, .pattern(.name), .minLength(1), .maxLength(128)),
        .member("tags", \.tags, .minLength(1), .maxLength(200), .keyLengths(1...128), .valueLengths(0...256)),
    ]
    static func resources(_ request: Request, _ kinesis: Kinesis) -> [ResourceName] {
        request.streamARN.flatMap(KinesisARN.init).map { [kinesis.resource(ofStreamNamed: $0.stream)] } ?? []
    }
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded]
    static let memoryBound = 256 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let stream = try await kinesis.stream(arn: request.streamARN ?? "")
        let (name, account) = (request.consumerName ?? "", kinesis.settings.accountID)
        let tags = request.tags?.entries ?? [:]
        try Tags.check(ofConsumer: tags)
        let consumer = StreamConsumer(name: name, createdMilliseconds: kinesis.now, tags: tags)
        try await kinesis.changeAttributes(of: stream) { attributes throws(AWSError) in
            guard attributes.consumer(named: name) == nil else {
                throw AWSError(
                    .resourceInUse, "Consumer \(name) under stream \(stream.key.name), account \(account) already exists.")
            }
            if let limit = kinesis.settings.consumerLimit, attributes.consumers.count >= limit {
                throw AWSError(
                    .limitExceeded,
                    "Stream \(stream.key.name) under account \(account) has reached the maximum of \(limit) registered consumers.")
            }
            attributes.consumers.append(consumer)
            attributes.consumers.sort { $0.name < $1.name }
        }
        return Response(consumer: consumer, streamARN: kinesis.arn(stream.key.name, call.region))
    }
}
