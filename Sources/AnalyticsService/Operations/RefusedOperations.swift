/// Operations of version 2 that have nothing to work on here: each is known and says why it is refused.

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

private let network = "SQL applications are in no VPC; the service refuses it for them too."

extension V2 {
    enum AddApplicationVpcConfiguration: RefusedOperation { static let reason = network }
    enum DeleteApplicationVpcConfiguration: RefusedOperation { static let reason = network }
    enum CreateApplicationPresignedUrl: RefusedOperation {
        static let reason = "its URL leads to the Flink dashboard or a Zeppelin notebook; SQL applications have neither."
    }
    enum UpdateApplicationMaintenanceConfiguration: RefusedOperation {
        static let reason = "nothing here is maintained by anybody else, so there is no window for it."
    }
}
