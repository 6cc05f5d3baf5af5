/// What the forest's functions add to a row: the score, its explanation, its grade.

import RandomCutForest
import StreamSQL

/// The columns that one of the forest's functions adds, under construction.
protocol ForestResults: Sendable {
    /// What the function keeps: a forest, or a detector.
    associatedtype Model: ForestModel
    /// What the call says besides the forest's parameters.
    associatedtype Settings: Sendable
    /// Names the kind of state that the function keeps.
    static var kind: String { get }

    init(_ settings: Settings, capacity: Int)
    /// Asks the model about a point, has it learn the point, and appends a row.
    mutating func append(_ point: [Double], _ model: inout Model) throws(ForestError)
    mutating func appendNull()
    func finish() -> [Column]
}

/// ANOMALY_SCORE.
struct ScoreResults: ForestResults {
    static let kind = "forest"
    private var scores: ColumnBuilder

    init(_ settings: Void, capacity: Int) { scores = ColumnBuilder(.double, capacity: capacity) }

    mutating func append(_ point: [Double], _ forest: inout RandomCutForest) throws(ForestError) {
        scores.append(try forest.scoreAndLearn(point))
    }

    mutating func appendNull() { scores.appendNull() }
    func finish() -> [Column] { [scores.finish()] }
}

/// ANOMALY_SCORE, ANOMALY_GRADE and ANOMALY_CONFIDENCE.
struct GradeResults: ForestResults {
    static let kind = "detector"
    private var scores: ColumnBuilder
    private var grades: ColumnBuilder
    private var confidences: ColumnBuilder

    init(_ settings: Void, capacity: Int) {
        scores = ColumnBuilder(.double, capacity: capacity)
        grades = scores
        confidences = scores
    }

    mutating func append(_ point: [Double], _ detector: inout AnomalyDetector) throws(ForestError) {
        let reading = try detector.process(point, explanation: .never)
        scores.append(reading.score)
        grades.append(reading.grade)
        confidences.append(reading.confidence)
    }

    mutating func appendNull() {
        scores.appendNull()
        grades.appendNull()
        confidences.appendNull()
    }

    func finish() -> [Column] { [scores.finish(), grades.finish(), confidences.finish()] }
}

/// ANOMALY_SCORE and ANOMALY_EXPLANATION.
struct ExplanationResults: ForestResults {
    // The same state as for scores alone: an explanation may be added to a program whose forest has learnt.
    static let kind = "forest"

    struct Settings {
        var withDirectionality: Bool
        /// The type of ANOMALY_EXPLANATION.
        var type: SQLType
        /// The names of the numeric columns.
        var names: [String]
    }

    private let settings: Settings
    private let names: [[UInt8]]
    private var scores: ColumnBuilder
    private var explanations: ColumnBuilder
    private var text: [UInt8] = []

    init(_ settings: Settings, capacity: Int) {
        self.settings = settings
        names = settings.names.map { ForestExplanation.quoted($0) }
        scores = ColumnBuilder(.double, capacity: capacity)
        explanations = ColumnBuilder(settings.type, capacity: capacity)
    }

    mutating func append(_ point: [Double], _ forest: inout RandomCutForest) throws(ForestError) {
        let attribution = try forest.attribution(point)
        scores.append(try forest.scoreAndLearn(point))
        text.removeAll(keepingCapacity: true)
        ForestExplanation.append(attribution, names: names, withDirectionality: settings.withDirectionality, to: &text)
        explanations.append(bytes: text)
    }

    mutating func appendNull() {
        scores.appendNull()
        explanations.appendNull()
    }

    func finish() -> [Column] { [scores.finish(), explanations.finish()] }
}
