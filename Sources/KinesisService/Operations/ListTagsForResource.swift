/// ListTagsForResource: the tags of a stream or a consumer by key (Kinesis API, ListTagsForResource).

import AWSWire
import StreamStore

/// What ListTagsForResource, GetResourcePolicy and DeleteResourcePolicy are asked.
struct ResourceRequest: WireReadable, ChoosesResource {
    var resourceARN: String?

    init(_ fields: WireFields) throws(AWSError) { resourceARN = try fields.string("ResourceARN") }
}

enum ListTagsForResource: AWSOperation {
    struct Response: AWSResponse {
        var tags: [(key: String, value: String)]

        func write(to writer: inout WireWriter) {
            writer.object { $0.tags(tags) }
        }
    }

    typealias Request = ResourceRequest
    static let rules = Request.resourceRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let (stream, consumer) = try await kinesis.resource(request)
        let tags = consumer?.tags ?? stream.tags
        return Response(tags: tags.map { (key: $0.key, value: $0.value) }.sorted { $0.key < $1.key })
    }
}
