/// What the service counts. What is put is counted by the store, which sees every producer.

import NodeMetrics
import Synchronization

/// The service's instruments. Those of a stream are registered when it is first read and found once a call.
final class KinesisMetrics: Sendable {
    struct Stream: Sendable {
        let recordsOut, bytesOut: Counter
    }

    /// From the parsed request to the acknowledgement.
    let putDuration: Histogram
    let getDuration: Histogram
    private let registry: MetricsRegistry
    private let streams = Mutex<[String: Stream]>([:])

    private static let counters = [
        (name: "millrace_records_out_total", help: "Records read."),
        (name: "millrace_bytes_out_total", help: "Bytes of data and partition keys read."),
    ]

    init(_ registry: MetricsRegistry) {
        self.registry = registry
        putDuration = registry.histogram(
            "millrace_put_duration_seconds", help: "Time from a parsed put request to its acknowledgement, in seconds.")
        getDuration = registry.histogram("millrace_get_duration_seconds", help: "Time of GetRecords calls, in seconds.")
    }

    func stream(_ name: String) -> Stream {
        streams.withLock { streams in
            if let known = streams[name] { return known }
            let counters = Self.counters.map { registry.counter($0.name, help: $0.help, labels: [("stream", name)]) }
            let stream = Stream(recordsOut: counters[0], bytesOut: counters[1])
            streams[name] = stream
            return stream
        }
    }

    /// Drops the instruments of a stream that is deleted.
    func forget(_ name: String) {
        streams.withLock { streams in
            guard streams.removeValue(forKey: name) != nil else { return }
            for counter in Self.counters { registry.remove(counter.name, labels: [("stream", name)]) }
        }
    }
}
