/// TagResource: adds tags to a stream or a consumer, or gives those it has another value (Kinesis API, TagResource).

import AWSWire
import StreamStore

enum TagResource: AWSOperation {
    struct Request: WireReadable, ChoosesResource {
        var tags: TextMap?
        var resourceARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            tags = try fields.map("Tags")
            resourceARN = try fields.string("ResourceARN")
        }
    }

    static let rules: [Rule<Request>] =
        [.member("tags", \.tags, .notNull, .minLength(1), .maxLength(200), .keyLengths(1...128), .valueLengths(0...256))]
        + Request.resourceRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded]
    static let memoryBound = 256 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        let (stream, consumer) = try await kinesis.resource(request)
        let new = request.tags?.entries ?? [:]
        guard let consumer else {
            try await kinesis.add(tags: new, toStream: stream.key.name)
            return Nothing()
        }
        try await kinesis.changeAttributes(of: stream) { attributes throws(AWSError) in
            try attributes.change(consumer, or: kinesis.consumerNotFound(consumer.name)) { consumer throws(AWSError) in
                let all = consumer.tags.merging(new) { $1 }
                try Tags.check(ofConsumer: all)
                consumer.tags = all
            }
        }
        return Nothing()
    }
}
