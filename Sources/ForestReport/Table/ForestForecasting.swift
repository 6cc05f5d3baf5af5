/// A table in, the lines that would come next out: the work behind `millrace forest forecast`.

public import RandomCutForest

/// Learns a table line by line, then tells how it would go on.
public struct ForestForecasting: Sendable {
    private var forest: RandomCutForest?
    private let parameters: ForestParameters
    private let seed: UInt64
    private var reader: PointReader
    private var line = 0

    /// - Parameters:
    ///   - parameters: the forest's. A shingle of one period shows where in its course the table is.
    ///   - seed: names the random streams.
    ///   - columns: which columns are read.
    ///   - missing: what a line with a missing value is.
    /// - Throws: ``ForestError/invalidParameter(name:value:rule:)``.
    public init(
        parameters: ForestParameters, seed: UInt64 = 0, columns: ColumnSelection = ColumnSelection(),
        missing: MissingValues = .refuse
    ) throws(ForestError) {
        try parameters.validate(columns: 1)
        self.parameters = parameters
        self.seed = seed
        reader = PointReader(columns, missing: missing)
    }

    /// Learns a line, without its line break.
    /// - Throws: ``LineError`` for one that is no point; the forest is then as before.
    public mutating func learn(line text: some StringProtocol) throws(LineError) {
        line += 1
        guard case .point(let point, _) = try reader.read(text).last else { return }
        do throws(ForestError) {
            if forest == nil { forest = try RandomCutForest(parameters: parameters, dimensions: point.count, seed: seed) }
            // In place, so that the forest has one owner and is not copied.
            try forest?.learn(point)
        } catch {
            throw LineError(line: line, reason: error.description)
        }
    }

    /// A header and a line for each step: its number, and for each column the value with a lower and an upper bound
    /// (`RandomCutForest.forecast(_:)` tells what they mean).
    /// - Returns: nothing while no full shingle was learnt.
    public func forecast(steps: Int) -> [String] {
        guard let estimates = forest?.forecast(steps), !estimates.isEmpty else { return [] }
        let header = ["step"] + reader.names.flatMap { [$0, "\($0)_lower", "\($0)_upper"] }
        let lines = estimates.enumerated().map { step, estimate in
            let fields = estimate.values.indices.flatMap { column in
                [estimate.values[column], estimate.lower[column], estimate.upper[column]].map { "\(Float($0))" }
            }
            return CSVLine.line(["\(step + 1)"] + fields)
        }
        return [CSVLine.line(header)] + lines
    }
}
