/// What EnableEnhancedMonitoring and DisableEnhancedMonitoring have in common: which metrics, and the answer.

import AWSWire
import StreamStore

/// The metrics that a stream can have for each of its shards (Kinesis API, MetricsName).
enum ShardMetric {
    static let all = [
        "IncomingBytes", "IncomingRecords", "OutgoingBytes", "OutgoingRecords", "WriteProvisionedThroughputExceeded",
        "ReadProvisionedThroughputExceeded", "IteratorAgeMilliseconds",
    ]

    /// Those that a list means, in the order of `all`; `ALL` means all.
    static func named(_ names: [String]) -> [String] {
        names.contains("ALL") ? all : all.filter { names.contains($0) }
    }
}

struct MonitoringRequest: WireReadable, ChoosesStream {
    var metrics: [String]?
    var streamName: String?
    var streamARN: String?

    init(_ fields: WireFields) throws(AWSError) {
        metrics = try fields.strings("ShardLevelMetrics")
        streamName = try fields.string("StreamName")
        streamARN = try fields.string("StreamARN")
    }

    static let rules: [Rule<MonitoringRequest>] =
        [
            .member("shardLevelMetrics", \.metrics, .notNull, .minLength(1), .maxLength(7)),
            Rule { request, violations in
                let (metrics, known) = (request.metrics ?? [], ShardMetric.all + ["ALL"])
                guard metrics.contains(where: { !known.contains($0) }) else { return }
                violations.add(
                    "shardLevelMetrics", "'\(metrics.shown)'",
                    "Member must satisfy constraint: [Member must satisfy enum value set: [\(known.joined(separator: ", "))]]")
            },
        ] + streamRules
}

/// The metrics before and after a change.
struct MonitoringResponse: AWSResponse {
    var name: String
    var arn: String
    var current: [String]
    var desired: [String]

    func write(to writer: inout WireWriter) {
        writer.object { writer in
            writer.field("StreamName", name)
            writer.list("CurrentShardLevelMetrics", current)
            writer.list("DesiredShardLevelMetrics", desired)
            writer.field("StreamARN", arn)
        }
    }
}

extension Kinesis {
    /// Changes the metrics of a stream's shards.
    func changeMonitoring(
        _ request: MonitoringRequest, _ call: AWSCall, _ change: @Sendable ([String]) -> [String]
    ) async throws(AWSError) -> MonitoringResponse {
        let stream = try await stream(request)
        var current: [String] = []
        let changed = try await changeAttributes(of: stream) { attributes in
            current = attributes.shardMetrics
            attributes.shardMetrics = change(current)
        }
        return MonitoringResponse(
            name: stream.key.name, arn: arn(stream.key.name, call.region), current: current, desired: changed.shardMetrics)
    }
}
