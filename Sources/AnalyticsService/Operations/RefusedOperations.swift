/// Operations of the API that cannot be done here yet: each is known and says why it is refused.

import AWSWire

/// An operation that is refused whatever it asks for.
protocol RefusedOperation: AWSOperation where Service == Analytics, Request == AnyRequest, Response == EmptyObject {
    /// Why, as a sentence.
    static var reason: String { get }
}

/// A request that is not looked at.
struct AnyRequest: WireReadable {
    init(_ fields: WireFields) throws(AWSError) {}
}

extension RefusedOperation {
    static var rules: [Rule<AnyRequest>] { [] }
    static func resources(_ request: AnyRequest, _ service: Analytics) -> [ResourceName] { [.all(of: "kinesisanalytics")] }
    static var errors: [AWSError.Name] { [.unsupportedOperation] }
    static var memoryBound: Int { Analytics.smallBound }

    static func run(_ request: AnyRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
        throw AWSError(.unsupportedOperation, "\(name) is not supported: \(reason)")
    }
}

private let lambda = "Lambda functions are not called here."
private let tagging = "tags are given with CreateApplication and stay as they are."

enum AddApplicationInputProcessingConfiguration: RefusedOperation { static let reason = lambda }
enum DeleteApplicationInputProcessingConfiguration: RefusedOperation { static let reason = lambda }
enum TagResource: RefusedOperation { static let reason = tagging }
enum UntagResource: RefusedOperation { static let reason = tagging }
