/// Input and InputUpdate: a source of rows, as requests give it.

import AWSWire
import StreamEngine

/// Input.
struct InputRequest: WireReadable {
    var namePrefix: String?
    var processing: ProcessingRequest?
    var stream: ResourceRequest?
    var deliveryStream: ResourceRequest?
    var parallelism: ParallelismRequest?
    var schema: SchemaRequest?

    init(_ fields: WireFields) throws(AWSError) {
        namePrefix = try fields.string("NamePrefix")
        processing = try fields.structure("InputProcessingConfiguration")
        stream = try fields.structure("KinesisStreamsInput")
        deliveryStream = try fields.structure("KinesisFirehoseInput")
        parallelism = try fields.structure("InputParallelism")
        schema = try fields.structure("InputSchema")
    }

    static func rules(_ version: APIVersion) -> [Rule<InputRequest>] {
        [
            .inApplicationName("namePrefix", \.namePrefix, version, isRequired: true),
            .structure("inputProcessingConfiguration", \.processing, ProcessingRequest.rules(version)),
            .structure("kinesisStreamsInput", \.stream, ResourceRequest.rules(version)),
            .structure("kinesisFirehoseInput", \.deliveryStream, ResourceRequest.rules(version)),
            .structure("inputParallelism", \.parallelism, [.member("count", \.count, .atLeast(1), .atMost(64))]),
            .present("inputSchema", \.schema), .structure("inputSchema", \.schema, SchemaRequest.rules(version)),
        ]
    }
}

/// InputParallelism.
struct ParallelismRequest: WireReadable {
    var count: Int?
    init(_ fields: WireFields) throws(AWSError) { count = try fields.integer("Count") }
}

/// InputUpdate.
struct InputUpdate: WireReadable {
    var id: String?
    var namePrefix: String?
    var processing: ProcessingUpdate?
    var stream: ResourceUpdate?
    var deliveryStream: ResourceUpdate?
    var schema: SchemaUpdate?
    var parallelism: ParallelismUpdate?

    init(_ fields: WireFields) throws(AWSError) {
        id = try fields.string("InputId")
        namePrefix = try fields.string("NamePrefixUpdate")
        processing = try fields.structure("InputProcessingConfigurationUpdate")
        stream = try fields.structure("KinesisStreamsInputUpdate")
        deliveryStream = try fields.structure("KinesisFirehoseInputUpdate")
        schema = try fields.structure("InputSchemaUpdate")
        parallelism = try fields.structure("InputParallelismUpdate")
    }

    static func rules(_ version: APIVersion) -> [Rule<InputUpdate>] {
        [
            .itemID("inputId", \.id),
            .inApplicationName("namePrefixUpdate", \.namePrefix, version, isRequired: false),
            .structure("inputProcessingConfigurationUpdate", \.processing, ProcessingUpdate.rules(version)),
            .structure("kinesisStreamsInputUpdate", \.stream, ResourceUpdate.rules(version)),
            .structure("kinesisFirehoseInputUpdate", \.deliveryStream, ResourceUpdate.rules(version)),
            .structure("inputSchemaUpdate", \.schema, SchemaUpdate.rules(version)),
            .structure(
                "inputParallelismUpdate", \.parallelism,
                [
                    Rule { update, violations in
                        violations.check(
                            "countUpdate", update.count, (version == .v2 ? [.notNull] : []) + [.atLeast(1), .atMost(64)])
                    }
                ]),
        ]
    }

    /// - Parameter field: where the update stands in the request.
    func apply(to input: inout ApplicationInput, at field: String) throws(InvalidArgument) {
        try processing?.apply(to: &input.processing, at: field + ".InputProcessingConfigurationUpdate")
        if stream != nil, deliveryStream != nil {
            throw InvalidArgument("\(field) has both KinesisStreamsInputUpdate and KinesisFirehoseInputUpdate: give one of them.")
        }
        if let namePrefix { input.namePrefix = namePrefix }
        if let stream {
            try stream.apply(
                to: &input.source, role: &input.roleARN, at: field + ".KinesisStreamsInputUpdate", isOfKind: \.isStream,
                make: StreamTarget.stream(_:at:))
        }
        if let deliveryStream {
            try deliveryStream.apply(
                to: &input.source, role: &input.roleARN, at: field + ".KinesisFirehoseInputUpdate", isOfKind: { !$0.isStream },
                make: StreamTarget.deliveryStream(_:at:))
        }
        schema?.apply(to: &input.schema)
        if let count = parallelism?.count { input.parallelism = count }
    }
}

/// InputParallelismUpdate.
struct ParallelismUpdate: WireReadable {
    var count: Int?
    init(_ fields: WireFields) throws(AWSError) { count = try fields.integer("CountUpdate") }
}

extension StreamTarget {
    var isStream: Bool { if case .stream = self { true } else { false } }
}

extension InvalidArgument {
    /// The refusal of what would call a Lambda function.
    static func lambda(_ field: String) -> InvalidArgument {
        InvalidArgument("\(field) is not supported: Lambda functions are not called here. Leave it out.")
    }
}
