/// Output and OutputUpdate: a destination of rows, as requests give it.

import AWSWire
import StreamEngine

/// Output.
struct OutputRequest: WireReadable {
    var name: String?
    var stream: ResourceRequest?
    var deliveryStream: ResourceRequest?
    /// Whether there is a LambdaOutput.
    var isLambda: Bool
    var schema: DestinationSchemaRequest?

    init(_ fields: WireFields) throws(AWSError) {
        name = try fields.string("Name")
        stream = try fields.structure("KinesisStreamsOutput")
        deliveryStream = try fields.structure("KinesisFirehoseOutput")
        isLambda = fields["LambdaOutput"] != nil
        schema = try fields.structure("DestinationSchema")
    }

    static func rules(_ version: APIVersion) -> [Rule<OutputRequest>] {
        [
            .inApplicationName("name", \.name, version, isRequired: true),
            .structure("kinesisStreamsOutput", \.stream, ResourceRequest.rules(version)),
            .structure("kinesisFirehoseOutput", \.deliveryStream, ResourceRequest.rules(version)),
            .present("destinationSchema", \.schema), .structure("destinationSchema", \.schema, DestinationSchemaRequest.rules),
        ]
    }
}

/// DestinationSchema.
struct DestinationSchemaRequest: WireReadable {
    var type: String?
    init(_ fields: WireFields) throws(AWSError) { type = try fields.string("RecordFormatType") }

    static let rules: [Rule<DestinationSchemaRequest>] = [
        .member("recordFormatType", \.type, .notNull, .oneOf(["JSON", "CSV"]))
    ]

    /// The format; the rules have seen to it that there is one.
    var format: OutputFormat { type.flatMap(OutputFormat.init) ?? .json }
}

/// OutputUpdate.
struct OutputUpdate: WireReadable {
    var id: String?
    var name: String?
    var stream: ResourceUpdate?
    var deliveryStream: ResourceUpdate?
    /// Whether there is a LambdaOutputUpdate.
    var isLambda: Bool
    var schema: DestinationSchemaRequest?

    init(_ fields: WireFields) throws(AWSError) {
        id = try fields.string("OutputId")
        name = try fields.string("NameUpdate")
        stream = try fields.structure("KinesisStreamsOutputUpdate")
        deliveryStream = try fields.structure("KinesisFirehoseOutputUpdate")
        isLambda = fields["LambdaOutputUpdate"] != nil
        schema = try fields.structure("DestinationSchemaUpdate")
    }

    static func rules(_ version: APIVersion) -> [Rule<OutputUpdate>] {
        [
            .itemID("outputId", \.id),
            .inApplicationName("nameUpdate", \.name, version, isRequired: false),
            .structure("kinesisStreamsOutputUpdate", \.stream, ResourceUpdate.rules(version)),
            .structure("kinesisFirehoseOutputUpdate", \.deliveryStream, ResourceUpdate.rules(version)),
            .structure("destinationSchemaUpdate", \.schema, DestinationSchemaRequest.rules),
        ]
    }

    /// - Parameter field: where the update stands in the request.
    func apply(to output: inout ApplicationOutput, at field: String) throws(InvalidArgument) {
        if isLambda { throw .lambda("\(field).LambdaOutputUpdate") }
        if stream != nil, deliveryStream != nil {
            throw InvalidArgument("\(field) has both KinesisStreamsOutputUpdate and KinesisFirehoseOutputUpdate: give one of them.")
        }
        if let name { output.name = name }
        if let stream {
            try stream.apply(
                to: &output.destination, role: &output.roleARN, at: field + ".KinesisStreamsOutputUpdate", isOfKind: \.isStream,
                make: StreamTarget.stream(_:at:))
        }
        if let deliveryStream {
            try deliveryStream.apply(
                to: &output.destination, role: &output.roleARN, at: field + ".KinesisFirehoseOutputUpdate",
                isOfKind: { !$0.isStream }, make: StreamTarget.deliveryStream(_:at:))
        }
        if let schema { output.format = schema.format }
    }
}
