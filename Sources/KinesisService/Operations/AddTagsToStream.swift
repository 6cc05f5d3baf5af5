/// AddTagsToStream: adds tags to a stream, or gives those it has another value (Kinesis API, AddTagsToStream).

import AWSWire
import StreamStore

enum AddTagsToStream: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var tags: TextMap?
        var streamName: String?
        var streamARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            tags = try fields.map("Tags")
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
        }
    }

    static let rules: [Rule<Request>] =
        [
            .member(
                "tags", \.tags, .notNull, .minLength(1), .maxLength(200), .keyLengths(1...128), .valueLengths(0...256))
        ] + Request.streamRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument]
    static let memoryBound = 256 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        let name = try kinesis.name(of: request)
        // A missing stream is told before wrong tags.
        _ = try await kinesis.stream(named: name)
        try await kinesis.add(tags: request.tags?.entries ?? [:], toStream: name)
        return Nothing()
    }
}
