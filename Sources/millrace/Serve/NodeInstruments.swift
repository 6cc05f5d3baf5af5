/// What `/metrics` tells of the store, the applications and the deliveries; each is asked when it is read.

import Delivery
import EmbeddedStore
import Host
import NodeMetrics
import StreamEngine
import StreamLog
import StreamStore

enum NodeInstruments {
    static func register(
        in metrics: MetricsRegistry, store: EmbeddedStore<RealDisk>, disk: RealDisk, deliveries: DeliveryManager,
        applications: ApplicationManager, time: SystemTime
    ) {
        metrics.registerProcess(version: BuildInformation.version)
        registerStore(metrics, store, disk)
        registerDeliveries(metrics, deliveries)
        registerApplications(metrics, applications, time)
    }

    private static func registerStore(_ metrics: MetricsRegistry, _ store: EmbeddedStore<RealDisk>, _ disk: RealDisk) {
        metrics.sampledHistogram("millrace_fsync_duration_seconds", help: "Durations of the journal's syncs.") {
            let statistics = store.logStatistics
            return MetricsRegistry.HistogramSample(
                bounds: LogStatistics.syncDurationBounds.map { $0 / 1000 }, counts: statistics.syncDurationCounts.map(UInt64.init),
                sum: Double(statistics.syncNanoseconds) / 1e9)
        }
        metrics.sampledGauge("millrace_storage_bytes", help: "Bytes on disk by kind.") {
            let statistics = store.logStatistics
            return [
                .init(Double(statistics.journalBytes), labels: [("kind", "journal")]),
                .init(Double(statistics.segmentBytes), labels: [("kind", "segment")]),
            ]
        }
        metrics.sampledGauge(
            "millrace_unflushed_bytes", help: "Acknowledged bytes that are in the journal but not yet in a segment."
        ) {
            [.init(Double(store.logStatistics.unflushedBytes))]
        }
        metrics.sampledGauge("millrace_disk_free_bytes", help: "Free bytes where the data directory is.") {
            (try? disk.freeBytes()).map { [.init(Double($0))] } ?? []
        }
        metrics.sampledGauge("millrace_disk_full", help: "1 while appends are refused because the disk is full.") {
            [.init(store.logStatistics.diskIsFull ? 1 : 0)]
        }
        metrics.sampledCounter("millrace_corrupt_batches_total", help: "Batches whose checksum was wrong when they were read.") {
            [.init(Double(store.logStatistics.corruptBatches))]
        }
        metrics.sampledGauge("millrace_open_shards", help: "Open shards of users' streams.") {
            [.init(Double(store.openShardCount))]
        }
        let traffic: [(String, String, @Sendable (StreamTraffic) -> UInt64)] = [
            ("millrace_records_in_total", "Records appended, by stream.", { $0.recordsIn }),
            ("millrace_bytes_in_total", "Bytes of record batches appended, by stream.", { $0.bytesIn }),
        ]
        for (name, help, value) in traffic {
            metrics.sampledCounter(name, help: help) {
                store.traffic.filter { $0.key.namespace == .stream }.map {
                    .init(Double(value($0)), labels: [("stream", $0.key.name)])
                }
            }
        }
    }

    private static func registerDeliveries(_ metrics: MetricsRegistry, _ deliveries: DeliveryManager) {
        let gauges: [(String, String, @Sendable (DeliveryStatistics) -> Double)] = [
            (
                "millrace_delivery_buffer_bytes", "Bytes read from the source but not in an object yet.",
                { Double($0.bufferedBytes) }
            ),
            (
                "millrace_delivery_last_success_timestamp_seconds", "When the last object was delivered.",
                { Double($0.lastSuccessMilliseconds) / 1000 }
            ),
            ("millrace_delivery_troubled", "1 while objects cannot be written.", { $0.trouble == nil ? 0 : 1 }),
        ]
        for (name, help, value) in gauges {
            metrics.sampledGauge(name, help: help) {
                deliveries.statistics().map { .init(value($0), labels: [("delivery_stream", $0.name)]) }
            }
        }
        let counters: [(String, String, @Sendable (DeliveryStatistics) -> Int64)] = [
            ("millrace_delivery_objects_total", "Objects delivered.", { $0.deliveredObjects }),
            ("millrace_delivery_records_total", "Records delivered.", { $0.deliveredRecords }),
            ("millrace_delivery_bytes_total", "Bytes of data delivered, before compression.", { $0.deliveredBytes }),
        ]
        for (name, help, value) in counters {
            metrics.sampledCounter(name, help: help) {
                deliveries.statistics().map { .init(Double(value($0)), labels: [("delivery_stream", $0.name)]) }
            }
        }
    }

    private static func registerApplications(_ metrics: MetricsRegistry, _ applications: ApplicationManager, _ time: SystemTime) {
        let gauges: [(String, String, @Sendable (ApplicationStatistics) -> Double?)] = [
            ("millrace_query_running", "1 while the application runs.", { $0.status == .running ? 1 : 0 }),
            ("millrace_query_troubled", "1 while the application does not get on.", { $0.trouble == nil ? 0 : 1 }),
            (
                "millrace_query_watermark_lag_seconds", "How far the application's clock is behind the wall clock.",
                { statistics in
                    guard statistics.watermarkMilliseconds > 0, statistics.status == .running else { return nil }
                    return Double(max(0, time.wallMilliseconds() - statistics.watermarkMilliseconds)) / 1000
                }
            ),
            ("millrace_query_state_bytes", "Bytes of the application's last snapshot.", { Double($0.stateBytes) }),
        ]
        for (name, help, value) in gauges {
            metrics.sampledGauge(name, help: help) {
                await applications.statistics().compactMap { statistics in
                    value(statistics).map { .init($0, labels: [("query", statistics.name)]) }
                }
            }
        }
        let counters: [(String, String, @Sendable (ApplicationStatistics) -> Int64)] = [
            ("millrace_query_rows_in_total", "Rows read by the application since it was started here.", { $0.rowsIn }),
            ("millrace_query_rows_out_total", "Rows the application appended to its outputs.", { $0.rowsOut }),
            ("millrace_query_error_rows_total", "Rows put into error_stream.", { $0.errorRows }),
        ]
        for (name, help, value) in counters {
            metrics.sampledCounter(name, help: help) {
                await applications.statistics().map { .init(Double(value($0)), labels: [("query", $0.name)]) }
            }
        }
    }
}
