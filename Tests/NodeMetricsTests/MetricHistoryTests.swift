/// The minutes of metrics: what is told of them, and that they stay within their bound.

import NodeMetrics
import Testing

@Suite struct MetricHistoryTests {
    private static let schema = MetricSchema(namespace: "N", [("bytes", "Bytes"), ("records", "Count")])
    /// A minute since 1970, in milliseconds.
    private static func time(_ minute: Int64) -> Int64 { minute * 60_000 + 17 }

    @Test("values of a minute are one point, minutes without any take nothing")
    func points() {
        let group = MetricHistory().group(Self.schema, [("Name", "a")])
        for (minute, value) in [(10, 3.0), (10, 1), (10, 2), (12, 7)] {
            group.record(Self.time(Int64(minute))) { $0.add(0, value) }
        }
        let points = group.points(0, in: 0..<100)
        #expect(points.map(\.minute) == [10, 12])
        #expect(points.first == points.first { $0.count == 3 && $0.sum == 6 && $0.least == 1 && $0.most == 3 })
        #expect(group.points(0, in: 11..<13).map(\.sum) == [7] && group.points(0, in: 11..<12).isEmpty)
        #expect(
            group.points(1, in: 0..<100).isEmpty && group.points(2, in: 0..<100).isEmpty && group.points(-1, in: 0..<100).isEmpty)
        #expect(group.total(0) == 13 && group.total(1) == 0 && group.total(7) == 0)
        #expect(group.lastMinute(0) == 12 && group.lastMinute(1) == nil)
        // A place that is none counts nothing, and does no harm.
        group.record(Self.time(12)) { $0.add(2, 1) }
    }

    @Test("a day is kept, and no more; what is retired goes with its last minute")
    func day() {
        let history = MetricHistory()
        let group = history.group(Self.schema, [("Name", "a")])
        for minute in Int64(1)...3000 { group.record(Self.time(minute)) { $0.add(0, Double(minute)) } }
        history.sweep(Self.time(3000))
        #expect(group.points(0, in: 0..<4000).map(\.minute) == Array(1560...3000))
        #expect(history.bytes == 1440 * MetricHistory.pointBytes)
        history.retire(group)
        history.sweep(Self.time(3100))
        #expect(history.groups().count == 1)
        group.record(Self.time(3101)) { _ in }
        history.sweep(Self.time(6000))
        #expect(history.groups().isEmpty)
    }

    @Test("past the bound the day gets shorter for all, and longer again when there is room")
    func bound() {
        let history = MetricHistory(maxBytes: 1000 * MetricHistory.pointBytes)
        let groups = (0..<10).map { history.group(Self.schema, [("Name", "\($0)")]) }
        for minute in Int64(1)...1000 {
            for group in groups { group.record(Self.time(minute)) { $0.add(0, 1) } }
            history.sweep(Self.time(minute))
            #expect(history.bytes <= 1000 * MetricHistory.pointBytes)
        }
        #expect(history.bytes > 500 * MetricHistory.pointBytes)
        #expect(groups.allSatisfy { $0.points(0, in: 0..<2000).last?.minute == 1000 })
        for minute in Int64(1001)...4000 {
            groups[0].record(Self.time(minute)) { $0.add(0, 1) }
            history.sweep(Self.time(minute))
        }
        #expect(groups[0].points(0, in: 0..<5000).count > 450)
    }

    @Test("a clock that is set back makes the minute longer, one that was days ahead is forgotten")
    func clock() {
        let group = MetricHistory().group(Self.schema, [])
        group.record(Self.time(100)) { $0.add(0, 1) }
        group.record(Self.time(99)) { $0.add(0, 1) }
        #expect(group.points(0, in: 0..<200).map(\.count) == [2])
        group.record(Self.time(90_000)) { $0.add(0, 1) }
        group.record(Self.time(101)) { $0.add(0, 5) }
        #expect(group.points(0, in: 0..<100_000).map(\.sum) == [5])
    }

    @Test("the same name and dimensions are the same group")
    func same() {
        let history = MetricHistory()
        let group = history.group(Self.schema, [("Name", "a")])
        #expect(history.group(Self.schema, [("Name", "a")]) === group && history.group(Self.schema, [("Name", "b")]) !== group)
        #expect(history.groups(in: "N").count == 2 && history.groups(in: "M").isEmpty)
    }
}
