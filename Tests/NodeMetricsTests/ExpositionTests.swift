/// What Prometheus reads.

import NodeMetrics
import Testing

@Suite struct ExpositionTests {
    @Test("families are sorted, each with its help and type, and labels are escaped")
    func text() async {
        let registry = MetricsRegistry()
        registry.counter("b_total", help: "Things\nwith \\ in it.", labels: [("stream", "a\"\\\n")]).add(3)
        registry.counter("b_total", help: "Things.", labels: [("stream", "b")]).add()
        registry.gauge("a", help: "A level.").set(-1.5)
        registry.sampledGauge("c", help: "Asked.") { [.init(1, labels: [("x", "1")]), .init(.infinity, labels: [("x", "2")])] }
        registry.sampledGauge("nothing", help: "Never seen.") { [] }
        #expect(
            await registry.exposition()
                == """
                # HELP a A level.
                # TYPE a gauge
                a -1.5
                # HELP b_total Things\\nwith \\\\ in it.
                # TYPE b_total counter
                b_total{stream="a\\"\\\\\\n"} 3
                b_total{stream="b"} 1
                # HELP c Asked.
                # TYPE c gauge
                c{x="1"} 1
                c{x="2"} +Inf

                """)
    }

    @Test("a histogram's buckets are cumulative and end with +Inf")
    func histogram() async {
        let registry = MetricsRegistry()
        let histogram = registry.histogram("d_seconds", help: "D.", labels: [("k", "v")], buckets: [0.001, 1])
        for duration: UInt64 in [1, 1_000_000, 1_000_001, 2_000_000_000] { histogram.observe(nanoseconds: duration) }
        #expect(
            await registry.exposition()
                == """
                # HELP d_seconds D.
                # TYPE d_seconds histogram
                d_seconds_bucket{k="v",le="0.001"} 2
                d_seconds_bucket{k="v",le="1"} 3
                d_seconds_bucket{k="v",le="+Inf"} 4
                d_seconds_sum{k="v"} 2.002000002
                d_seconds_count{k="v"} 4

                """)
    }

    @Test("the same name and labels give the same instrument, until it is removed")
    func identity() async {
        let registry = MetricsRegistry()
        let first = registry.counter("x_total", help: "X.", labels: [("s", "1")])
        #expect(registry.counter("x_total", help: "X.", labels: [("s", "1")]) === first)
        #expect(registry.counter("x_total", help: "X.", labels: [("s", "2")]) !== first)
        registry.remove("x_total", labels: [("s", "1")])
        #expect(registry.counter("x_total", help: "X.", labels: [("s", "1")]) !== first)
    }

    @Test("counting from many tasks loses nothing")
    func concurrent() async {
        let registry = MetricsRegistry()
        let counter = registry.counter("x_total", help: "X.")
        let gauge = registry.gauge("g", help: "G.")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<10_000 {
                        counter.add()
                        gauge.add(1)
                    }
                }
            }
        }
        #expect(counter.value == 80_000)
        #expect(gauge.value == 80_000)
    }

    @Test("the process tells of itself")
    func process() async {
        let registry = MetricsRegistry()
        registry.registerProcess(version: "1.2")
        let text = await registry.exposition()
        #expect(text.contains("build_info{version=\"1.2\"} 1\n"))
        for name in [
            "process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes",
            "process_start_time_seconds",
            "process_open_fds", "process_max_fds",
        ] { #expect(text.contains("\n\(name) "), "\(name)") }
    }
}
