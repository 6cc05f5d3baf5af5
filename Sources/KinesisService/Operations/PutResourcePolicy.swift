/// PutResourcePolicy: keeps who may do what with a stream or a consumer (Kinesis API, PutResourcePolicy).

import AWSWire
import StreamStore

enum PutResourcePolicy: AWSOperation {
    struct Request: WireReadable, ChoosesResource {
        var policy: String?
        var resourceARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            policy = try fields.string("Policy")
            resourceARN = try fields.string("ResourceARN")
        }
    }

    static let rules: [Rule<Request>] = Request.resourceRules + [.member("policy", \.policy, .notNull)]
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded]
    static let memoryBound = 256 << 10
    /// The longest policy, in bytes (Kinesis developer guide, "Sharing access using resource-based policies").
    static let longestPolicy = 20 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        let (stream, consumer) = try await kinesis.resource(request)
        let policy = request.policy ?? ""
        try check(policy)
        try await kinesis.changeAttributes(of: stream) { attributes throws(AWSError) in
            guard let consumer else { return attributes.policy = policy }
            try attributes.change(consumer, or: kinesis.consumerNotFound(consumer.name)) { consumer throws(AWSError) in
                consumer.policy = policy
            }
        }
        return Nothing()
    }

    /// Only what can be obeyed is kept.
    private static func check(_ policy: String) throws(AWSError) {
        guard policy.utf8.count <= longestPolicy else {
            throw AWSError(.limitExceeded, "The resource policy is longer than \(longestPolicy) bytes.")
        }
        do throws(MalformedPolicy) {
            _ = try PolicyDocument(policy, .resource)
        } catch {
            throw AWSError(.invalidArgument, "Policy document is not valid: \(error)")
        }
    }
}
