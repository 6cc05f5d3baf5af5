/// The node's metrics: where instruments are registered and from where Prometheus reads them.

import Synchronization

/// Instruments by name and labels. Registering takes a lock; counting does not.
///
/// Labels are fixed when an instrument is registered, and asking for the same name and labels again gives the same instrument.
public final class MetricsRegistry: Sendable {
    /// A label's name and value. Keep the set of values small: stream names, never partition keys or clients.
    public typealias Label = (name: String, value: String)

    /// One value of a metric that is sampled when it is read.
    public struct Sample: Sendable {
        public var labels: [Label]
        public var value: Double
        public init(_ value: Double, labels: [Label] = []) {
            self.labels = labels
            self.value = value
        }
    }

    /// A histogram that something else keeps.
    public struct HistogramSample: Sendable {
        /// Upper bounds in seconds, rising.
        public var bounds: [Double]
        /// How many fell into each range, not cumulative; one more entry than `bounds`, for what lies beyond the last.
        public var counts: [UInt64]
        /// In seconds.
        public var sum: Double
        public init(bounds: [Double], counts: [UInt64], sum: Double) {
            self.bounds = bounds
            self.counts = counts
            self.sum = sum
        }
    }

    enum Instrument: Sendable {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(Histogram)
    }

    /// All instruments of one name.
    struct Family: Sendable {
        var help: String
        /// As in the TYPE line.
        var type: String
        /// By their labels as they are written.
        var instruments: [String: Instrument] = [:]
        /// Asked at every reading.
        var sampler: (@Sendable () async -> [Sample])?
        var histogramSampler: (@Sendable () async -> HistogramSample)?
    }

    private let families = Mutex<[String: Family]>([:])
    /// What was measured minute by minute.
    public let history: MetricHistory

    public init(history: MetricHistory = MetricHistory()) {
        self.history = history
    }

    /// A number that only rises. The name ends in `_total`.
    public func counter(_ name: String, help: String, labels: [Label] = []) -> Counter {
        let instrument = instrument(name, help: help, type: "counter", labels) { .counter(Counter()) }
        guard case .counter(let counter) = instrument else { preconditionFailure("\(name) is no counter") }
        return counter
    }

    /// A number that is set.
    public func gauge(_ name: String, help: String, labels: [Label] = []) -> Gauge {
        let instrument = instrument(name, help: help, type: "gauge", labels) { .gauge(Gauge()) }
        guard case .gauge(let gauge) = instrument else { preconditionFailure("\(name) is no gauge") }
        return gauge
    }

    /// Durations in seconds, counted by how long they were.
    /// - Parameter buckets: upper bounds in seconds, rising.
    public func histogram(
        _ name: String, help: String, labels: [Label] = [], buckets: [Double] = Histogram.latencyBuckets
    ) -> Histogram {
        let instrument = instrument(name, help: help, type: "histogram", labels) { .histogram(Histogram(buckets: buckets)) }
        guard case .histogram(let histogram) = instrument else { preconditionFailure("\(name) is no histogram") }
        return histogram
    }

    /// A gauge whose values, one for each set of labels, are asked for at every reading.
    public func sampledGauge(_ name: String, help: String, _ samples: @escaping @Sendable () async -> [Sample]) {
        sampled(name, help: help, type: "gauge", samples)
    }

    /// A counter that something else keeps and that is asked for at every reading.
    public func sampledCounter(_ name: String, help: String, _ samples: @escaping @Sendable () async -> [Sample]) {
        sampled(name, help: help, type: "counter", samples)
    }

    /// A histogram that something else keeps and that is asked for at every reading.
    public func sampledHistogram(_ name: String, help: String, _ sample: @escaping @Sendable () async -> HistogramSample) {
        families.withLock { $0[name, default: Family(help: help, type: "histogram")].histogramSampler = sample }
    }

    /// Forgets an instrument, as when its stream is deleted. Who still holds it may go on counting; nobody will read it.
    public func remove(_ name: String, labels: [Label]) {
        families.withLock { families in
            families[name]?.instruments[Exposition.labels(labels)] = nil
        }
    }

    /// All metrics in Prometheus's text format, version 0.0.4.
    public func exposition() async -> String {
        let families = families.withLock { $0 }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            let samples = await family.sampler?() ?? []
            let histogram = await family.histogramSampler?()
            guard !family.instruments.isEmpty || !samples.isEmpty || histogram != nil else { continue }
            text += Exposition.text(name, family, samples, histogram)
        }
        return text
    }

    private func instrument(
        _ name: String, help: String, type: String, _ labels: [Label], _ make: () -> Instrument
    ) -> Instrument {
        let key = Exposition.labels(labels)
        return families.withLock { families in
            var family = families[name] ?? Family(help: help, type: type)
            if let known = family.instruments[key] { return known }
            let instrument = make()
            family.instruments[key] = instrument
            families[name] = family
            return instrument
        }
    }

    private func sampled(
        _ name: String, help: String, type: String, _ samples: @escaping @Sendable () async -> [Sample]
    ) {
        families.withLock { $0[name, default: Family(help: help, type: type)].sampler = samples }
    }
}
