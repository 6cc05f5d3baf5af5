/// KickMember: an operator takes a member's leases away. An operation of Millrace's own.

import AWSWire
import Consumers

enum KickMember: ConsumerOperation {
    typealias Request = MemberRequest
    static let rules = Request.memberRules

    static func run(_ request: Request, _ service: ConsumerService, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
        try await service.call { () async throws(ConsumerError) -> EmptyObject in
            try await service.consumers.kick(request.member, of: request.consumer, on: request.stream)
            return EmptyObject()
        }
    }
}
