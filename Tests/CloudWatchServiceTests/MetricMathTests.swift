/// Arithmetic over metrics and pages of values, through the service's own table.

import AWSWire
import CloudWatchService
import Host
import NodeMetrics
import Testing

/// A clock that stands.
private struct StandingClock: TimeSource {
    var milliseconds: Int64
    func wallMilliseconds() -> Int64 { milliseconds }
    func monotonicNanoseconds() -> UInt64 { 0 }
}

@Suite struct MetricMathTests {
    private static let schema = MetricSchema(namespace: "N", [("a", "Count"), ("b", "Count")])
    private let history = MetricHistory()

    private func call(_ operation: String, _ request: JSONValue) async -> (status: Int, body: JSONValue) {
        let service = CloudWatch(history: history, clock: StandingClock(milliseconds: 6_000_000)).service
        let head = RequestHead(
            method: "POST",
            [("X-Amz-Target", "GraniteServiceVersion20100801.\(operation)"), ("Content-Type", "application/x-amz-json-1.0")],
            bodyLength: request.serialized.count)
        guard case .call(let call) = AWSDispatcher([service]).admit(head) else { return (0, .null) }
        guard let memory = MemoryBudget(limit: 1 << 30).lease(1 << 20) else { return (0, .null) }
        let reply = await call.answer(request.serialized, memory: memory)
        return (reply.status, (try? JSONValue(parsing: reply.body)) ?? .null)
    }

    private func metric(_ id: String, _ name: String, _ period: Int64 = 60) -> JSONValue {
        [
            "Id": .string(id),
            "MetricStat": [
                "Metric": ["Namespace": "N", "MetricName": .string(name)], "Period": .number(String(period)), "Stat": "Sum",
            ],
        ]
    }

    private func values(_ expression: String) async -> [Double]? {
        let answer = await call(
            "GetMetricData",
            [
                "StartTime": 0, "EndTime": 6000, "ScanBy": "TimestampAscending",
                "MetricDataQueries": [metric("a", "a"), metric("b", "b"), ["Id": "x", "Expression": .string(expression)]],
            ])
        guard answer.status == 200 else { return nil }
        return answer.body["MetricDataResults"]?.array?.last?["Values"]?.array?.compactMap(\.double)
    }

    private func fill() {
        let group = history.group(Self.schema, [])
        for (minute, a, b) in [(1, 6.0, 2.0), (2, 8, 0), (3, 9, 3)] {
            group.record(Int64(minute) * 60_000) { values in
                values.add(0, a)
                values.add(1, b)
            }
        }
        group.record(4 * 60_000) { $0.add(0, 1) }
    }

    @Test(
        "expressions have their usual order, and values where all parts have one",
        arguments: [
            ("a", [6, 8, 9, 1]), ("a+b", [8, 8, 12]), ("a - b - 1", [3, 7, 5]), ("a*b+1", [13, 1, 28]), ("a / b", [3, 3]),
            ("-a + 2 * (b - .5)", [-3, -9, -4]), ("--a", [6, 8, 9, 1]), ("1.5 * a", [9, 12, 13.5, 1.5]),
            ("\n a\t+ 1 ", [7, 9, 10, 2]),
            ("1 + 1", []),
        ] as [(String, [Double])])
    func arithmetic(_ expression: String, _ expected: [Double]) async {
        fill()
        #expect(await values(expression) == expected)
    }

    @Test(
        "what is no arithmetic is refused",
        arguments: [
            "", " ", "a +", "+ a", "a b", "(a", "a)", "a ** b", "SUM(METRICS())", "RATE(a)", "c", "x", "1e5x", "a;b", "a & b",
            "1..2", "é",
            String(repeating: "(", count: 2000), String(repeating: "-", count: 2000) + "a",
            String(repeating: "a+", count: 1023) + "é",
            String(repeating: "a", count: 3000),
        ])
    func refused(_ expression: String) async { #expect(await values(expression) == nil) }

    @Test("a long sum is as good as a short one")
    func long() async {
        fill()
        #expect(await values(String(repeating: "a+", count: 1023) + "a") == [6, 8, 9, 1].map { 1024 * $0 })
    }

    @Test("periods are counted from the window's beginning")
    func periods() async {
        fill()
        let answer = await call(
            "GetMetricStatistics",
            [
                "Namespace": "N", "MetricName": "a", "StartTime": 65, "EndTime": 241, "Period": 120,
                "Statistics": ["Sum", "Minimum", "Maximum", "Average", "SampleCount"],
            ])
        let points = answer.body["Datapoints"]?.array ?? []
        #expect(points.map { $0["Timestamp"]?.double } == [60, 180] && points.map { $0["Sum"]?.double } == [14, 10])
        #expect(points.map { $0["Average"]?.double } == [7, 5] && points.map { $0["SampleCount"]?.double } == [2, 2])
        #expect(points.map { $0["Minimum"]?.double } == [6, 1] && points.map { $0["Maximum"]?.double } == [8, 9])
    }

    @Test("pages put together are the whole, in both orders", arguments: ["TimestampAscending", "TimestampDescending"], 1...9)
    func pages(_ order: String, _ length: Int) async {
        fill()
        var (token, found): (JSONValue?, [String: [Double]]) = (nil, [:])
        for _ in 0..<20 {
            var request: JSONValue = [
                "StartTime": 0, "EndTime": 6000, "ScanBy": .string(order), "MaxDatapoints": .number(String(length)),
                "MetricDataQueries": [metric("a", "a"), metric("none", "none"), metric("b", "b")],
            ]
            if let token, case .object(var object) = request {
                object["NextToken"] = token
                request = .object(object)
            }
            let answer = await call("GetMetricData", request).body
            for result in answer["MetricDataResults"]?.array ?? [] {
                found[result["Id"]?.string ?? "", default: []] += result["Values"]?.array?.compactMap(\.double) ?? []
            }
            token = answer["NextToken"]
            if token == nil { break }
        }
        let whole: [String: [Double]] = ["a": [6, 8, 9, 1], "none": [], "b": [2, 0, 3]]
        #expect(token == nil && found == (order == "TimestampAscending" ? whole : whole.mapValues { $0.reversed() }))
    }
}
