/// What `/metrics` tells of named consumers: how far they are behind, who holds what, and what does not move.

import Consumers
import NodeMetrics
import StreamStore

extension NodeInstruments {
    static func register(in metrics: MetricsRegistry, consumers: NamedConsumers) {
        metrics.sampledGauge("millrace_consumer_members", help: "Members of a named consumer that were heard of lately.") {
            consumers.lastSeen.prefix(mostConsumers).map {
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

    /// Beyond so many shards of all consumers together each consumer has one series for all of its own: a page is for a scraper to read.
    private static let mostShards = 5_000
    /// The most consumers that are told of.
    private static let mostConsumers = 5_000

    private static func samples(
        _ consumers: NamedConsumers, _ sample: (ConsumerDescription, ShardProgress) -> MetricsRegistry.Sample?
    ) -> [MetricsRegistry.Sample] {
        // What is done with has no lag.
        let seen = consumers.lastSeen.prefix(mostConsumers).map { ($0, $0.shards.filter { !$0.position.isEnded }) }
        guard seen.reduce(0, { $0 + $1.1.count }) > mostShards else {
            return seen.flatMap { consumer, shards in shards.compactMap { sample(consumer, $0) } }
        }
        return seen.compactMap { consumer, shards in shards.together.flatMap { sample(consumer, $0) } }
    }

    private static func labels(_ consumer: ConsumerDescription, _ shard: ShardProgress) -> [(String, String)] {
        [
            ("stream", consumer.stream.name), ("consumer", consumer.name),
            ("shard", shard.epoch == .max ? "all" : shard.shard.description),
        ]
    }
}

extension [ShardProgress] {
    /// One that stands for all of them, without an owner; nil where there are none. Its epoch, which no shard has, tells it from one.
    fileprivate var together: ShardProgress? {
        guard var sum = first else { return nil }
        sum.owner = nil
        sum.epoch = .max
        sum.lagRecords = reduce(0) { $0 &+ $1.lagRecords }
        sum.lagMilliseconds = map(\.lagMilliseconds).max() ?? 0
        sum.stuckSince = compactMap(\.stuckSince).min()
        return sum
    }
}
