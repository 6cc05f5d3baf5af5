/// UpdateDestination: how objects are cut, named and written from the next one on (Firehose API, UpdateDestination).

import AWSWire
import Delivery

enum UpdateDestination: AWSOperation {
    struct Request: WireReadable, NamesDeliveryStream {
        var deliveryStreamName: String?
        var version: String?
        var destinationID: String?
        var s3: S3Configuration?
        var extendedS3: S3Configuration?
        var unsupported: [String] = []

        init(_ fields: WireFields) throws(AWSError) {
            deliveryStreamName = try fields.string("DeliveryStreamName")
            version = try fields.string("CurrentDeliveryStreamVersionId")
            destinationID = try fields.string("DestinationId")
            s3 = try fields.structure("S3DestinationUpdate")
            extendedS3 = try fields.structure("ExtendedS3DestinationUpdate")
            for name in Self.notSupported where fields[name] != nil { unsupported.append("\(name)") }
        }

        private static let notSupported: [StaticString] = [
            "RedshiftDestinationUpdate", "ElasticsearchDestinationUpdate", "AmazonopensearchserviceDestinationUpdate",
            "SplunkDestinationUpdate", "HttpEndpointDestinationUpdate", "AmazonOpenSearchServerlessDestinationUpdate",
            "SnowflakeDestinationUpdate", "IcebergDestinationUpdate",
        ]
    }

    private static let digits = Pattern("[0-9]+") { text in
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    static let rules: [Rule<Request>] = [
        Request.nameRule,
        .member(
            "currentDeliveryStreamVersionId", \.version, .notNull, .pattern(digits),
            .minLength(1), .maxLength(50)),
        .member("destinationId", \.destinationID, .notNull, .pattern(.name), .minLength(1), .maxLength(100)),
        .structure("s3DestinationUpdate", \.s3, S3Configuration.updateRules),
        .structure("extendedS3DestinationUpdate", \.extendedS3, S3Configuration.updateRules),
    ]
    static let errors: [AWSError.Name] = [
        .resourceNotFound, .resourceInUse, .invalidArgument, .concurrentModification, .serviceUnavailable,
    ]
    static let memoryBound = 256 << 10

    static func run(_ request: Request, _ firehose: Firehose, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
        let name = request.deliveryStreamName ?? ""
        if let field = request.unsupported.first { throw .notSupportedYet(field) }
        let definition = try firehose.definition(name)
        guard request.destinationID == Firehose.destinationID else {
            throw AWSError(
                .invalidArgument, "Destination Id \(request.destinationID ?? "") not found in firehose \(name).")
        }
        let settings: ObjectDestinationSettings
        let kept: [String: JSONValue]
        switch (request.s3, request.extendedS3) {
        case (let s3?, nil):
            settings = try s3.settings(
                "S3DestinationUpdate", isExtended: definition.destination.isExtended, changing: definition.destination)
            kept = s3.kept
        case (nil, let s3?):
            settings = try s3.settings("ExtendedS3DestinationUpdate", isExtended: true, changing: definition.destination)
            kept = s3.kept
        default: throw AWSError(.invalidArgument, "Exactly one destination update is supported for a Firehose.")
        }
        // A number that is too long to be one is no version that there ever was.
        let version = Int64(request.version ?? "") ?? -1
        try await firehose.change(name, version: version) { definition in
            definition.destination = settings
            for (name, value) in kept { definition.attributes[name] = String(decoding: value.serialized, as: UTF8.self) }
        }
        return EmptyObject()
    }
}
