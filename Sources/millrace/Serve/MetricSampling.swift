/// Once a minute: takes over what others count, and lets go of the minutes that are too old.

import Delivery
import FirehoseService
import Host
import NodeMetrics

/// Keeps the history of the node's metrics.
final class MetricSampling: Sendable {
    private let history: MetricHistory
    private let deliveries: DeliveryManager
    private let clock: any TimeSource
    private let sampling: DeliverySampling
    /// Takes over what the store has counted.
    private let countAppended: @Sendable () -> Void

    init(
        _ history: MetricHistory, deliveries: DeliveryManager, clock: any TimeSource, countAppended: @escaping @Sendable () -> Void
    ) {
        self.countAppended = countAppended
        self.history = history
        self.deliveries = deliveries
        self.clock = clock
        sampling = DeliverySampling(history: history)
    }

    /// Brings the history up to now.
    func sample() {
        let sources = Set(deliveries.list().filter { $0.source != .directPut }.map(\.name))
        sampling.sample(deliveries.statistics(), readsStream: { sources.contains($0) }, clock.wallMilliseconds())
    }

    /// Until the task is cancelled.
    func run() async {
        while (try? await Task.sleep(for: .seconds(60))) != nil {
            sample()
            countAppended()
            history.sweep(clock.wallMilliseconds())
        }
    }
}
