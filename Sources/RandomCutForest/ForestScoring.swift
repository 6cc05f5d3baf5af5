/// Lines of comma-separated points in, lines with their scores out: the work behind `millrace forest score`.
public struct ForestScoring: Sendable {
    /// A line that is no point of this forest. Lines count from 1.
    public struct LineError: Error, Equatable, Sendable, CustomStringConvertible {
        public let line: Int
        public let reason: String
        public var description: String { "line \(line): \(reason)" }
    }

    private var forest: RandomCutForest?
    private let parameters: ForestParameters
    private let seed: UInt64
    private var line = 0

    /// - Parameters:
    ///   - parameters: the forest's.
    ///   - dimensions: number of columns of every line; nil takes the first line's.
    ///   - seed: names the random streams.
    /// - Throws: ``ForestError/invalidParameter(name:value:rule:)``.
    public init(parameters: ForestParameters, dimensions: Int? = nil, seed: UInt64 = 0) throws(ForestError) {
        try parameters.validate(columns: dimensions ?? 1)
        forest = if let dimensions { try RandomCutForest(parameters: parameters, dimensions: dimensions, seed: seed) } else { nil }
        self.parameters = parameters
        self.seed = seed
    }

    /// The score of one more line, without line break, in the shortest form that reads back as the same number. Spaces around a
    /// number are allowed. After an error the forest is as before, and scoring may go on with the next line.
    public mutating func score(line text: some StringProtocol) throws(LineError) -> String {
        line += 1
        var point: [Double] = []
        for (column, field) in text.split(separator: ",", omittingEmptySubsequences: false).enumerated() {
            guard let value = Double(Self.trimmed(field)) else {
                throw LineError(line: line, reason: "column \(column + 1) is '\(field.prefix(40))', not a number")
            }
            point.append(value)
        }
        do throws(ForestError) {
            return "\(try scoreAndLearn(point))"
        } catch {
            throw LineError(line: line, reason: error.description)
        }
    }

    private mutating func scoreAndLearn(_ point: [Double]) throws(ForestError) -> Double {
        if forest == nil { forest = try RandomCutForest(parameters: parameters, dimensions: point.count, seed: seed) }
        // In place, so that the forest has one owner and is not copied.
        guard let score = try forest?.scoreAndLearn(point) else { preconditionFailure("the forest was just made") }
        return score
    }

    /// Scores all lines in order and hands each score line to `output` as it is ready.
    /// - Throws: ``LineError`` at the first line that is no point; the scores before it have been handed out.
    public mutating func run(lines: some Sequence<some StringProtocol>, output: (String) -> Void) throws(LineError) {
        for text in lines { output(try score(line: text)) }
    }

    private static func trimmed(_ field: some StringProtocol) -> Substring {
        var rest = Substring(field)
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return rest
    }
}
