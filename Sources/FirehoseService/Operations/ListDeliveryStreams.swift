/// ListDeliveryStreams: the delivery streams of the account by name, in pages (Firehose API, ListDeliveryStreams).

import AWSWire
import Delivery

enum ListDeliveryStreams: AWSOperation {
    struct Request: WireReadable {
        var limit: Int?
        var type: String?
        var exclusiveStartName: String?

        init(_ fields: WireFields) throws(AWSError) {
            limit = try fields.integer("Limit")
            type = try fields.string("DeliveryStreamType")
            exclusiveStartName = try fields.string("ExclusiveStartDeliveryStreamName")
        }
    }

    struct Response: AWSResponse {
        var names: [String]
        var hasMore: Bool

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.list("DeliveryStreamNames", names)
                writer.field("HasMoreDeliveryStreams", hasMore)
            }
        }
    }

    static let rules: [Rule<Request>] = [
        .member("limit", \.limit, .atLeast(1), .atMost(10_000)),
        .member("deliveryStreamType", \.type, .oneOf(CreateDeliveryStream.types)),
        .member("exclusiveStartDeliveryStreamName", \.exclusiveStartName, .pattern(.name), .minLength(1), .maxLength(64)),
    ]
    static func resources(_ request: Request, _ firehose: Firehose) -> [ResourceName] { [.all(of: "firehose")] }
    static let errors: [AWSError.Name] = []
    static let memoryBound = 16 << 10
    static let defaultLimit = 10

    static func run(_ request: Request, _ firehose: Firehose, _ call: AWSCall) async throws(AWSError) -> Response {
        let start = request.exclusiveStartName ?? ""
        let names = firehose.delivery.list()
            .filter { $0.name > start && (request.type == nil || $0.typeName == request.type) }
            .map(\.name)
        let limit = request.limit ?? defaultLimit
        return Response(names: Array(names.prefix(limit)), hasMore: names.count > limit)
    }
}
