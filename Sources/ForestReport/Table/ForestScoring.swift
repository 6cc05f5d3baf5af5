/// Lines of comma-separated points in, lines with their scores out: the work behind `millrace forest score`.

public import RandomCutForest

/// Scores a table line by line. One line comes out for each that goes in, so that the two can be put side by side; a header's may come together
/// with that of the line after it:
///
/// - a header (see ``ColumnSelection``) gives the header of what comes out: `score`, and where asked for `grade,confidence` and for each column
///   `NAME_high,NAME_low`;
/// - a point gives its score, in the shortest form that reads back as the same number; its grade and the confidence in it; and for each
///   column what its being too high and too low add to the score, over all places of the shingle, so that these sum to the score;
/// - a line with a missing value, where these are to be passed over, gives as many empty fields.
public struct ForestScoring: Sendable {
    /// What comes out beside the score.
    public struct Output: OptionSet, Sendable {
        public let rawValue: Int
        public init(rawValue: Int) { self.rawValue = rawValue }
        /// The grade, 0 to 1, and the confidence in it.
        public static let grade = Output(rawValue: 1)
        /// Each column's part of the score, high and low.
        public static let explanation = Output(rawValue: 2)
    }

    private var detector: AnomalyDetector?
    private let parameters: ForestParameters
    private let seed: UInt64
    private let output: Output
    private var reader: PointReader
    private var line = 0

    /// - Parameters:
    ///   - parameters: the forest's.
    ///   - dimensions: number of columns of every point; nil takes the first point's.
    ///   - seed: names the random streams.
    ///   - columns: which columns are read.
    ///   - missing: what a line with a missing value is.
    ///   - output: what comes out beside the score.
    /// - Throws: ``ForestError/invalidParameter(name:value:rule:)``.
    public init(
        parameters: ForestParameters, dimensions: Int? = nil, seed: UInt64 = 0, columns: ColumnSelection = ColumnSelection(),
        missing: MissingValues = .refuse, output: Output = []
    ) throws(ForestError) {
        try parameters.validate(columns: dimensions ?? 1)
        detector =
            if let dimensions { try AnomalyDetector(parameters: parameters, dimensions: dimensions, seed: seed) } else { nil }
        self.parameters = parameters
        self.seed = seed
        self.output = output
        reader = PointReader(columns, missing: missing)
    }

    /// What a line, without its line break, gives: none to two lines. After an error the forest is as before, and scoring may go on with the
    /// next line.
    public mutating func score(line text: some StringProtocol) throws(LineError) -> [String] {
        line += 1
        var written: [String] = []
        for line in try reader.read(text) { written.append(try score(line)) }
        return written
    }

    /// What is left to be written after the last line.
    public mutating func finish() throws(LineError) -> [String] {
        var written: [String] = []
        for line in try reader.finish() { written.append(try score(line)) }
        return written
    }

    private mutating func score(_ read: PointReader.Line) throws(LineError) -> String {
        switch read {
        case .header(let names):
            var fields = ["score"]
            if output.contains(.grade) { fields += ["grade", "confidence"] }
            if output.contains(.explanation) { fields += names.flatMap { ["\($0)_high", "\($0)_low"] } }
            return CSVLine.line(fields)
        case .missing:
            let columns = output.contains(.explanation) ? 2 * (detector?.dimensions ?? reader.names.count) : 0
            return String(repeating: ",", count: columns + (output.contains(.grade) ? 2 : 0))
        case .point(let point, _):
            let reading: AnomalyReading
            do throws(ForestError) {
                reading = try process(point)
            } catch {
                throw LineError(line: line, reason: error.description)
            }
            return written(reading, columns: point.count)
        }
    }

    /// Scores all lines in order and hands each line that comes out to `output` as it is ready.
    /// - Throws: ``LineError`` at the first line that is no point; what came before it has been handed out.
    public mutating func run(lines: some Sequence<some StringProtocol>, output: (String) -> Void) throws(LineError) {
        for text in lines { try score(line: text).forEach(output) }
        try finish().forEach(output)
    }

    private mutating func process(_ point: [Double]) throws(ForestError) -> AnomalyReading {
        if detector == nil { detector = try AnomalyDetector(parameters: parameters, dimensions: point.count, seed: seed) }
        // In place, so that the forest has one owner and is not copied.
        guard let reading = try detector?.process(point, explanation: output.contains(.explanation) ? .always : .never) else {
            preconditionFailure("the detector was just made")
        }
        return reading
    }

    private func written(_ reading: AnomalyReading, columns: Int) -> String {
        var text = "\(reading.score)"
        if output.contains(.grade) { text += ",\(reading.grade),\(reading.confidence)" }
        if output.contains(.explanation) {
            for column in 0..<columns {
                let part = reading.attribution?.part(ofColumn: column) ?? (high: 0, low: 0)
                text += ",\(part.high),\(part.low)"
            }
        }
        return text
    }
}
