/// What the service counts. What all producers put together is counted by the store, for `/metrics`.

import NodeMetrics
import StreamStore
import Synchronization

/// The service's instruments. Those of a stream are registered when it is first used and found once a call.
final class KinesisMetrics: Sendable {
    struct Stream: Sendable {
        let recordsOut, bytesOut: Counter
        /// Minute by minute; see `StreamMetric`.
        let minutes: MetricGroup
    }

    private struct State {
        var streams: [String: Stream] = [:]
        /// The minutes of shards and consumers, by the names of their streams and their own.
        var parts: [String: [String: MetricGroup]] = [:]
    }

    /// From the parsed request to the acknowledgement.
    let putDuration: Histogram
    let getDuration: Histogram
    /// Steps of scalings, in the background, that came to nothing.
    let failedScalings: Counter
    let history: MetricHistory
    private let registry: MetricsRegistry
    private let state = Mutex(State())

    private static let counters = [
        (name: "millrace_records_out_total", help: "Records read."),
        (name: "millrace_bytes_out_total", help: "Bytes of data and partition keys read."),
    ]

    init(_ registry: MetricsRegistry) {
        self.registry = registry
        history = registry.history
        putDuration = registry.histogram(
            "millrace_put_duration_seconds", help: "Time from a parsed put request to its acknowledgement, in seconds.")
        getDuration = registry.histogram("millrace_get_duration_seconds", help: "Time of GetRecords calls, in seconds.")
        failedScalings = registry.counter(
            "millrace_scaling_failures_total", help: "Attempts to split or merge shards in the background that came to nothing.")
        let history = history
        registry.sampledGauge("millrace_metric_history_bytes", help: "What the minutes that CloudWatch's answers are made of take.")
        {
            [.init(Double(history.bytes))]
        }
    }

    func stream(_ name: String) -> Stream {
        state.withLock { state in
            if let known = state.streams[name] { return known }
            let counters = Self.counters.map { registry.counter($0.name, help: $0.help, labels: [("stream", name)]) }
            let stream = Stream(
                recordsOut: counters[0], bytesOut: counters[1],
                minutes: history.group(StreamMetric.schema, [("StreamName", name)]))
            state.streams[name] = stream
            return stream
        }
    }

    /// The minutes of a stream's shard; see `ShardMetric`.
    func shard(_ shard: ShardID, of stream: String) -> MetricGroup {
        part(shard.description, of: stream, ShardMetric.schema, "ShardId")
    }

    /// The minutes of a stream's consumer; see `ConsumerMetric`.
    func consumer(_ name: String, of stream: String) -> MetricGroup {
        part(name, of: stream, ConsumerMetric.schema, "ConsumerName")
    }

    private func part(_ name: String, of stream: String, _ schema: MetricSchema, _ dimension: String) -> MetricGroup {
        let key = dimension + "=" + name
        return state.withLock { state in
            if let known = state.parts[stream]?[key] { return known }
            let group = history.group(schema, [("StreamName", stream), (dimension, name)])
            state.parts[stream, default: [:]][key] = group
            return group
        }
    }

    /// Drops the instruments of a stream that is deleted. Its minutes stay until they are a day old.
    func forget(_ name: String) {
        let parts = state.withLock { state in
            guard let stream = state.streams.removeValue(forKey: name) else { return [MetricGroup]() }
            for counter in Self.counters { registry.remove(counter.name, labels: [("stream", name)]) }
            return [stream.minutes] + (state.parts.removeValue(forKey: name).map { Array($0.values) } ?? [])
        }
        for group in parts { history.retire(group) }
    }
}
