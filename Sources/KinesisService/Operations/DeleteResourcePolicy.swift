/// DeleteResourcePolicy: drops the policy of a stream or a consumer (Kinesis API, DeleteResourcePolicy).

import AWSWire
import StreamStore

enum DeleteResourcePolicy: AWSOperation {
    typealias Request = ResourceRequest
    static let rules = Request.resourceRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        let (stream, consumer) = try await kinesis.resource(request)
        let missing = AWSError(.resourceNotFound, "No resource policy found for resource ARN \(request.resourceARN ?? "").")
        try await kinesis.changeAttributes(of: stream) { attributes throws(AWSError) in
            guard let consumer else {
                guard attributes.policy != nil else { throw missing }
                return attributes.policy = nil
            }
            try attributes.change(consumer, or: kinesis.consumerNotFound(consumer.name)) { consumer throws(AWSError) in
                guard consumer.policy != nil else { throw missing }
                consumer.policy = nil
            }
        }
        return Nothing()
    }
}
