/// What a stream tells about each of its records, as columns of the rows made from it.

/// Extra columns of an in-application stream fed by a stream, after the mapped ones (Developer Guide, "Timestamps and the ROWTIME
/// Column"; SQL Reference, reserved words). They can be named in SQL; `SELECT *` need not show them.
public enum MetadataColumn: String, Sendable, CaseIterable {
    case approximateArrivalTime = "APPROXIMATE_ARRIVAL_TIME"
    case partitionKey = "PARTITION_KEY"
    case sequenceNumber = "SEQUENCE_NUMBER"
    case shardID = "SHARD_ID"

    public var type: SQLType {
        switch self {
        case .approximateArrivalTime: .timestamp
        case .partitionKey: .varchar(256)
        case .sequenceNumber: .varchar(128)
        case .shardID: .varchar(128)
        }
    }

    public var column: ColumnDefinition { ColumnDefinition(rawValue, type, isHidden: true) }
}

/// One record of a source, its data a range of a buffer.
public struct SourceRecord: Sendable {
    /// Where the record's data is in the buffer given to the decoder.
    public var data: Range<Int>
    /// ROWTIME of its rows, milliseconds since 1970-01-01 UTC.
    public var rowtime: Int64
    public var arrivalMilliseconds: Int64
    public var partitionKey: String
    public var sequenceNumber: String
    public var shardID: String

    public init(
        data: Range<Int>, rowtime: Int64, arrivalMilliseconds: Int64? = nil, partitionKey: String = "", sequenceNumber: String = "",
        shardID: String = "shardId-000000000000"
    ) {
        self.data = data
        self.rowtime = rowtime
        self.arrivalMilliseconds = arrivalMilliseconds ?? rowtime
        self.partitionKey = partitionKey
        self.sequenceNumber = sequenceNumber
        self.shardID = shardID
    }
}
