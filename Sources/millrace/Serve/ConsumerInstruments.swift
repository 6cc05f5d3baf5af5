/// What `/metrics` tells of named consumers: how far they are behind, who holds what, and what does not move.

import Consumers
import NodeMetrics
import StreamStore

extension NodeInstruments {
    static func register(in metrics: MetricsRegistry, consumers: NamedConsumers) {
        metrics.sampledGauge("millrace_consumer_members", help: "Members of a named consumer that were heard of lately.") {
            consumers.lastSeen.map {
                .init(Double($0.members.count), labels: [("stream", $0.stream.name), ("consumer", $0.name)])
            }
        }
        let gauges: [(String, String, @Sendable (ShardProgress) -> Double?)] = [
            ("millrace_consumer_lag_records", "Records that a named consumer has before it.", { Double($0.lagRecords) }),
            (
                "millrace_consumer_lag_seconds",
                "For how long the first record that a named consumer has before it has been there.",
                { Double($0.lagMilliseconds) / 1000 }
            ),
            (
                "millrace_consumer_stuck_since_timestamp_seconds",
                "Since when a named consumer has had records before it and has not moved.",
                { $0.stuckSince.map { Double($0) / 1000 } }
            ),
        ]
        for (name, help, value) in gauges {
            metrics.sampledGauge(name, help: help) {
                samples(consumers) { consumer, shard in
                    value(shard).map { .init($0, labels: labels(consumer, shard)) }
                }
            }
        }
        metrics.sampledGauge("millrace_consumer_owner_info", help: "1 for the member that holds a shard.") {
            samples(consumers) { consumer, shard in
                shard.owner.map { .init(1, labels: labels(consumer, shard) + [("owner", $0)]) }
            }
        }
    }

    private static func samples(
        _ consumers: NamedConsumers, _ sample: (ConsumerDescription, ShardProgress) -> MetricsRegistry.Sample?
    ) -> [MetricsRegistry.Sample] {
        consumers.lastSeen.flatMap { consumer in
            // What is done with has no lag.
            consumer.shards.filter { !$0.position.isEnded }.compactMap { sample(consumer, $0) }
        }
    }

    private static func labels(_ consumer: ConsumerDescription, _ shard: ShardProgress) -> [(String, String)] {
        [("stream", consumer.stream.name), ("consumer", consumer.name), ("shard", shard.shard.description)]
    }
}
