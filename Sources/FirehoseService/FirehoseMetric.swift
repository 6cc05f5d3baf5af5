/// What CloudWatch tells of a delivery stream (Data Firehose Developer Guide, "Monitor Amazon Data Firehose with CloudWatch metrics").

import AWSWire
public import Delivery
import Host
public import NodeMetrics
import StreamStore
import Synchronization

/// A metric of a delivery stream.
enum FirehoseMetric: Int, CaseIterable {
    case incomingBytes, incomingRecords, incomingPutRequests
    case putRecordBytes, putRecordLatency, putRecordRequests
    case putRecordBatchBytes, putRecordBatchLatency, putRecordBatchRecords, putRecordBatchRequests
    case throttledRecords
    case readBytes, readRecords
    case deliveryBytes, deliveryRecords, deliveryFreshness, deliverySuccess

    private var description: (name: String, unit: String) {
        switch self {
        case .incomingBytes: ("IncomingBytes", "Bytes")
        case .incomingRecords: ("IncomingRecords", "Count")
        case .incomingPutRequests: ("IncomingPutRequests", "Count")
        case .putRecordBytes: ("PutRecord.Bytes", "Bytes")
        case .putRecordLatency: ("PutRecord.Latency", "Milliseconds")
        case .putRecordRequests: ("PutRecord.Requests", "Count")
        case .putRecordBatchBytes: ("PutRecordBatch.Bytes", "Bytes")
        case .putRecordBatchLatency: ("PutRecordBatch.Latency", "Milliseconds")
        case .putRecordBatchRecords: ("PutRecordBatch.Records", "Count")
        case .putRecordBatchRequests: ("PutRecordBatch.Requests", "Count")
        case .throttledRecords: ("ThrottledRecords", "Count")
        case .readBytes: ("DataReadFromKinesisStream.Bytes", "Bytes")
        case .readRecords: ("DataReadFromKinesisStream.Records", "Count")
        case .deliveryBytes: ("DeliveryToS3.Bytes", "Bytes")
        case .deliveryRecords: ("DeliveryToS3.Records", "Count")
        case .deliveryFreshness: ("DeliveryToS3.DataFreshness", "Seconds")
        case .deliverySuccess: ("DeliveryToS3.Success", "Count")
        }
    }

    static let schema = MetricSchema(namespace: "AWS/Firehose", allCases.map(\.description))
}

extension MetricGroup.Values {
    fileprivate mutating func add(_ metric: FirehoseMetric, _ value: Double) { add(metric.rawValue, value) }
}

extension Firehose {
    /// A put of one record or of many was answered, or nothing was taken for want of room.
    /// - Parameter began: on the monotonic clock, in nanoseconds.
    func countPut(_ name: String, isBatch: Bool, records: Int, bytes: Int, began: UInt64, _ error: DeliveryError? = nil) {
        switch error {
        case nil, .store(.overloaded): break
        default: return
        }
        let milliseconds = Double(clock.monotonicNanoseconds() &- began) / 1e6
        let isTaken = error == nil
        history.group(FirehoseMetric.schema, [("DeliveryStreamName", name)]).record(now) { values in
            values.add(.throttledRecords, isTaken ? 0 : Double(records))
            values.add(.incomingPutRequests, 1)
            values.add(isBatch ? .putRecordBatchRequests : .putRecordRequests, 1)
            guard isTaken else { return }
            values.add(.incomingBytes, Double(bytes))
            values.add(.incomingRecords, Double(records))
            values.add(isBatch ? .putRecordBatchBytes : .putRecordBytes, Double(bytes))
            values.add(isBatch ? .putRecordBatchLatency : .putRecordLatency, milliseconds)
            if isBatch { values.add(.putRecordBatchRecords, Double(records)) }
        }
    }
}

/// Looks at what the deliveries have done since it looked last, for that is counted by them.
public final class DeliverySampling: Sendable {
    private let history: MetricHistory
    private let last = Mutex<[String: DeliveryStatistics]>([:])

    public init(history: MetricHistory) { self.history = history }

    /// Call it once a minute, and before somebody asks.
    /// - Parameter now: milliseconds since 1970-01-01 UTC.
    public func sample(_ deliveries: [DeliveryStatistics], readsStream: (String) -> Bool, _ now: Int64) {
        last.withLock { last in
            for statistics in deliveries {
                let before = last[statistics.name] ?? DeliveryStatistics(name: statistics.name)
                // One that was made anew counts from nothing.
                let isSame = statistics.deliveredObjects >= before.deliveredObjects
                add(
                    statistics, since: isSame ? before : DeliveryStatistics(name: statistics.name), readsStream(statistics.name),
                    now)
            }
            last = Dictionary(deliveries.map { ($0.name, $0) }) { $1 }
        }
    }

    private func add(_ statistics: DeliveryStatistics, since before: DeliveryStatistics, _ readsStream: Bool, _ now: Int64) {
        let (bytes, records) = (
            statistics.deliveredBytes &- before.deliveredBytes, statistics.deliveredRecords &- before.deliveredRecords
        )
        let isNews = statistics.deliveredObjects > before.deliveredObjects
        guard isNews || statistics.oldestMilliseconds != nil || statistics.trouble != nil else { return }
        history.group(FirehoseMetric.schema, [("DeliveryStreamName", statistics.name)]).record(now) { values in
            if isNews {
                values.add(.deliveryBytes, Double(bytes))
                values.add(.deliveryRecords, Double(records))
                if readsStream {
                    values.add(.readBytes, Double(bytes))
                    values.add(.readRecords, Double(records))
                }
            }
            if isNews || statistics.trouble != nil { values.add(.deliverySuccess, statistics.trouble == nil ? 1 : 0) }
            values.add(.deliveryFreshness, statistics.oldestMilliseconds.map { Double(max(0, now - $0)) / 1000 } ?? 0)
        }
    }
}
