/// UntagDeliveryStream: removes tags by their keys (Firehose API, UntagDeliveryStream).

import AWSWire
import Delivery

enum UntagDeliveryStream: AWSOperation {
    struct Request: WireReadable, NamesDeliveryStream {
        var deliveryStreamName: String?
        var keys: [String]?

        init(_ fields: WireFields) throws(AWSError) {
            deliveryStreamName = try fields.string("DeliveryStreamName")
            keys = try fields.strings("TagKeys")
        }
    }

    static let rules: [Rule<Request>] = [
        Request.nameRule, .member("tagKeys", \.keys, .notNull, .minLength(1), .maxLength(50), .elementLengths(1...128)),
    ]
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded, .serviceUnavailable]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ firehose: Firehose, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
        let keys = Set(request.keys ?? [])
        try await firehose.change(request.deliveryStreamName ?? "") { definition in
            definition.tags = definition.tags.filter { !keys.contains($0.key) }
        }
        return EmptyObject()
    }
}
