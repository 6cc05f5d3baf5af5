/// ListTagsForDeliveryStream: the tags given at creation, in pages (Firehose API, ListTagsForDeliveryStream).

import AWSWire
import Delivery

enum ListTagsForDeliveryStream: AWSOperation {
    struct Request: WireReadable, NamesDeliveryStream {
        var deliveryStreamName: String?
        var exclusiveStartTagKey: String?
        var limit: Int?

        init(_ fields: WireFields) throws(AWSError) {
            deliveryStreamName = try fields.string("DeliveryStreamName")
            exclusiveStartTagKey = try fields.string("ExclusiveStartTagKey")
            limit = try fields.integer("Limit")
        }
    }

    struct Response: AWSResponse {
        var tags: [JSONValue]
        var hasMore: Bool

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.list("Tags", tags) { writer, tag in writer.value(tag) }
                writer.field("HasMoreTags", hasMore)
            }
        }
    }

    static let rules: [Rule<Request>] = [
        Request.nameRule,
        .member("exclusiveStartTagKey", \.exclusiveStartTagKey, .minLength(1), .maxLength(128)),
        .member("limit", \.limit, .atLeast(1), .atMost(50)),
    ]
    static let errors: [AWSError.Name] = [.resourceNotFound]
    static let memoryBound = 16 << 10

    static func run(_ request: Request, _ firehose: Firehose, _ call: AWSCall) async throws(AWSError) -> Response {
        let description: DeliveryStreamDescription
        do throws(DeliveryError) {
            description = try firehose.delivery.describe(request.deliveryStreamName ?? "")
        } catch {
            throw firehose.awsError(error)
        }
        var tags = description.definition.kept("Tags")?.array ?? []
        if let start = request.exclusiveStartTagKey, let index = tags.firstIndex(where: { $0["Key"]?.string == start }) {
            tags.removeFirst(index + 1)
        }
        let limit = request.limit ?? 50
        return Response(tags: Array(tags.prefix(limit)), hasMore: tags.count > limit)
    }
}
