/// What a delivery stream is, as it is kept in the store's definitions.

public import StreamStore

/// A delivery stream: where its records come from and how they become objects (Firehose API, DeliveryStreamDescription).
public struct DeliveryStreamDefinition: Codable, Sendable {
    public var name: String
    public var source: DeliverySource
    public var createdMilliseconds: Int64
    public var updatedMilliseconds: Int64
    /// From 1, one more with each change of the destination; part of every object's name.
    public var version: Int64
    public var destination: ObjectDestinationSettings
    /// What the API must give back but delivery does not use (role, log options, tags): API field name to JSON text.
    public var attributes: [String: String]
    /// Its deletion has begun and will be finished, at the next start if not before; nil is no.
    package var isDeleting: Bool?

    public init(name: String, source: DeliverySource, createdMilliseconds: Int64, destination: ObjectDestinationSettings) {
        self.name = name
        self.source = source
        self.createdMilliseconds = createdMilliseconds
        updatedMilliseconds = createdMilliseconds
        version = 1
        self.destination = destination
        attributes = [:]
    }

    /// The stream in the store that holds the records.
    public var streamKey: StreamKey {
        switch source {
        case .directPut: StreamKey(name, in: .delivery)
        case .stream(let arn, _): StreamKey(arn.split(separator: "/").last.map(String.init) ?? arn)
        }
    }
}

/// Where a delivery stream's records come from (Firehose API, DeliveryStreamType).
public enum DeliverySource: Codable, Sendable, Hashable {
    /// Put to the delivery stream itself; they wait in its hidden stream.
    case directPut
    /// Read in place from a stream, from what arrives after the delivery stream was created.
    case stream(arn: String, roleARN: String)
}

/// How objects are cut, named and written (Firehose API, ExtendedS3DestinationConfiguration).
public struct ObjectDestinationSettings: Codable, Sendable, Hashable {
    public var bucketARN: String
    public var roleARN: String
    public var prefix: String
    public var errorOutputPrefix: String
    /// Raw bytes after which an object is cut, 1...128 MiB.
    public var bufferMegabytes: Int
    /// Seconds after which an object is cut, 0...900, counted from its oldest record's arrival.
    public var bufferSeconds: Int
    public var compression: ObjectCompression
    /// Replaces the compression's own extension when given, such as `.json.gz`.
    public var fileExtension: String?
    /// Of the timestamps in prefixes, such as `Asia/Tokyo`; nil is UTC.
    public var timeZone: String?
    /// Whether the API call was made with the extended configuration; only decides what is described.
    public var isExtended: Bool

    public init(
        bucketARN: String, roleARN: String, prefix: String = "", errorOutputPrefix: String = "", bufferMegabytes: Int = 5,
        bufferSeconds: Int = 300, compression: ObjectCompression = .uncompressed, fileExtension: String? = nil,
        timeZone: String? = nil,
        isExtended: Bool = true
    ) {
        self.bucketARN = bucketARN
        self.roleARN = roleARN
        self.prefix = prefix
        self.errorOutputPrefix = errorOutputPrefix
        self.bufferMegabytes = bufferMegabytes
        self.bufferSeconds = bufferSeconds
        self.compression = compression
        self.fileExtension = fileExtension
        self.timeZone = timeZone
        self.isExtended = isExtended
    }

    /// What object names end with.
    public var objectSuffix: String { fileExtension.flatMap { $0.isEmpty ? nil : $0 } ?? compression.fileExtension }

    /// The bucket's name: what follows `arn:aws:s3:::`.
    public var bucket: String { bucketARN.split(separator: ":").last.map(String.init) ?? bucketARN }
}

/// How an object is compressed (Firehose API, CompressionFormat; ZSTD and LZ4 are Millrace's own, both in their frame formats).
public enum ObjectCompression: String, Codable, Sendable, CaseIterable {
    case uncompressed = "UNCOMPRESSED"
    case gzip = "GZIP"
    /// A ZIP archive of one entry.
    case zip = "ZIP"
    /// The stream of snappy-java.
    case snappy = "Snappy"
    case hadoopSnappy = "HADOOP_SNAPPY"
    case zstd = "ZSTD"
    case lz4 = "LZ4"

    /// What object names end with.
    public var fileExtension: String {
        switch self {
        case .uncompressed: ""
        case .gzip: ".gz"
        case .zip: ".zip"
        // Both: what the service writes, whatever its guide says of Hadoop's.
        case .snappy, .hadoopSnappy: ".snappy"
        case .zstd: ".zst"
        case .lz4: ".lz4"
        }
    }
}
