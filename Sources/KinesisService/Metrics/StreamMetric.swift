/// What CloudWatch tells of a stream (Kinesis Data Streams Developer Guide, "Monitoring the Amazon Kinesis Data Streams service with CloudWatch").

import NodeMetrics

/// A metric of a whole stream.
enum StreamMetric: Int, CaseIterable {
    case incomingBytes, incomingRecords
    case putRecordBytes, putRecordLatency, putRecordSuccess
    case putRecordsBytes, putRecordsLatency, putRecordsRecords, putRecordsSuccess
    case putRecordsTotal, putRecordsSuccessful, putRecordsFailed, putRecordsThrottled
    case getRecordsBytes, getRecordsIteratorAge, getRecordsIteratorAgeMilliseconds, getRecordsLatency, getRecordsRecords
    case getRecordsSuccess
    case readExceeded, writeExceeded

    private var description: (name: String, unit: String) {
        switch self {
        case .incomingBytes: ("IncomingBytes", "Bytes")
        case .incomingRecords: ("IncomingRecords", "Count")
        case .putRecordBytes: ("PutRecord.Bytes", "Bytes")
        case .putRecordLatency: ("PutRecord.Latency", "Milliseconds")
        case .putRecordSuccess: ("PutRecord.Success", "Count")
        case .putRecordsBytes: ("PutRecords.Bytes", "Bytes")
        case .putRecordsLatency: ("PutRecords.Latency", "Milliseconds")
        case .putRecordsRecords: ("PutRecords.Records", "Count")
        case .putRecordsSuccess: ("PutRecords.Success", "Count")
        case .putRecordsTotal: ("PutRecords.TotalRecords", "Count")
        case .putRecordsSuccessful: ("PutRecords.SuccessfulRecords", "Count")
        case .putRecordsFailed: ("PutRecords.FailedRecords", "Count")
        case .putRecordsThrottled: ("PutRecords.ThrottledRecords", "Count")
        case .getRecordsBytes: ("GetRecords.Bytes", "Bytes")
        case .getRecordsIteratorAge: ("GetRecords.IteratorAge", "Milliseconds")
        case .getRecordsIteratorAgeMilliseconds: ("GetRecords.IteratorAgeMilliseconds", "Milliseconds")
        case .getRecordsLatency: ("GetRecords.Latency", "Milliseconds")
        case .getRecordsRecords: ("GetRecords.Records", "Count")
        case .getRecordsSuccess: ("GetRecords.Success", "Count")
        case .readExceeded: ("ReadProvisionedThroughputExceeded", "Count")
        case .writeExceeded: ("WriteProvisionedThroughputExceeded", "Count")
        }
    }

    static let schema = MetricSchema(namespace: "AWS/Kinesis", allCases.map(\.description))
}

/// A metric of a consumer with enhanced fan-out.
enum ConsumerMetric: Int, CaseIterable {
    case rateExceeded, success
    case eventBytes, eventLag, eventRecords, eventSuccess

    private var description: (name: String, unit: String) {
        switch self {
        case .rateExceeded: ("SubscribeToShard.RateExceeded", "Count")
        case .success: ("SubscribeToShard.Success", "Count")
        case .eventBytes: ("SubscribeToShardEvent.Bytes", "Bytes")
        case .eventLag: ("SubscribeToShardEvent.MillisBehindLatest", "Milliseconds")
        case .eventRecords: ("SubscribeToShardEvent.Records", "Count")
        case .eventSuccess: ("SubscribeToShardEvent.Success", "Count")
        }
    }

    static let schema = MetricSchema(namespace: "AWS/Kinesis", allCases.map(\.description))
}

extension ShardMetric {
    static let incomingBytes = 0, incomingRecords = 1, outgoingBytes = 2, outgoingRecords = 3, writeExceeded = 4, readExceeded = 5
    static let iteratorAge = 6

    /// The places above are those in `all`.
    static let schema = MetricSchema(
        namespace: "AWS/Kinesis",
        all.map { name in (name, name.hasSuffix("Bytes") ? "Bytes" : name.hasSuffix("Milliseconds") ? "Milliseconds" : "Count") })
}

extension MetricGroup.Values {
    mutating func add(_ metric: StreamMetric, _ value: Double) { add(metric.rawValue, value) }
    mutating func add(_ metric: StreamMetric, _ value: Int) { add(metric.rawValue, Double(value)) }
    mutating func add(_ metric: ConsumerMetric, _ value: Int) { add(metric.rawValue, Double(value)) }
}
