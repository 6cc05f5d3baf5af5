/// Prometheus's text format, version 0.0.4 (Prometheus documentation, "Exposition formats").

enum Exposition {
    /// The media type of the text.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    static func text(
        _ name: String, _ family: MetricsRegistry.Family, _ samples: [MetricsRegistry.Sample],
        _ sampled: MetricsRegistry.HistogramSample?
    ) -> String {
        var text = "# HELP \(name) \(escaped(family.help, quotes: false))\n# TYPE \(name) \(family.type)\n"
        for (labels, instrument) in family.instruments.sorted(by: { $0.key < $1.key }) {
            switch instrument {
            case .counter(let counter): text += line(name, labels, String(counter.value))
            case .gauge(let gauge): text += line(name, labels, number(gauge.value))
            case .histogram(let histogram):
                let sample = MetricsRegistry.HistogramSample(
                    bounds: histogram.bounds, counts: histogram.snapshot, sum: histogram.sum)
                text += histogramLines(name, labels, sample)
            }
        }
        if let sampled { text += histogramLines(name, "", sampled) }
        for sample in samples { text += line(name, self.labels(sample.labels), number(sample.value)) }
        return text
    }

    private static func histogramLines(_ name: String, _ labels: String, _ histogram: MetricsRegistry.HistogramSample) -> String {
        var text = ""
        var total: UInt64 = 0
        for (index, count) in histogram.counts.enumerated() {
            total &+= count
            let bound = index < histogram.bounds.count ? number(histogram.bounds[index]) : "+Inf"
            let bucket = "le=\"\(bound)\""
            text += line(name + "_bucket", labels.isEmpty ? bucket : labels + "," + bucket, String(total))
        }
        return text + line(name + "_sum", labels, number(histogram.sum)) + line(name + "_count", labels, String(total))
    }

    private static func line(_ name: String, _ labels: String, _ value: String) -> String {
        labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }

    /// `a="1",b="2"`.
    static func labels(_ labels: [MetricsRegistry.Label]) -> String {
        labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",")
    }

    /// Whole numbers without a fraction, as counters are expected to look.
    private static func number(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return String(whole) }
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value.description
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}

extension MetricsRegistry {
    /// The media type of `exposition()`.
    public static var contentType: String { Exposition.contentType }
}
