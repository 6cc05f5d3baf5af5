/// One query of GetMetricData: a metric with a statistic, or arithmetic over other queries.

import AWSWire
import NodeMetrics

/// CloudWatch API, MetricDataQuery.
struct MetricQuery: WireReadable {
    /// CloudWatch API, MetricStat.
    struct Stat: WireReadable {
        var metric: MetricName?
        /// In seconds.
        var period: Int?
        var statistic: String?
        var unit: String?

        init(_ fields: WireFields) throws(AWSError) {
            metric = try fields.structure("Metric")
            period = try fields.integer("Period")
            statistic = try fields.string("Stat")
            unit = try fields.string("Unit")
        }
    }

    var id: String?
    var stat: Stat?
    var expression: String?
    var label: String?
    var returnData: Bool?

    init(_ fields: WireFields) throws(AWSError) {
        id = try fields.string("Id")
        stat = try fields.structure("MetricStat")
        expression = try fields.string("Expression")
        label = try fields.string("Label")
        returnData = try fields.boolean("ReturnData")
    }

    /// What its results are called unless it says so.
    var defaultLabel: String { stat?.metric?.name ?? id ?? "" }

    /// - Parameter path: what stands before the members' names in messages.
    func check(_ path: String) throws(AWSError) {
        let isName = id.map { id in
            id.utf8.first.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) } ?? false
                && id.utf8.allSatisfy { MetricMath.isNamePart($0) } && id.utf8.count <= 255
        }
        guard isName == true else {
            throw AWSError(
                .validationError,
                "The value \(id ?? "null") for parameter \(path).Id must begin with a lower-case letter and hold letters, digits and underscores."
            )
        }
        guard (stat == nil) != (expression == nil) else {
            throw AWSError(.validationError, "\(path) must have MetricStat or Expression, not both.")
        }
    }
}

/// Values by the minute in which their period begins, since 1970-01-01 UTC, rising.
struct MetricValues: Sendable {
    var minutes: [UInt32] = []
    var values: [Double] = []
}
