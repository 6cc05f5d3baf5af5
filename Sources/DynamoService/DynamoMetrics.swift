/// What the service counts.

import LatestValues
import NodeMetrics
import Synchronization

final class DynamoMetrics: Sendable {
    /// The instruments of one table.
    struct Table: Sendable {
        let reads, writes, refusals: Counter
    }

    let expired: Counter
    let upkeepFailures: Counter
    private let registry: MetricsRegistry
    private let tables = Mutex<[String: Table]>([:])

    private static let counters = [
        (name: "millrace_table_reads_total", help: "Items read by name, queries and scans counted by the items they looked at."),
        (name: "millrace_table_writes_total", help: "Items written or deleted, durably."),
        (name: "millrace_table_refusals_total", help: "Writes whose condition did not hold."),
    ]

    init(_ registry: MetricsRegistry) {
        self.registry = registry
        expired = registry.counter("millrace_table_expired_items_total", help: "Items deleted because their time had come.")
        upkeepFailures = registry.counter(
            "millrace_table_upkeep_failures_total",
            help: "Attempts to fill an index, to delete what expired or to remove what was deleted that came to nothing.")
    }

    func table(_ name: String) -> Table {
        tables.withLock { tables in
            if let known = tables[name] { return known }
            let counters = Self.counters.map { registry.counter($0.name, help: $0.help, labels: [("table", name)]) }
            let table = Table(reads: counters[0], writes: counters[1], refusals: counters[2])
            tables[name] = table
            return table
        }
    }

    /// Drops the instruments of a table that is deleted.
    func forget(_ name: String) {
        let known = tables.withLock { $0.removeValue(forKey: name) }
        guard known != nil else { return }
        for counter in Self.counters { registry.remove(counter.name, labels: [("table", name)]) }
    }

    /// What the tables take, asked for when it is read.
    func observe(_ opened: @escaping @Sendable () -> Tables?) {
        registry.sampledGauge("millrace_table_keys", help: "Items and entries of indexes of all tables.") {
            opened().map { [.init(Double($0.latest.statistics.keys))] } ?? []
        }
        registry.sampledGauge("millrace_table_bytes", help: "Bytes that live items take, and that all records of the tables take.")
        {
            opened().map { tables in
                let statistics = tables.latest.statistics
                return [
                    .init(Double(statistics.liveBytes), labels: [("kind", "live")]),
                    .init(Double(statistics.logBytes), labels: [("kind", "log")]),
                ]
            } ?? []
        }
        registry.sampledGauge("millrace_table_index_bytes", help: "Memory that the keys of all tables take.") {
            opened().map { [.init(Double($0.latest.statistics.indexBytes))] } ?? []
        }
    }
}
