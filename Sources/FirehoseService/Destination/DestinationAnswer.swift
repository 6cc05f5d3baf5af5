/// A delivery stream's destination as DescribeDeliveryStream tells it.

import AWSWire
import Delivery

extension WireWriter {
    /// The destination: S3's description always, the extended one when it was created with that.
    mutating func destination(_ definition: DeliveryStreamDefinition) {
        object { writer in
            writer.field("DestinationId", Firehose.destinationID)
            writer.object("S3DestinationDescription") { $0.s3Members(definition) }
            guard definition.destination.isExtended else { return }
            writer.object("ExtendedS3DestinationDescription") { writer in
                writer.s3Members(definition)
                writer.field("ProcessingConfiguration", definition.kept("ProcessingConfiguration"))
                writer.field("S3BackupMode", "Disabled")
                writer.field("DataFormatConversionConfiguration", definition.kept("DataFormatConversionConfiguration"))
                writer.field("DynamicPartitioningConfiguration", definition.kept("DynamicPartitioningConfiguration"))
                writer.field("FileExtension", definition.destination.fileExtension)
                writer.field("CustomTimeZone", definition.destination.timeZone)
            }
        }
    }

    private mutating func s3Members(_ definition: DeliveryStreamDefinition) {
        let destination = definition.destination
        field("RoleARN", destination.roleARN)
        field("BucketARN", destination.bucketARN)
        field("Prefix", destination.prefix)
        if !destination.errorOutputPrefix.isEmpty { field("ErrorOutputPrefix", destination.errorOutputPrefix) }
        object("BufferingHints") { writer in
            writer.field("SizeInMBs", destination.bufferMegabytes)
            writer.field("IntervalInSeconds", destination.bufferSeconds)
        }
        field("CompressionFormat", destination.compression.rawValue)
        object("EncryptionConfiguration") { $0.field("NoEncryptionConfig", "NoEncryption") }
        field("CloudWatchLoggingOptions", definition.kept("CloudWatchLoggingOptions") ?? ["Enabled": false])
    }
}

extension DeliveryStreamDefinition {
    /// A member of the request that is only given back.
    func kept(_ name: String) -> JSONValue? {
        guard let text = attributes[name] else { return nil }
        do throws(JSONError) { return try JSONValue(parsing: Array(text.utf8)) } catch { return nil }
    }
}
