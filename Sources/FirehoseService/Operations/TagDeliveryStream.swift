/// TagDeliveryStream: adds tags, or gives those there are other values (Firehose API, TagDeliveryStream).

import AWSWire
import Delivery

enum TagDeliveryStream: AWSOperation {
    struct Request: WireReadable, NamesDeliveryStream {
        var deliveryStreamName: String?
        var tags: [CreateDeliveryStream.Tag]?

        init(_ fields: WireFields) throws(AWSError) {
            deliveryStreamName = try fields.string("DeliveryStreamName")
            tags = try fields.list("Tags")
        }
    }

    /// The most tags of a delivery stream (Firehose API, Tags).
    private static let mostTags = 50

    static let rules: [Rule<Request>] = [
        Request.nameRule, .present("tags", \.tags), .count("tags", \.tags, 1...mostTags),
        .each("tags", \.tags, CreateDeliveryStream.Tag.rules),
    ]
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded, .serviceUnavailable]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ firehose: Firehose, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
        let name = request.deliveryStreamName ?? ""
        let new = request.tags ?? []
        let known = Set(try firehose.definition(name).tags.map(\.key))
        guard known.union(new.map { $0.key ?? "" }).count <= mostTags else {
            throw AWSError(.limitExceeded, "Firehose \(name) may have \(mostTags) tags.")
        }
        try await firehose.change(name) { definition in
            for tag in new { definition.tags = definition.tags.filter { $0.key != tag.key } + [(tag.key ?? "", tag.value)] }
        }
        return EmptyObject()
    }
}

extension DeliveryStreamDefinition {
    /// In the order in which they were given.
    var tags: [(key: String, value: String?)] {
        get { (kept("Tags")?.array ?? []).map { ($0["Key"]?.string ?? "", $0["Value"]?.string) } }
        set {
            let list = newValue.map { tag in
                var object = JSONObject([.init(name: "Key", value: .string(tag.key))])
                object["Value"] = tag.value.map { .string($0) }
                return JSONValue.object(object)
            }
            attributes["Tags"] = newValue.isEmpty ? nil : String(decoding: JSONValue.array(list).serialized, as: UTF8.self)
        }
    }
}
