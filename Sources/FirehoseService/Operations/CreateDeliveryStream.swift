/// CreateDeliveryStream: makes a delivery stream, which is active at once (Firehose API, CreateDeliveryStream).

import AWSWire
import Delivery

enum CreateDeliveryStream: AWSOperation {
    struct KinesisSource: WireReadable {
        var streamARN: String?
        var roleARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            streamARN = try fields.string("KinesisStreamARN")
            roleARN = try fields.string("RoleARN")
        }

        static let rules: [Rule<KinesisSource>] = [
            .member("kinesisStreamARN", \.streamARN, .notNull, .pattern(.kinesisStreamARN), .minLength(1), .maxLength(512)),
            .member("roleARN", \.roleARN, .notNull, .pattern(.roleARN), .minLength(1), .maxLength(512)),
        ]
    }

    struct Tag: WireReadable {
        var key: String?
        var value: String?

        init(_ fields: WireFields) throws(AWSError) {
            key = try fields.string("Key")
            value = try fields.string("Value")
        }

        static let rules: [Rule<Tag>] = [
            .member("key", \.key, .notNull, .minLength(1), .maxLength(128)),
            .member("value", \.value, .maxLength(256)),
        ]
    }

    struct Request: WireReadable, NamesDeliveryStream {
        var deliveryStreamName: String?
        var type: String?
        var kinesisSource: KinesisSource?
        var s3: S3Configuration?
        var extendedS3: S3Configuration?
        var tags: [Tag]?
        var directPutSource: JSONValue?
        var unsupported: [String] = []

        init(_ fields: WireFields) throws(AWSError) {
            deliveryStreamName = try fields.string("DeliveryStreamName")
            type = try fields.string("DeliveryStreamType")
            kinesisSource = try fields.structure("KinesisStreamSourceConfiguration")
            s3 = try fields.structure("S3DestinationConfiguration")
            extendedS3 = try fields.structure("ExtendedS3DestinationConfiguration")
            tags = try fields.list("Tags", of: Tag.self)
            directPutSource = fields["DirectPutSourceConfiguration"].map { JSONValue($0) }
            for name in Self.notSupported where fields[name] != nil { unsupported.append("\(name)") }
        }

        private static let notSupported: [StaticString] = [
            "RedshiftDestinationConfiguration", "ElasticsearchDestinationConfiguration",
            "AmazonopensearchserviceDestinationConfiguration",
            "AmazonOpenSearchServerlessDestinationConfiguration", "SplunkDestinationConfiguration",
            "HttpEndpointDestinationConfiguration",
            "SnowflakeDestinationConfiguration", "IcebergDestinationConfiguration", "MSKSourceConfiguration",
            "DatabaseSourceConfiguration",
            "DeliveryStreamEncryptionConfigurationInput",
        ]
    }

    struct Response: AWSResponse {
        var arn: String
        func write(to writer: inout WireWriter) { writer.object { $0.field("DeliveryStreamARN", arn) } }
    }

    static let types = ["DirectPut", "KinesisStreamAsSource", "MSKAsSource", "DatabaseAsSource"]

    static let rules: [Rule<Request>] = [
        Request.nameRule,
        .member("deliveryStreamType", \.type, .oneOf(types)),
        .structure("kinesisStreamSourceConfiguration", \.kinesisSource, KinesisSource.rules),
        .structure("s3DestinationConfiguration", \.s3, S3Configuration.rules),
        .structure("extendedS3DestinationConfiguration", \.extendedS3, S3Configuration.rules),
        Rule { request, violations in
            guard let count = request.tags?.count, !(1...50).contains(count) else { return }
            let bound = count == 0 ? "greater than or equal to 1" : "less than or equal to 50"
            violations.add("tags", "'[\(count) tags]'", "Member must have length \(bound)")
        },
        .each("tags", \.tags, Tag.rules),
    ]
    static let errors: [AWSError.Name] = [.invalidArgument, .limitExceeded, .resourceInUse, .serviceUnavailable]
    static let memoryBound = 256 << 10

    /// What the stream's records are copied out of asks for what reading them asks for.
    static func resources(_ request: Request, _ firehose: Firehose) -> [ResourceName] {
        let source = request.kinesisSource?.streamARN.flatMap { ARN($0) }.map {
            ResourceName(service: $0.service, resource: $0.resource, operation: "GetRecords")
        }
        return [ResourceName(service: "firehose", resource: "deliverystream/\(request.deliveryStreamName ?? "")")]
            + [source].compactMap { $0 }
    }

    static func run(_ request: Request, _ firehose: Firehose, _ call: AWSCall) async throws(AWSError) -> Response {
        let name = request.deliveryStreamName ?? ""
        if let field = request.unsupported.first { throw .notSupportedYet(field) }
        let source = try source(request)
        let (settings, kept) = try destination(request)
        var definition = DeliveryStreamDefinition(
            name: name, source: source, createdMilliseconds: firehose.now, destination: settings)
        definition.attributes = kept.mapValues { String(decoding: $0.serialized, as: UTF8.self) }
        if let limit = firehose.settings.deliveryStreamLimit {
            let names = firehose.delivery.list().map(\.name)
            // A name that is taken is the better reason.
            guard names.count < limit || names.contains(name) else {
                throw AWSError(.limitExceeded, "You have already consumed your firehose quota of \(limit) hoses.")
            }
        }
        do throws(DeliveryError) { try await firehose.delivery.create(definition) } catch { throw firehose.awsError(error) }
        return Response(arn: firehose.arn(name))
    }

    private static func source(_ request: Request) throws(AWSError) -> DeliverySource {
        switch request.type ?? "DirectPut" {
        case "DirectPut":
            guard request.kinesisSource == nil else {
                throw AWSError(
                    .invalidArgument,
                    "KinesisStreamSourceConfiguration is only applicable when DeliveryStreamType is KinesisStreamAsSource.")
            }
            return .directPut
        case "KinesisStreamAsSource":
            guard let source = request.kinesisSource, let arn = source.streamARN, let role = source.roleARN else {
                throw AWSError(
                    .invalidArgument,
                    "KinesisStreamSourceConfiguration is required when DeliveryStreamType is KinesisStreamAsSource.")
            }
            guard request.directPutSource == nil else {
                throw AWSError(
                    .invalidArgument, "DirectPutSourceConfiguration is only applicable when DeliveryStreamType is DirectPut.")
            }
            return .stream(arn: arn, roleARN: role)
        case let type: throw .notSupportedYet("DeliveryStreamType \(type)")
        }
    }

    private static func destination(
        _ request: Request
    ) throws(AWSError) -> (settings: ObjectDestinationSettings, kept: [String: JSONValue]) {
        let settings: ObjectDestinationSettings
        var kept: [String: JSONValue]
        switch (request.s3, request.extendedS3) {
        case (let s3?, nil):
            settings = try s3.settings("S3DestinationConfiguration", isExtended: false)
            kept = s3.kept
        case (nil, let s3?):
            settings = try s3.settings("ExtendedS3DestinationConfiguration", isExtended: true)
            kept = s3.kept
        default: throw AWSError(.invalidArgument, "Exactly one destination configuration is supported for a Firehose.")
        }
        kept["DirectPutSourceConfiguration"] = request.directPutSource
        if let tags = request.tags {
            kept["Tags"] = .array(
                tags.map { tag in
                    var object = JSONObject([.init(name: "Key", value: .string(tag.key ?? ""))])
                    object["Value"] = tag.value.map { .string($0) }
                    return .object(object)
                })
        }
        return (settings, kept)
    }
}
