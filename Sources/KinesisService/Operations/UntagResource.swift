/// UntagResource: removes tags of a stream or a consumer; keys that it does not have change nothing (Kinesis API, UntagResource).

import AWSWire
import StreamStore

enum UntagResource: AWSOperation {
    struct Request: WireReadable, ChoosesResource {
        var tagKeys: [String]?
        var resourceARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            tagKeys = try fields.strings("TagKeys")
            resourceARN = try fields.string("ResourceARN")
        }
    }

    static let rules: [Rule<Request>] =
        [.member("tagKeys", \.tagKeys, .notNull, .minLength(1), .maxLength(50), .elementLengths(1...128))] + Request.resourceRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded]
    static let memoryBound = 128 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        let (stream, consumer) = try await kinesis.resource(request)
        let keys = request.tagKeys ?? []
        guard let consumer else {
            try await kinesis.remove(tags: keys, fromStream: stream.key.name)
            return Nothing()
        }
        try Tags.check(removingFromConsumer: keys)
        try await kinesis.changeAttributes(of: stream) { attributes throws(AWSError) in
            try attributes.change(consumer, or: kinesis.consumerNotFound(consumer.name)) { consumer throws(AWSError) in
                for key in keys { consumer.tags[key] = nil }
            }
        }
        return Nothing()
    }
}
