/// What a plot shows: readings over time with what a detector said of each.

public import RandomCutForest

/// A table's points, scored. Rows with a missing value are gaps.
public struct ForestSeries: Sendable {
    /// The names of the columns.
    public private(set) var names: [String] = []
    /// Milliseconds since 1970-01-01 UTC; nil where the table has no times: points are then numbered from 1.
    public private(set) var times: [Int64]?
    /// By column; NaN in a gap.
    public private(set) var values: [[Double]] = []
    /// NaN in a gap and before the forest was ready.
    public private(set) var scores: [Double] = []
    public private(set) var thresholds: [Double] = []
    public private(set) var grades: [Double] = []
    /// For each anomaly, the column with the largest part in its score, whether it is too high, and what would have been ordinary there.
    public private(set) var causes: [Int: (column: Int, isHigh: Bool, expected: Double?)] = [:]
    /// The place of the first point with a score; nil when there is none.
    public private(set) var firstScored: Int?

    public var count: Int { scores.count }
    public var anomalies: [Int] { grades.indices.filter { grades[$0] > 0 } }

    /// Reads a table and scores it.
    /// - Parameters:
    ///   - lines: without line breaks; times must not decrease.
    ///   - parameters: the forest's.
    ///   - seed: names its random streams.
    ///   - columns: which columns are read.
    /// - Throws: ``LineError`` for the first line that is no point, line 0 for a table without points.
    public init(
        lines: some Sequence<String>, parameters: ForestParameters, seed: UInt64 = 0, columns: ColumnSelection = ColumnSelection(),
        missing: MissingValues = .skip
    ) throws(LineError) {
        var reader = PointReader(columns, missing: missing)
        var detector: AnomalyDetector?
        var line = 0
        for text in lines {
            line += 1
            switch try reader.read(text).last {
            case nil, .header: continue
            case .missing(let time):
                try append(time: time, line: line)
                appendGap(reader.names.count)
            case .point(let point, let time):
                try append(time: time, line: line)
                do throws(ForestError) {
                    if detector == nil {
                        detector = try AnomalyDetector(parameters: parameters, dimensions: point.count, seed: seed)
                    }
                    let isReady = detector?.isReady ?? false
                    guard let reading = try detector?.process(point) else { preconditionFailure("the detector was just made") }
                    append(point, reading, isReady: isReady)
                } catch {
                    throw LineError(line: line, reason: error.description)
                }
            }
        }
        names = reader.names
        guard count > 0 else { throw LineError(line: line, reason: "the table has no points") }
    }

    private mutating func append(time: Int64?, line: Int) throws(LineError) {
        guard let time else { return }
        if let last = times?.last, time < last {
            throw LineError(line: line, reason: "\(TimeText.written(time)) lies before the line before it; sort the table by time")
        }
        if times == nil { times = [] }
        times?.append(time)
    }

    private mutating func appendGap(_ columns: Int) {
        if values.isEmpty { values = Array(repeating: [], count: columns) }
        for column in values.indices { values[column].append(.nan) }
        scores.append(.nan)
        thresholds.append(.nan)
        grades.append(0)
    }

    private mutating func append(_ point: [Double], _ reading: AnomalyReading, isReady: Bool) {
        if values.isEmpty { values = Array(repeating: [], count: point.count) }
        for (column, value) in point.enumerated() { values[column].append(value) }
        if isReady, firstScored == nil { firstScored = scores.count }
        if let attribution = reading.attribution, reading.isAnomaly {
            let parts = point.indices.map { attribution.part(ofColumn: $0) }
            if let column = parts.indices.max(by: { parts[$0].high + parts[$0].low < parts[$1].high + parts[$1].low }) {
                causes[scores.count] = (column, parts[column].high > parts[column].low, reading.expected?[column])
            }
        }
        scores.append(isReady ? reading.score : .nan)
        thresholds.append(isReady ? reading.threshold : .nan)
        grades.append(reading.grade)
    }
}
