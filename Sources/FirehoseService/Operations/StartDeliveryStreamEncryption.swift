/// StartDeliveryStreamEncryption: what is asked for is kept and told; the records are encrypted where the disk is (Firehose API,
/// StartDeliveryStreamEncryption).

import AWSWire
import Delivery

enum StartDeliveryStreamEncryption: AWSOperation {
    struct Configuration: WireReadable {
        var keyType: String?
        var keyARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            keyType = try fields.string("KeyType")
            keyARN = try fields.string("KeyARN")
        }

        static let rules: [Rule<Configuration>] = [
            .member("keyARN", \.keyARN, .minLength(1), .maxLength(512)),
            .member("keyType", \.keyType, .notNull, .oneOf(["AWS_OWNED_CMK", "CUSTOMER_MANAGED_CMK"])),
        ]
    }

    struct Request: WireReadable, NamesDeliveryStream {
        var deliveryStreamName: String?
        var configuration: Configuration?

        init(_ fields: WireFields) throws(AWSError) {
            deliveryStreamName = try fields.string("DeliveryStreamName")
            configuration = try fields.structure("DeliveryStreamEncryptionConfigurationInput")
        }
    }

    static let rules: [Rule<Request>] = [
        Request.nameRule,
        .structure("deliveryStreamEncryptionConfigurationInput", \.configuration, Configuration.rules),
    ]
    static let errors: [AWSError.Name] = [
        .resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded, .invalidKMSResource, .serviceUnavailable,
    ]
    static let memoryBound = 16 << 10

    static func run(_ request: Request, _ firehose: Firehose, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
        let name = request.deliveryStreamName ?? ""
        let keyType = request.configuration?.keyType ?? "AWS_OWNED_CMK"
        let keyARN = request.configuration?.keyARN
        guard (keyType == "CUSTOMER_MANAGED_CMK") == (keyARN != nil) else {
            throw AWSError(
                .invalidArgument, "KeyARN is required for KeyType CUSTOMER_MANAGED_CMK and is not allowed for AWS_OWNED_CMK.")
        }
        try firehose.checkTakesPuts(name)
        var kept = JSONObject([.init(name: "Status", value: "ENABLED"), .init(name: "KeyType", value: .string(keyType))])
        kept["KeyARN"] = keyARN.map { .string($0) }
        let text = String(decoding: JSONValue.object(kept).serialized, as: UTF8.self)
        try await firehose.change(name) { $0.attributes[Firehose.encryption] = text }
        return EmptyObject()
    }
}

extension Firehose {
    /// Under which name of `DeliveryStreamDefinition.attributes` it is kept what was asked for.
    static let encryption = "DeliveryStreamEncryptionConfiguration"

    /// Encryption is a matter of the delivery streams that have records of their own.
    func checkTakesPuts(_ name: String) throws(AWSError) {
        guard try definition(name).source == .directPut else { throw awsError(.notDirectPut(name)) }
    }
}
