/// What is told of the values of a period.

import AWSWire
import NodeMetrics

/// A statistic (CloudWatch API, Statistic).
enum Statistic: String, CaseIterable, Sendable {
    case sampleCount = "SampleCount"
    case average = "Average"
    case sum = "Sum"
    case minimum = "Minimum"
    case maximum = "Maximum"

    /// - Throws: `.invalidParameterValue`, which says so where it is one of CloudWatch's that would need every single value: percentiles, trimmed
    ///   means and their kin.
    init(named name: String, parameter: String) throws(AWSError) {
        if let known = Statistic(rawValue: name) {
            self = known
            return
        }
        let (known, extended) = (Self.allCases.map(\.rawValue).joined(separator: ", "), ["p", "tm", "wm", "tc", "ts", "pr", "iqm"])
        let isExtended = extended.contains { name.lowercased() == $0 || name.lowercased().hasPrefix($0) }
        throw AWSError(
            .invalidParameterValue,
            isExtended
                ? "The value \(name) for parameter \(parameter) is an extended statistic, which this node does not keep. It keeps \(known)."
                : "The value \(name) for parameter \(parameter) is not a statistic. Statistics are \(known).")
    }

    func of(_ point: MetricPoint) -> Double {
        switch self {
        case .sampleCount: Double(point.count)
        case .average: point.count > 0 ? point.sum / Double(point.count) : 0
        case .sum: point.sum
        case .minimum: point.least
        case .maximum: point.most
        }
    }
}
