/// A metric as a request names it, and where it is measured.

import AWSWire
import NodeMetrics

/// Namespace, name and dimensions (CloudWatch API, Metric).
struct MetricName: WireReadable {
    var namespace: String?
    var name: String?
    var dimensions: [MetricDimension]

    init(_ fields: WireFields) throws(AWSError) {
        namespace = try fields.string("Namespace")
        name = try fields.string("MetricName")
        dimensions = try fields.list("Dimensions", of: MetricDimension.self) ?? []
    }

    /// - Parameter path: what stands before the members' names in messages.
    func check(_ path: String = "") throws(AWSError) {
        guard let namespace, !namespace.isEmpty else { throw .missing(path + "Namespace") }
        guard let name, !name.isEmpty else { throw .missing(path + "MetricName") }
        guard namespace.utf8.first != UInt8(ascii: ":") else {
            throw AWSError(.invalidParameterValue, "The value \(namespace) for parameter \(path)Namespace is invalid.")
        }
        for dimension in dimensions where dimension.name == nil || dimension.value == nil {
            throw .missing(path + "Dimensions.member.\(dimension.name == nil ? "Name" : "Value")")
        }
    }

    /// Nil where nothing of the kind was measured. Dimensions are those of the metric, all of them, in any order.
    func find(in history: MetricHistory) -> (group: MetricGroup, metric: Int)? {
        let wanted = Set(dimensions)
        for group in history.groups(in: namespace ?? "") where Set(group.dimensions.map(MetricDimension.init)) == wanted {
            guard let metric = group.schema.metrics.firstIndex(where: { $0.name == name }) else { return nil }
            return (group, metric)
        }
        return nil
    }
}

/// A dimension, or in ListMetrics a filter, which may say no value.
struct MetricDimension: WireReadable, Hashable {
    var name: String?
    var value: String?

    init(_ label: MetricsRegistry.Label) { (name, value) = (label.name, label.value) }

    init(_ fields: WireFields) throws(AWSError) {
        name = try fields.string("Name")
        value = try fields.string("Value")
    }
}

extension AWSError {
    static func missing(_ parameter: String) -> AWSError {
        AWSError(.missingRequiredParameter, "The request must contain the parameter \(parameter).")
    }
}

extension WireWriter {
    /// The members of `Metric`.
    mutating func metric(_ group: MetricGroup, _ metric: Int) {
        object { writer in
            writer.field("Namespace", group.schema.namespace)
            writer.field("MetricName", group.schema.metrics[metric].name)
            writer.list("Dimensions", group.dimensions) { writer, dimension in
                writer.object { writer in
                    writer.field("Name", dimension.name)
                    writer.field("Value", dimension.value)
                }
            }
        }
    }
}
