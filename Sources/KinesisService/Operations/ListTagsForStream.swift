/// ListTagsForStream: the tags of a stream by key, in pages (Kinesis API, ListTagsForStream).

import AWSWire
import StreamStore

enum ListTagsForStream: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var exclusiveStartTagKey: String?
        var limit: Int?
        var streamName: String?
        var streamARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            exclusiveStartTagKey = try fields.string("ExclusiveStartTagKey")
            limit = try fields.integer("Limit")
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
        }
    }

    struct Response: AWSResponse {
        var tags: ArraySlice<(key: String, value: String)>
        var hasMore: Bool

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.tags(tags)
                writer.field("HasMoreTags", hasMore)
            }
        }
    }

    static let rules: [Rule<Request>] =
        [
            .member("exclusiveStartTagKey", \.exclusiveStartTagKey, .minLength(1), .maxLength(128)),
            .member("limit", \.limit, .atLeast(1), .atMost(Tags.limit)),
        ] + Request.streamRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let stream = try await kinesis.stream(request)
        let sorted = stream.tags.map { (key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
        let rest = request.exclusiveStartTagKey.map { start in sorted.drop { $0.key <= start } } ?? sorted[...]
        let page = rest.prefix(request.limit ?? Tags.limit)
        return Response(tags: page, hasMore: page.count < rest.count)
    }
}
