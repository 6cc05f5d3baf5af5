/// RemoveTagsFromStream: removes tags of a stream; keys that it does not have change nothing (Kinesis API, RemoveTagsFromStream).

import AWSWire
import StreamStore

enum RemoveTagsFromStream: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var tagKeys: [String]?
        var streamName: String?
        var streamARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            tagKeys = try fields.strings("TagKeys")
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
        }
    }

    static let rules: [Rule<Request>] =
        [
            .member("tagKeys", \.tagKeys, .notNull, .minLength(1), .maxLength(50), .elementLengths(1...128))
        ] + Request.streamRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument]
    static let memoryBound = 128 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        let name = try kinesis.name(of: request)
        _ = try await kinesis.stream(named: name)
        try await kinesis.remove(tags: request.tagKeys ?? [], fromStream: name)
        return Nothing()
    }
}
