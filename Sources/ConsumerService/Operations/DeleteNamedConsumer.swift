/// DeleteNamedConsumer: a consumer and its positions are forgotten. An operation of Millrace's own.

import AWSWire
import Consumers

enum DeleteNamedConsumer: ConsumerOperation {
    typealias Request = ConsumerRequest
    static let rules = Request.consumerRules

    static func run(_ request: Request, _ service: ConsumerService, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
        try await service.call { () async throws(ConsumerError) -> EmptyObject in
            try await service.consumers.delete(request.consumer, of: request.stream)
            return EmptyObject()
        }
    }
}
