/// What a streaming application is, as it is kept in the store's definitions.

public import StreamSQL
public import StreamStore

/// A streaming application: its code, where its rows come from and where they go (Kinesis Analytics API, ApplicationDetail).
public struct ApplicationDefinition: Codable, Sendable {
    public var name: String
    public var description: String
    public var createdMilliseconds: Int64
    public var updatedMilliseconds: Int64
    /// Rises by one with each change of the configuration, from 1.
    public var version: Int64
    public var code: String
    public var inputs: [ApplicationInput]
    public var outputs: [ApplicationOutput]
    /// Nil where there are none, as builds before there were any wrote it.
    private var referenceTables: [ApplicationReference]?
    /// Reference tables, loaded from objects of buckets.
    public var references: [ApplicationReference] {
        get { referenceTables ?? [] }
        set { referenceTables = newValue.isEmpty ? nil : newValue }
    }
    /// Whether it should run; what a restarted node goes by.
    public var isStarted: Bool
    /// Why it was stopped without being asked to; nil when it was asked, or runs.
    public var stopReason: String?
    /// The state that the last update of the running application let go of, in words; nil when it kept all.
    public var lostState: String?
    /// What operators of the last update of the running application went on with their state, in words; nil where there was no such update.
    public var keptState: String?
    /// Nil where there are none.
    private var namedSnapshots: [ApplicationSnapshot]?
    /// Snapshots by name, in the order in which they were taken.
    public var snapshots: [ApplicationSnapshot] {
        get { namedSnapshots ?? [] }
        set { namedSnapshots = newValue.isEmpty ? nil : newValue }
    }
    /// The snapshot that the last start began with; nil where it began with none.
    public var restoredSnapshot: String?
    /// What was done to it lately.
    public var history: ApplicationHistory?
    /// How often it was started: tells whether the state in its hidden stream is of this start.
    public var startNumber: Int64
    /// The number that the next input or output is given an id from, such as `2.1`.
    public var nextItemNumber: Int64
    /// What the API must give back but the engine does not use (log options, tags, role): API field name to JSON text.
    public var attributes: [String: String]

    public init(name: String, description: String = "", code: String, createdMilliseconds: Int64) {
        self.name = name
        self.description = description
        self.code = code
        self.createdMilliseconds = createdMilliseconds
        updatedMilliseconds = createdMilliseconds
        version = 1
        inputs = []
        outputs = []
        isStarted = false
        startNumber = 0
        nextItemNumber = 1
        attributes = [:]
    }

    /// The next id for an input or output, `<number>.1`.
    public mutating func takeItemID() -> String {
        defer { nextItemNumber += 1 }
        return "\(nextItemNumber).1"
    }
}

/// A stream or a delivery stream, named by ARN as the API gives it.
public enum StreamTarget: Codable, Sendable, Hashable {
    case stream(arn: String)
    case deliveryStream(arn: String)

    public var arn: String {
        switch self {
        case .stream(let arn), .deliveryStream(let arn): arn
        }
    }
    /// The part after the last `/` of the ARN.
    public var name: String { arn.split(separator: "/").last.map(String.init) ?? arn }
    /// The stream in the store that takes the rows of an output. A delivery stream fed by puts is a hidden stream of its name (DESIGN,
    /// decision 12).
    public var key: StreamKey {
        switch self {
        case .stream: StreamKey(name)
        case .deliveryStream: StreamKey(name, in: .delivery)
        }
    }
}

/// Finds the stream that holds the records of a source. Delivery streams with a stream as their source have no hidden stream of their own;
/// only the room that keeps delivery streams knows which is which.
public typealias SourceResolver = @Sendable (StreamTarget) async -> StreamKey

/// A source of rows and the in-application streams it fills, `<prefix>_001` and so on.
public struct ApplicationInput: Codable, Sendable {
    public var id: String
    public var namePrefix: String
    public var source: StreamTarget
    public var roleARN: String?
    public var schema: InputSchema
    /// How many in-application streams the shards are spread over, 1...64.
    public var parallelism: Int
    /// As the last start asked for; nil before the first.
    public var startingPosition: StartingPosition?
    /// What the records go through before they are decoded; nil for nothing.
    public var processing: InputProcessing?

    public init(id: String, namePrefix: String, source: StreamTarget, roleARN: String?, schema: InputSchema, parallelism: Int) {
        self.id = id
        self.namePrefix = namePrefix
        self.source = source
        self.roleARN = roleARN
        self.schema = schema
        self.parallelism = parallelism
    }

    /// The names of its in-application streams.
    public var streamNames: [String] {
        (1...max(1, parallelism)).map { number in
            let digits = String(number)
            return namePrefix + "_" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
        }
    }
}

/// A function that records go through before they become rows (Kinesis Analytics API, InputLambdaProcessor).
public struct InputProcessing: Codable, Sendable, Hashable {
    /// What the node's settings say how to call.
    public var functionARN: String
    public var roleARN: String?

    public init(functionARN: String, roleARN: String?) {
        self.functionARN = functionARN
        self.roleARN = roleARN
    }
}

/// Where a started application begins to read (Kinesis Analytics API, InputStartingPosition).
public enum StartingPosition: String, Codable, Sendable {
    case now = "NOW"
    case trimHorizon = "TRIM_HORIZON"
    case lastStoppedPoint = "LAST_STOPPED_POINT"
}

/// An in-application stream whose rows leave the application.
public struct ApplicationOutput: Codable, Sendable {
    public var id: String
    /// The in-application stream's stored name, `error_stream` included.
    public var name: String
    public var destination: StreamTarget
    public var roleARN: String?
    public var format: OutputFormat

    public init(id: String, name: String, destination: StreamTarget, roleARN: String?, format: OutputFormat) {
        self.id = id
        self.name = name
        self.destination = destination
        self.roleARN = roleARN
        self.format = format
    }
}

/// A table whose rows come from an object of a bucket (Kinesis Analytics API, ReferenceDataSource).
public struct ApplicationReference: Codable, Sendable {
    public var id: String
    /// The table's stored name.
    public var tableName: String
    /// `arn:aws:s3:::BUCKET`.
    public var bucketARN: String
    public var fileKey: String
    public var roleARN: String?
    public var schema: InputSchema

    public init(id: String, tableName: String, bucketARN: String, fileKey: String, roleARN: String?, schema: InputSchema) {
        self.id = id
        self.tableName = tableName
        self.bucketARN = bucketARN
        self.fileKey = fileKey
        self.roleARN = roleARN
        self.schema = schema
    }

    /// The object that the ARN and the key name.
    public var object: ReferenceObject {
        ReferenceObject(bucket: bucketARN.split(separator: ":").last.map(String.init) ?? "", key: fileKey)
    }
}

/// How an output's rows are written, one row a record (DestinationSchema.RecordFormatType).
public enum OutputFormat: String, Codable, Sendable {
    case json = "JSON"
    case csv = "CSV"
}

extension ApplicationDefinition {
    /// 2 has reference tables; 3 several inputs, functions for their records, snapshots by name. What has none of these is written as 1, so that builds
    /// before can go on with it; what only tells of the past they may lose.
    private static let format = 3

    private var ownFormat: Int {
        let isThird =
            inputs.count > 1 || inputs.contains { $0.processing != nil } || namedSnapshots != nil || restoredSnapshot != nil
        return isThird ? 3 : referenceTables == nil ? 1 : 2
    }

    /// JSON that says its version, as the definition is stored.
    func stored() -> [UInt8] { StoredDefinition.encode(self, format: ownFormat) }

    /// An earlier configuration, as it is stored beside the definition. Its form came with 3.
    func storedVersion() -> [UInt8] { StoredDefinition.encode(self, format: Self.format) }

    /// - Throws: for bytes that `stored()` of this or an earlier version did not write.
    init(stored bytes: [UInt8]) throws(StoredDefinition.Failure) {
        self = try StoredDefinition.decode(Self.self, from: bytes, knownFormat: Self.format)
    }
}
