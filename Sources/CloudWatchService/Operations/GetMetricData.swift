/// GetMetricData: values of many metrics at once, and arithmetic over them (CloudWatch API, GetMetricData).

import AWSWire
import NodeMetrics

enum GetMetricData: MetricOperation {
    struct Request: WireReadable {
        var queries: [MetricQuery]?
        /// Milliseconds since 1970-01-01 UTC.
        var start, end: Int64?
        var scanBy, nextToken: String?
        var maxDatapoints: Int?

        init(_ fields: WireFields) throws(AWSError) {
            queries = try fields.list("MetricDataQueries")
            start = try fields.timestamp("StartTime")
            end = try fields.timestamp("EndTime")
            scanBy = try fields.string("ScanBy")
            nextToken = try fields.string("NextToken")
            maxDatapoints = try fields.integer("MaxDatapoints")
        }
    }

    /// The values of one query, or a part of them.
    struct Result: Sendable {
        var id, label: String
        var values: MetricValues
        var isWhole: Bool
    }

    struct Response: AWSResponse {
        var results: [Result]
        var nextToken: String?

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.list("MetricDataResults", results) { writer, result in
                    writer.object { writer in
                        writer.field("Id", result.id)
                        writer.field("Label", result.label)
                        writer.list("Timestamps", result.values.minutes) { $0.value(milliseconds: Int64($1) * 60_000) }
                        writer.list("Values", result.values.values) { $0.value($1) }
                        writer.field("StatusCode", result.isWhole ? "Complete" : "PartialData")
                    }
                }
                writer.list("Messages") { _ in }
                writer.field("NextToken", nextToken)
            }
        }
    }

    private static let mostQueries = 500
    private static let mostPoints = 100_800

    static func answer(_ request: Request, _ service: CloudWatch) throws(AWSError) -> Response {
        guard let queries = request.queries, !queries.isEmpty else { throw .missing("MetricDataQueries") }
        guard queries.count <= mostQueries else {
            throw AWSError(.validationError, "The collection MetricDataQueries must not have a size greater than \(mostQueries).")
        }
        let window = try TimeWindow(from: request.start, to: request.end, otherwise: .validationError)
        guard ["TimestampDescending", "TimestampAscending", nil].contains(request.scanBy) else {
            throw AWSError(
                .validationError,
                "The value \(request.scanBy ?? "") for parameter ScanBy is not TimestampDescending or TimestampAscending.")
        }
        for (index, query) in queries.enumerated() { try query.check("MetricDataQueries.member.\(index + 1)") }
        guard Set(queries.map(\.id)).count == queries.count else {
            throw AWSError(.validationError, "The values for parameter Id in MetricDataQueries are not unique.")
        }
        let results = try values(of: queries, window, service)
        return try page(
            results, isDescending: request.scanBy != "TimestampAscending",
            limit: min(max(1, request.maxDatapoints ?? mostPoints), mostPoints), after: request.nextToken)
    }

    // MARK: Values

    /// How many ids all expressions of a request may name: each costs a day's minutes.
    private static let mostTerms = 2_000

    private static func values(
        of queries: [MetricQuery], _ window: TimeWindow, _ service: CloudWatch
    ) throws(AWSError) -> [Result] {
        var known: [String: MetricValues] = [:]
        for query in queries {
            if let stat = query.stat { known[query.id ?? ""] = try values(of: stat, window, service) }
        }
        // Expressions may speak of later ones; each round settles those whose parts are known.
        var waiting: [(id: String, math: MetricMath, parts: Set<String>)] = []
        var terms = 0
        for query in queries {
            guard let text = query.expression else { continue }
            let math = try MetricMath(text)
            let parts = math.queries
            terms += parts.count
            guard terms <= mostTerms else {
                throw AWSError(.validationError, "The expressions of a request may name \(mostTerms) queries together.")
            }
            waiting.append((query.id ?? "", math, Set(parts)))
        }
        while !waiting.isEmpty {
            var left: [(id: String, math: MetricMath, parts: Set<String>)] = []
            for (id, math, parts) in waiting {
                if parts.allSatisfy({ known[$0] != nil }) {
                    known[id] = combined(math, parts, known)
                } else {
                    left.append((id, math, parts))
                }
            }
            guard left.count < waiting.count else {
                let id = left[0].parts.sorted().first { known[$0] == nil } ?? ""
                throw AWSError(
                    .validationError,
                    "Error in expression '\(left[0].id)': the id \(id) is not that of a query, or goes round in a circle.")
            }
            waiting = left
        }
        return queries.filter { $0.returnData != false }.map { query in
            Result(
                id: query.id ?? "", label: query.label ?? query.defaultLabel, values: known[query.id ?? ""] ?? MetricValues(),
                isWhole: true)
        }
    }

    private static func values(
        of stat: MetricQuery.Stat, _ window: TimeWindow, _ service: CloudWatch
    ) throws(AWSError) -> MetricValues {
        guard let name = stat.metric else { throw .missing("MetricStat.Metric") }
        try name.check("MetricStat.Metric.")
        let period = try TimeWindow.period(stat.period, parameter: "MetricStat.Period")
        guard let text = stat.statistic else { throw .missing("MetricStat.Stat") }
        let statistic = try Statistic(named: text, parameter: "MetricStat.Stat")
        guard let (group, metric) = name.find(in: service.history),
            stat.unit.map({ $0 == group.schema.metrics[metric].unit }) ?? true
        else { return MetricValues() }
        let points = window.points(of: metric, group, period: period)
        return MetricValues(minutes: points.map(\.minute), values: points.map { statistic.of($0) })
    }

    /// The values of an expression in the periods in which all its parts have one.
    private static func combined(_ math: MetricMath, _ parts: Set<String>, _ known: [String: MetricValues]) -> MetricValues {
        guard let first = parts.first, let minutes = known[first]?.minutes else { return MetricValues() }
        let tables = Dictionary(
            parts.map { id in
                let values = known[id] ?? MetricValues()
                return (id, Dictionary(zip(values.minutes, values.values)) { $1 })
            }
        ) { $1 }
        var combined = MetricValues()
        for minute in minutes {
            guard let value = math.value({ tables[$0]?[minute] }) else { continue }
            combined.minutes.append(minute)
            combined.values.append(value)
        }
        return combined
    }

    // MARK: Pages

    /// A page ends within a query when that is needed; the next one goes on with the minute after.
    private static func page(
        _ results: [Result], isDescending: Bool, limit: Int, after token: String?
    ) throws(AWSError) -> Response {
        let start = try token.map { token throws(AWSError) in try Start(token) }
        var (page, room): ([Result], Int) = ([], limit)
        for (index, whole) in results.enumerated() where index >= start?.query ?? 0 {
            var order = Array(whole.values.minutes.indices)
            if isDescending { order.reverse() }
            if let start, start.query == index, let minute = start.minute {
                order.removeAll { isDescending ? whole.values.minutes[$0] > minute : whole.values.minutes[$0] < minute }
            }
            let taken = order.prefix(room)
            room -= taken.count
            var part = whole
            part.values = MetricValues(
                minutes: taken.map { whole.values.minutes[$0] }, values: taken.map { whole.values.values[$0] })
            part.isWhole = taken.count == order.count
            page.append(part)
            if !part.isWhole {
                let next = Start(query: index, minute: whole.values.minutes[order[taken.count]])
                return Response(results: page, nextToken: next.token)
            }
            if room == 0, index + 1 < results.count {
                return Response(results: page, nextToken: Start(query: index + 1, minute: nil).token)
            }
        }
        return Response(results: page)
    }

    /// Where a page begins.
    private struct Start {
        /// The place among the results.
        var query: Int
        /// Nil: with the first.
        var minute: UInt32?

        init(query: Int, minute: UInt32?) { (self.query, self.minute) = (query, minute) }

        init(_ token: String) throws(AWSError) {
            let parts = try PageToken.text(token).split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 2, let query = Int(parts[0]), query >= 0, parts[1].isEmpty || UInt32(parts[1]) != nil else {
                throw AWSError(.invalidNextToken, "The token \(token.prefix(64)) is not one of this operation.")
            }
            (self.query, minute) = (query, UInt32(parts[1]))
        }

        var token: String { PageToken.token("\(query) \(minute.map(String.init) ?? "")") }
    }
}
