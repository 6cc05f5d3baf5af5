/// GetMetricStatistics: statistics of one metric, period by period (CloudWatch API, GetMetricStatistics).

import AWSWire
import NodeMetrics

enum GetMetricStatistics: MetricOperation {
    struct Request: WireReadable {
        var metric: MetricName
        /// Milliseconds since 1970-01-01 UTC.
        var start, end: Int64?
        /// In seconds.
        var period: Int?
        var statistics, extended: [String]?
        var unit: String?

        init(_ fields: WireFields) throws(AWSError) {
            metric = try MetricName(fields)
            start = try fields.timestamp("StartTime")
            end = try fields.timestamp("EndTime")
            period = try fields.integer("Period")
            statistics = try fields.strings("Statistics")
            extended = try fields.strings("ExtendedStatistics")
            unit = try fields.string("Unit")
        }
    }

    struct Response: AWSResponse {
        var label: String
        var unit: String
        var points: [MetricPoint]
        var statistics: [Statistic]

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.field("Label", label)
                writer.list("Datapoints", points) { writer, point in
                    writer.object { writer in
                        writer.field("Timestamp", milliseconds: Int64(point.minute) * 60_000)
                        for statistic in statistics { write(statistic, of: point, to: &writer) }
                        writer.field("Unit", unit)
                    }
                }
            }
        }

        private func write(_ statistic: Statistic, of point: MetricPoint, to writer: inout WireWriter) {
            let value = statistic.of(point)
            switch statistic {
            case .sampleCount: writer.field("SampleCount", value)
            case .average: writer.field("Average", value)
            case .sum: writer.field("Sum", value)
            case .minimum: writer.field("Minimum", value)
            case .maximum: writer.field("Maximum", value)
            }
        }
    }

    private static let mostPoints: Int64 = 1440

    static func answer(_ request: Request, _ service: CloudWatch) throws(AWSError) -> Response {
        try request.metric.check()
        let window = try TimeWindow(from: request.start, to: request.end, otherwise: .invalidParameterValue)
        let period = try TimeWindow.period(request.period, parameter: "Period")
        if let extended = request.extended?.first { _ = try Statistic(named: extended, parameter: "ExtendedStatistics") }
        guard let names = request.statistics, !names.isEmpty else { throw .missing("Statistics") }
        var statistics: [Statistic] = []
        for name in names {
            let statistic = try Statistic(named: name, parameter: "Statistics")
            if !statistics.contains(statistic) { statistics.append(statistic) }
        }
        guard window.count(of: period) <= mostPoints else {
            throw AWSError(
                .invalidParameterCombination,
                "You have requested up to \(window.count(of: period)) datapoints, which exceeds the limit of \(mostPoints). You may reduce the "
                    + "datapoints requested by increasing Period, or decreasing the time range.")
        }
        let name = request.metric.name ?? ""
        guard let (group, metric) = request.metric.find(in: service.history),
            request.unit.map({ $0 == group.schema.metrics[metric].unit }) ?? true
        else { return Response(label: name, unit: "None", points: [], statistics: []) }
        return Response(
            label: name, unit: group.schema.metrics[metric].unit, points: window.points(of: metric, group, period: period),
            statistics: statistics)
    }
}
