/// The S3 destinations of a request: S3DestinationConfiguration and ExtendedS3DestinationConfiguration.

import AWSWire
import Delivery

/// Buffering limits; both or neither (Firehose API, BufferingHints).
struct BufferingHints: WireReadable {
    var megabytes: Int?
    var seconds: Int?

    init(_ fields: WireFields) throws(AWSError) {
        megabytes = try fields.integer("SizeInMBs")
        seconds = try fields.integer("IntervalInSeconds")
    }

    static let rules: [Rule<BufferingHints>] = [
        .member("sizeInMBs", \.megabytes, .atLeast(1), .atMost(128)),
        .member("intervalInSeconds", \.seconds, .atLeast(0), .atMost(900)),
    ]
}

/// Where and how objects are written. The extended form has more members; in the plain one they are ignored as unknown.
struct S3Configuration: WireReadable {
    var roleARN: String?
    var bucketARN: String?
    var prefix: String?
    var errorOutputPrefix: String?
    var bufferingHints: BufferingHints?
    var compressionFormat: String?
    var fileExtension: String?
    var customTimeZone: String?
    /// What must be given back, by member name.
    var kept: [String: JSONValue] = [:]
    /// Members that ask for what is not supported.
    var unsupported: [String] = []

    init(_ fields: WireFields) throws(AWSError) {
        roleARN = try fields.string("RoleARN")
        bucketARN = try fields.string("BucketARN")
        prefix = try fields.string("Prefix")
        errorOutputPrefix = try fields.string("ErrorOutputPrefix")
        bufferingHints = try fields.structure("BufferingHints")
        compressionFormat = try fields.string("CompressionFormat")
        fileExtension = try fields.string("FileExtension")
        customTimeZone = try fields.string("CustomTimeZone")
        kept["CloudWatchLoggingOptions"] = fields["CloudWatchLoggingOptions"].map { JSONValue($0) }
        if let encryption = fields["EncryptionConfiguration"] {
            let inner = try WireFields(encryption)
            if inner["KMSEncryptionConfig"] != nil { unsupported.append("EncryptionConfiguration.KMSEncryptionConfig") }
        }
        try readExtensions(fields)
    }

    private mutating func readExtensions(_ fields: WireFields) throws(AWSError) {
        if let processing = fields["ProcessingConfiguration"] {
            let inner = try WireFields(processing)
            if try inner.boolean("Enabled") ?? false { unsupported.append("ProcessingConfiguration") }
            kept["ProcessingConfiguration"] = JSONValue(processing)
        }
        if try fields.string("S3BackupMode") == "Enabled" { unsupported.append("S3BackupMode") }
        if fields["S3BackupConfiguration"] != nil { unsupported.append("S3BackupConfiguration") }
        if let conversion = fields["DataFormatConversionConfiguration"] {
            // It is enabled unless the request says otherwise.
            if try WireFields(conversion).boolean("Enabled") ?? true { unsupported.append("DataFormatConversionConfiguration") }
            kept["DataFormatConversionConfiguration"] = JSONValue(conversion)
        }
        if let partitioning = fields["DynamicPartitioningConfiguration"] {
            if try WireFields(partitioning).boolean("Enabled") ?? false { unsupported.append("DynamicPartitioningConfiguration") }
            kept["DynamicPartitioningConfiguration"] = JSONValue(partitioning)
        }
    }

    static let rules =
        [
            Rule<S3Configuration>.member("roleARN", \.roleARN, .notNull), .member("bucketARN", \.bucketARN, .notNull),
        ] + updateRules

    /// Of a change, in which what is left out stays.
    static let updateRules: [Rule<S3Configuration>] = [
        .member("roleARN", \.roleARN, .pattern(.roleARN), .minLength(1), .maxLength(512)),
        .member("bucketARN", \.bucketARN, .pattern(.bucketARN), .minLength(1), .maxLength(2048)),
        .member("prefix", \.prefix, .maxLength(1024)),
        .member("errorOutputPrefix", \.errorOutputPrefix, .maxLength(1024)),
        .structure("bufferingHints", \.bufferingHints, BufferingHints.rules),
        .member("compressionFormat", \.compressionFormat, .oneOf(compressionFormats)),
        .member("fileExtension", \.fileExtension, .pattern(.fileExtension), .maxLength(128)),
        .member("customTimeZone", \.customTimeZone, .pattern(.timeZone), .maxLength(50)),
    ]

    /// In the model's order, then Millrace's own.
    private static let compressionFormats = ["UNCOMPRESSED", "GZIP", "ZIP", "Snappy", "HADOOP_SNAPPY", "ZSTD", "LZ4"]

    /// - Parameter path: the member of the request, for messages.
    /// - Parameter old: what stays where the request says nothing; nil at a creation.
    func settings(
        _ path: String, isExtended: Bool, changing old: ObjectDestinationSettings? = nil
    ) throws(AWSError) -> ObjectDestinationSettings {
        if let field = unsupported.first { throw .notSupportedYet("\(path).\(field)") }
        if let hints = bufferingHints, (hints.megabytes == nil) != (hints.seconds == nil) {
            throw AWSError(
                .invalidArgument,
                "\(path).BufferingHints: SizeInMBs and IntervalInSeconds must both be specified or both be left out.")
        }
        let base = old ?? ObjectDestinationSettings(bucketARN: "", roleARN: "")
        let format = compressionFormat ?? base.compression.rawValue
        guard let compression = ObjectCompression(rawValue: format) else {
            throw .notSupportedYet("\(path).CompressionFormat \(format)")
        }
        return ObjectDestinationSettings(
            bucketARN: bucketARN ?? base.bucketARN, roleARN: roleARN ?? base.roleARN, prefix: prefix ?? base.prefix,
            errorOutputPrefix: errorOutputPrefix ?? base.errorOutputPrefix,
            bufferMegabytes: bufferingHints?.megabytes ?? base.bufferMegabytes,
            bufferSeconds: bufferingHints?.seconds ?? base.bufferSeconds, compression: compression,
            fileExtension: isExtended ? fileExtension ?? base.fileExtension : nil,
            timeZone: isExtended ? customTimeZone ?? base.timeZone : nil, isExtended: isExtended)
    }
}
