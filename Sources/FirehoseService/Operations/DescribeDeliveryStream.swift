/// DescribeDeliveryStream: what a delivery stream is (Firehose API, DescribeDeliveryStream).

import AWSWire
import Delivery

enum DescribeDeliveryStream: AWSOperation {
    struct Request: WireReadable, NamesDeliveryStream {
        var deliveryStreamName: String?
        var limit: Int?
        var exclusiveStartDestinationID: String?

        init(_ fields: WireFields) throws(AWSError) {
            deliveryStreamName = try fields.string("DeliveryStreamName")
            limit = try fields.integer("Limit")
            exclusiveStartDestinationID = try fields.string("ExclusiveStartDestinationId")
        }
    }

    struct Response: AWSResponse {
        var description: DeliveryStreamDescription
        var arn: String
        /// Whether the page holds the one destination.
        var showsDestination: Bool

        func write(to writer: inout WireWriter) {
            let definition = description.definition
            writer.object { writer in
                writer.object("DeliveryStreamDescription") { writer in
                    writer.field("DeliveryStreamName", definition.name)
                    writer.field("DeliveryStreamARN", arn)
                    writer.field("DeliveryStreamStatus", description.isDeleting ? "DELETING" : "ACTIVE")
                    if let trouble = description.trouble {
                        writer.object("FailureDescription") { writer in
                            writer.field("Type", "UNKNOWN_ERROR")
                            writer.field("Details", trouble)
                        }
                    }
                    writer.field(
                        "DeliveryStreamEncryptionConfiguration", definition.kept(Firehose.encryption) ?? ["Status": "DISABLED"])
                    writer.field("DeliveryStreamType", definition.typeName)
                    writer.field("VersionId", String(definition.version))
                    writer.field("CreateTimestamp", milliseconds: definition.createdMilliseconds)
                    if definition.updatedMilliseconds != definition.createdMilliseconds {
                        writer.field("LastUpdateTimestamp", milliseconds: definition.updatedMilliseconds)
                    }
                    writer.source(definition)
                    writer.list("Destinations", showsDestination ? [definition] : []) { $0.destination($1) }
                    writer.field("HasMoreDestinations", false)
                }
            }
        }
    }

    static let rules: [Rule<Request>] = [
        Request.nameRule,
        .member("limit", \.limit, .atLeast(1), .atMost(10_000)),
        .member("exclusiveStartDestinationId", \.exclusiveStartDestinationID, .minLength(1), .maxLength(100)),
    ]
    static let errors: [AWSError.Name] = [.resourceNotFound]
    static let memoryBound = 16 << 10

    static func run(_ request: Request, _ firehose: Firehose, _ call: AWSCall) async throws(AWSError) -> Response {
        let name = request.deliveryStreamName ?? ""
        let description: DeliveryStreamDescription
        do throws(DeliveryError) { description = try firehose.delivery.describe(name) } catch { throw firehose.awsError(error) }
        let start = request.exclusiveStartDestinationID ?? ""
        return Response(description: description, arn: firehose.arn(name), showsDestination: start < Firehose.destinationID)
    }
}

extension DeliveryStreamDefinition {
    /// As in DeliveryStreamType.
    var typeName: String {
        switch source {
        case .directPut: "DirectPut"
        case .stream: "KinesisStreamAsSource"
        }
    }
}

extension WireWriter {
    fileprivate mutating func source(_ definition: DeliveryStreamDefinition) {
        switch definition.source {
        case .directPut:
            guard let configuration = definition.kept("DirectPutSourceConfiguration") else { return }
            object("Source") { $0.field("DirectPutSourceDescription", configuration) }
        case .stream(let arn, let roleARN):
            object("Source") { writer in
                writer.object("KinesisStreamSourceDescription") { writer in
                    writer.field("KinesisStreamARN", arn)
                    writer.field("RoleARN", roleARN)
                    writer.field("DeliveryStartTimestamp", milliseconds: definition.createdMilliseconds)
                }
            }
        }
    }
}
