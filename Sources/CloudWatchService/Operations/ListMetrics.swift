/// ListMetrics: which metrics there are (CloudWatch API, ListMetrics).

import AWSWire
import NodeMetrics

enum ListMetrics: MetricOperation {
    struct Request: WireReadable {
        var metric: MetricName
        var nextToken: String?
        var recentlyActive: String?

        init(_ fields: WireFields) throws(AWSError) {
            metric = try MetricName(fields)
            nextToken = try fields.string("NextToken")
            recentlyActive = try fields.string("RecentlyActive")
        }
    }

    struct Response: AWSResponse {
        var found: [(group: MetricGroup, metric: Int)]
        var nextToken: String?

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.list("Metrics", found) { writer, found in writer.metric(found.group, found.metric) }
                writer.field("NextToken", nextToken)
            }
        }
    }

    private static let pageLength = 500
    /// Of `RecentlyActive`.
    private static let recentMinutes: Int64 = 180

    static func answer(_ request: Request, _ service: CloudWatch) throws(AWSError) -> Response {
        if let name = request.recentlyActive, name != "PT3H" {
            throw AWSError(.invalidParameterValue, "The value \(name) for parameter RecentlyActive is not PT3H.")
        }
        for dimension in request.metric.dimensions where dimension.name == nil { throw .missing("Dimensions.member.Name") }
        var page: [(group: MetricGroup, metric: Int)] = []
        let after = try request.nextToken.map { token throws(AWSError) in try PageToken.text(token) }
        for (key, group, metric) in matches(request, service) where after.map({ key > $0 }) ?? true {
            if page.count == pageLength, let last = page.last {
                return Response(found: page, nextToken: PageToken.token(Self.key(last.group, last.metric)))
            }
            page.append((group, metric))
        }
        return Response(found: page)
    }

    /// In the order of the pages.
    private static func matches(
        _ request: Request, _ service: CloudWatch
    ) -> [(key: String, group: MetricGroup, metric: Int)] {
        let (wanted, oldest) = (request.metric, service.now / 60_000 - recentMinutes)
        var matches: [(key: String, group: MetricGroup, metric: Int)] = []
        for group in service.history.groups(in: wanted.namespace) {
            let isMeant = wanted.dimensions.allSatisfy { filter in
                group.dimensions.contains { $0.name == filter.name && (filter.value == nil || $0.value == filter.value) }
            }
            guard isMeant else { continue }
            for (metric, description) in group.schema.metrics.enumerated()
            where wanted.name == nil || description.name == wanted.name {
                guard let last = group.lastMinute(metric) else { continue }
                if request.recentlyActive == nil || last >= oldest { matches.append((key(group, metric), group, metric)) }
            }
        }
        return matches.sorted { $0.key < $1.key }
    }

    private static func key(_ group: MetricGroup, _ metric: Int) -> String {
        let dimensions = group.dimensions.map { "\($0.name)=\($0.value)" }.joined(separator: "\n")
        return "\(group.schema.namespace)\n\(dimensions)\n\(group.schema.metrics[metric].name)"
    }
}

/// Tokens of pages say where the next one begins; nothing about them is secret.
enum PageToken {
    static func token(_ text: String) -> String { Base64.encode(text.utf8) }

    /// - Throws: `.invalidNextToken`.
    static func text(_ token: String) throws(AWSError) -> String {
        guard let bytes = Base64.decode(token), let text = String(validating: bytes, as: UTF8.self), !text.isEmpty else {
            throw AWSError(.invalidNextToken, "The token \(token.prefix(64)) is not one of this operation.")
        }
        return text
    }
}
