/// StopDeliveryStreamEncryption: forgets what was asked for (Firehose API, StopDeliveryStreamEncryption).

import AWSWire
import Delivery

enum StopDeliveryStreamEncryption: AWSOperation {
    struct Request: WireReadable, NamesDeliveryStream {
        var deliveryStreamName: String?

        init(_ fields: WireFields) throws(AWSError) { deliveryStreamName = try fields.string("DeliveryStreamName") }
    }

    static let rules: [Rule<Request>] = [Request.nameRule]
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded, .serviceUnavailable]
    static let memoryBound = 16 << 10

    static func run(_ request: Request, _ firehose: Firehose, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
        let name = request.deliveryStreamName ?? ""
        try firehose.checkTakesPuts(name)
        try await firehose.change(name) { $0.attributes[Firehose.encryption] = nil }
        return EmptyObject()
    }
}
