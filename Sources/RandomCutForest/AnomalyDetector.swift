/// A forest and a threshold that learns from its scores: says of each record how anomalous it is, without a number set by hand.

/// What a detector says of one record.
public struct AnomalyReading: Sendable, Equatable {
    /// The forest's score; 0 while the forest is not ready.
    public var score: Double
    /// How anomalous the record is, 0 (ordinary) to 1, in steps of 1/16.
    public var grade: Double
    /// How much the grade rests on, 0 to below 1: see ``AnomalyDetector/confidence``.
    public var confidence: Double
    /// The threshold that the score was held against.
    public var threshold: Double
    /// What makes the record strange; for anomalies, and for every record when asked.
    public var attribution: Attribution?
    /// The record that would have been ordinary here, for anomalies that carry an attribution: what the forest makes of the shingle with the newest record
    /// missing (``RandomCutForest/impute(_:)``); without a shingle, the middle of what was seen.
    public var expected: [Double]?

    public var isAnomaly: Bool { grade > 0 }
}

/// Grades each record of a stream, then learns it.
///
/// A score alone needs a limit that fits the data: 4 is much in one stream and little in another. The detector keeps a ``ScoreThreshold`` over the
/// forest's own scores and turns the score into a grade. A value type like the forest; a record that the forest refuses (NaN, infinite, too
/// large, of another number of columns) is refused here with the same error and leaves no trace. Records with missing values are the caller's:
/// leave them out, or fill them in first.
///
/// With a shingle, a strange record is part of as many points as the shingle has places, and all of them score high. Within one shingle after an
/// anomaly a further one counts only if the records since then are strange themselves: their part of the attribution must be more than
/// 0.3 of the last anomaly's score, and, scaled up to a whole shingle, clear the threshold raised by a fifth (after the reference library's
/// predictor-corrector, without its comparison to an expected point).
public struct AnomalyDetector: Sendable {
    /// When a reading carries its attribution, which costs about as much as two scores.
    public enum Explanation: Sendable {
        case never, anomalies, always
    }

    private struct Anomaly: Equatable {
        /// The number of records before it.
        var record: Int
        var score: Double
    }

    /// The part of the last anomaly's score that newer records must account for.
    private static let ignoredShare = 0.3
    /// How much higher the threshold is for them.
    private static let raisedThreshold = 1.2

    private var forest: RandomCutForest
    /// What was learnt of the scores.
    public private(set) var threshold: ScoreThreshold
    private var lastAnomaly: Anomaly?

    /// An empty detector.
    /// - Parameters:
    ///   - parameters: the forest's; either score mode will do.
    ///   - dimensions: number of columns of a record.
    ///   - seed: names the forest's random streams.
    ///   - scoreMemory: after how many scores one's weight in the threshold has fallen to about 1/e, 2 to 2^31 - 1; nil is ten times the
    ///     sample size, the reference library's default.
    /// - Throws: ``ForestError/invalidParameter(name:value:rule:)``.
    public init(parameters: ForestParameters, dimensions: Int, seed: UInt64, scoreMemory: Int?) throws(ForestError) {
        forest = try RandomCutForest(parameters: parameters, dimensions: dimensions, seed: seed)
        let memory = scoreMemory ?? 10 * parameters.sampleSize
        guard (2...2_147_483_647).contains(memory) else {
            throw .invalidParameter(name: "scoreMemory", value: "\(memory)", rule: "it must be from 2 to 2147483647")
        }
        threshold = ScoreThreshold(memory: memory, isShingled: parameters.shingleSize > 1)
    }

    /// An empty detector with the default memory of scores.
    public init(parameters: ForestParameters, dimensions: Int, seed: UInt64) throws(ForestError) {
        try self.init(parameters: parameters, dimensions: dimensions, seed: seed, scoreMemory: nil)
    }

    public var parameters: ForestParameters { forest.parameters }
    public var dimensions: Int { forest.dimensions }
    /// Number of records learnt so far.
    public var recordCount: Int { forest.recordCount }
    /// Whether the next record gets a score.
    public var isReady: Bool { forest.isReady }

    /// How much the next grade rests on, 0 to below 1: the part of the sample that is filled, times 1 - 1/√(1 + W) with W the weight of the scores
    /// that the threshold was learnt from, so one less the relative error of a mean over so many. 0.78 after 20 scores, 0.94 after 256.
    public var confidence: Double {
        let points = max(forest.recordCount - parameters.shingleSize + 1, 0)
        let filled = min(Double(points) / Double(parameters.sampleSize), 1)
        return filled * (1 - 1 / (1 + threshold.scores.weight).squareRoot())
    }

    /// Grades a record against what was seen, then learns it.
    /// - Parameter explanation: which readings carry an attribution.
    /// - Throws: ``ForestError/wrongColumnCount(expected:found:)`` or ``ForestError/unusableValue(column:value:)``; the detector is then as
    ///   before.
    public mutating func process(_ record: [Double], explanation: Explanation = .anomalies) throws(ForestError) -> AnomalyReading {
        var reading = AnomalyReading(
            score: try forest.score(record), grade: 0, confidence: confidence, threshold: threshold.value, attribution: nil,
            expected: nil)
        if forest.isReady {
            reading.grade = threshold.grade(reading.score)
            let sinceLast = lastAnomaly.map { forest.recordCount - $0.record } ?? .max
            let isInShadow = reading.grade > 0 && sinceLast < parameters.shingleSize
            if explanation == .always || isInShadow || (reading.grade > 0 && explanation == .anomalies) {
                reading.attribution = try forest.attribution(record)
            }
            if isInShadow, let attribution = reading.attribution, let lastAnomaly,
                !isNew(attribution, records: sinceLast, after: lastAnomaly)
            {
                reading.grade = 0
            }
            threshold.update(reading.score)
            if reading.grade > 0 { lastAnomaly = Anomaly(record: forest.recordCount, score: reading.score) }
            if reading.isAnomaly, explanation != .never {
                reading.expected = try forest.impute([Double?](repeating: nil, count: record.count))?.values
            }
            if explanation == .never || (explanation == .anomalies && reading.grade == 0) { reading.attribution = nil }
        } else if explanation == .always {
            reading.attribution = try forest.attribution(record)
        }
        try forest.learn(record)
        return reading
    }

    /// Whether the newest records of the shingle are strange in their own right.
    private func isNew(_ attribution: Attribution, records: Int, after anomaly: Anomaly) -> Bool {
        let newest = (attribution.high.count - records * attribution.columns)..<attribution.high.count
        let part = newest.reduce(0) { $0 + attribution.high[$1] + attribution.low[$1] }
        guard part > Self.ignoredShare * anomaly.score else { return false }
        let scaled = part * Double(parameters.shingleSize) / Double(records)
        return threshold.grade(scaled, factor: Self.raisedThreshold) > 0
    }

    // MARK: Snapshots

    private static let magic: [UInt8] = [0x4D, 0x52, 0x43, 0x44]
    private static let version: UInt8 = 1

    /// The whole state in compact bytes, format 1: "MRCD", version, the threshold, the last anomaly (0, or 1, its record and its score), a checksum
    /// of these, then the forest's snapshot.
    public func snapshot() -> [UInt8] {
        var writer = SnapshotWriter()
        for byte in Self.magic { writer.byte(byte) }
        writer.byte(Self.version)
        threshold.write(to: &writer)
        writer.byte(lastAnomaly == nil ? 0 : 1)
        if let lastAnomaly {
            writer.count(lastAnomaly.record)
            writer.double(lastAnomaly.score)
        }
        writer.word(snapshotChecksum(writer.bytes[...]))
        return writer.bytes + forest.snapshot()
    }

    /// The detector that ``snapshot()`` wrote; it goes on with the same readings to the bit.
    /// - Parameters:
    ///   - bytes: what ``snapshot()`` gave.
    ///   - memoryLimit: as in ``RandomCutForest/init(restoring:memoryLimit:)``.
    /// - Throws: ``ForestError/unsupportedSnapshot(version:)``, ``ForestError/damagedSnapshot(reason:)`` or
    ///   ``ForestError/invalidParameter(name:value:rule:)``.
    public init(restoring bytes: [UInt8], memoryLimit: Int = .max) throws(ForestError) {
        guard bytes.count > Self.magic.count, bytes.starts(with: Self.magic) else {
            throw .damagedSnapshot(reason: "it does not begin as a detector's")
        }
        guard bytes[Self.magic.count] == Self.version else { throw .unsupportedSnapshot(version: bytes[Self.magic.count]) }
        var reader = SnapshotReader(bytes[(Self.magic.count + 1)...])
        threshold = try ScoreThreshold(from: &reader)
        if try reader.count(upTo: 1) == 1 {
            lastAnomaly = Anomaly(record: try reader.count(upTo: 1 << 53), score: try reader.double())
        }
        let end = bytes.endIndex - reader.remaining
        guard try reader.word() == snapshotChecksum(bytes[..<end]) else {
            throw .damagedSnapshot(reason: "the detector's checksum is wrong")
        }
        forest = try RandomCutForest(restoring: Array(bytes[(end + 8)...]), memoryLimit: memoryLimit)
        guard threshold.isShingled == (forest.parameters.shingleSize > 1), lastAnomaly?.record ?? 0 <= forest.recordCount,
            lastAnomaly?.score.isFinite ?? true
        else { throw .damagedSnapshot(reason: "the detector and its forest contradict each other") }
    }
}
