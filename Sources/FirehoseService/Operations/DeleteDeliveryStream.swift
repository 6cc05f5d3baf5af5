/// DeleteDeliveryStream: removes a delivery stream with what it has not delivered (Firehose API, DeleteDeliveryStream).

import AWSWire
import Delivery

enum DeleteDeliveryStream: AWSOperation {
    struct Request: WireReadable, NamesDeliveryStream {
        var deliveryStreamName: String?

        init(_ fields: WireFields) throws(AWSError) {
            deliveryStreamName = try fields.string("DeliveryStreamName")
            // AllowForceDelete is for streams whose encryption grant cannot be retired; there is none here.
            _ = try fields.boolean("AllowForceDelete")
        }
    }

    static let rules: [Rule<Request>] = [Request.nameRule]
    static let errors: [AWSError.Name] = [.resourceInUse, .resourceNotFound, .serviceUnavailable]
    static let memoryBound = 16 << 10

    static func run(_ request: Request, _ firehose: Firehose, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
        do throws(DeliveryError) {
            try await firehose.delivery.delete(request.deliveryStreamName ?? "")
        } catch {
            throw firehose.awsError(error)
        }
        return EmptyObject()
    }
}
