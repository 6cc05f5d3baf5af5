/// Writes inputs, outputs and log options as both versions of the API describe them.

import AWSWire
import StreamEngine
import StreamSQL

extension WireWriter {
    /// InputDescriptions.
    mutating func inputDescriptions(_ definition: ApplicationDefinition, _ version: APIVersion) {
        list("InputDescriptions", definition.inputs) { writer, input in
            writer.object { writer in
                writer.field("InputId", input.id)
                writer.field("NamePrefix", input.namePrefix)
                writer.list("InAppStreamNames", input.streamNames)
                writer.processing(input.processing, definition, version)
                let role = definition.role(input.roleARN, version)
                switch input.source {
                case .stream(let arn): writer.object("KinesisStreamsInputDescription") { $0.resource(arn, role) }
                case .deliveryStream(let arn): writer.object("KinesisFirehoseInputDescription") { $0.resource(arn, role) }
                }
                writer.inputSchema(input.schema)
                writer.object("InputParallelism") { $0.field("Count", input.parallelism) }
                writer.object("InputStartingPositionConfiguration") {
                    $0.field("InputStartingPosition", input.startingPosition?.rawValue)
                }
            }
        }
    }

    /// InputProcessingConfigurationDescription.
    mutating func processing(_ processing: InputProcessing?, _ definition: ApplicationDefinition, _ version: APIVersion) {
        guard let processing else { return }
        object("InputProcessingConfigurationDescription") { writer in
            writer.object("InputLambdaProcessorDescription") {
                $0.resource(processing.functionARN, definition.role(processing.roleARN, version))
            }
        }
    }

    /// OutputDescriptions.
    mutating func outputDescriptions(_ definition: ApplicationDefinition, _ version: APIVersion) {
        list("OutputDescriptions", definition.outputs) { writer, output in
            writer.object { writer in
                writer.field("OutputId", output.id)
                writer.field("Name", output.name)
                let role = definition.role(output.roleARN, version)
                switch output.destination {
                case .stream(let arn): writer.object("KinesisStreamsOutputDescription") { $0.resource(arn, role) }
                case .deliveryStream(let arn): writer.object("KinesisFirehoseOutputDescription") { $0.resource(arn, role) }
                }
                writer.object("DestinationSchema") { $0.field("RecordFormatType", output.format.rawValue) }
            }
        }
    }

    /// ReferenceDataSourceDescriptions.
    mutating func referenceDescriptions(_ definition: ApplicationDefinition, _ version: APIVersion) {
        list("ReferenceDataSourceDescriptions", definition.references) { writer, reference in
            writer.object { writer in
                writer.field("ReferenceId", reference.id)
                writer.field("TableName", reference.tableName)
                writer.object("S3ReferenceDataSourceDescription") { writer in
                    writer.field("BucketARN", reference.bucketARN)
                    writer.field("FileKey", reference.fileKey)
                    writer.field("ReferenceRoleARN", definition.role(reference.roleARN, version))
                }
                writer.schema("ReferenceSchema", reference.schema)
            }
        }
    }

    /// CloudWatchLoggingOptionDescriptions.
    mutating func loggingOptionDescriptions(_ definition: ApplicationDefinition, _ version: APIVersion) {
        list("CloudWatchLoggingOptionDescriptions", definition.loggingOptions) { writer, option in
            writer.object { writer in
                writer.field("CloudWatchLoggingOptionId", option.id)
                writer.field("LogStreamARN", option.logStreamARN)
                writer.field("RoleARN", definition.role(option.roleARN, version))
            }
        }
    }

    private mutating func resource(_ arn: String, _ role: String?) {
        field("ResourceARN", arn)
        field("RoleARN", role)
    }

    /// InputSchema.
    mutating func inputSchema(_ schema: InputSchema) { self.schema("InputSchema", schema) }

    private mutating func schema(_ field: StaticString, _ schema: InputSchema) {
        object(field) { writer in
            writer.object("RecordFormat") { writer in
                writer.field("RecordFormatType", schema.recordFormat.recordFormatType)
                guard let parameters = schema.recordFormat.mappingParameters else { return }
                writer.object("MappingParameters") { writer in
                    if let json = parameters.json {
                        writer.object("JSONMappingParameters") { $0.field("RecordRowPath", json.recordRowPath) }
                    }
                    if let csv = parameters.csv {
                        writer.object("CSVMappingParameters") { writer in
                            writer.field("RecordRowDelimiter", csv.recordRowDelimiter)
                            writer.field("RecordColumnDelimiter", csv.recordColumnDelimiter)
                        }
                    }
                }
            }
            writer.field("RecordEncoding", schema.recordEncoding)
            writer.list("RecordColumns", schema.recordColumns) { writer, column in
                writer.object { writer in
                    writer.field("Name", column.name)
                    writer.field("Mapping", column.mapping)
                    writer.field("SqlType", column.sqlType)
                }
            }
        }
    }
}

extension ApplicationDefinition {
    /// The role that an item shows. Version 1 knows roles of items only; an application made by version 2 shows its one role there.
    fileprivate func role(_ own: String?, _ version: APIVersion) -> String? {
        switch version {
        case .v1: own ?? serviceExecutionRole
        case .v2: own
        }
    }
}
