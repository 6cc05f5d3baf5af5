/// Where ordinary scores end and anomalies begin, learnt from the scores themselves.

/// A threshold that follows the distribution of a forest's scores, and the grade of a score above it.
///
/// After the reference library's basic thresholder. Three discounted deviations are kept: of the scores, clipped at ``clip``, so that an anomaly
/// does not raise the bar for the next one; of the differences between one score and the next; and of the amounts by which scores fall below
/// their mean, which no anomaly touches. With μ and σ of the first, σ₂ of the second and ς of the third,
///
///     L = min(√2 ς, σ)                                      without a shingle
///     L = ½ min(σ, max(σ₂, √2 ς)) + ½ σ₂                    with one
///     D = (z - 1) L + σ
///     threshold = max(0.8, w (μ + D) + (1 - w) 1.5)
///
/// where z is 3 and w rises from 0 at the 10th score to 1 at the 20th.
///
/// Scores of single records have a long upper tail, of which that rule alone calls four to six in a hundred anomalies where there is only noise. So
/// without a shingle the threshold is also no lower than ``tail``, above which one score in a hundred lies.
public struct ScoreThreshold: Sendable, Equatable {
    /// How many deviations above the mean the threshold lies, and over how many more the grade rises.
    public static let z = 3.0
    /// Scores above it count as it.
    public static let clip = 2.0
    /// No score below it is an anomaly.
    public static let floor = 0.8
    /// The threshold before the first ten scores.
    public static let initial = 1.5

    /// The scores, clipped.
    public private(set) var scores: DiscountedDeviation
    /// Each clipped score less the one before.
    public private(set) var differences: DiscountedDeviation
    /// By how much scores fall below their mean.
    public private(set) var shortfalls: DiscountedDeviation
    /// Whether the points are shingles, so that neighbouring scores resemble each other.
    public let isShingled: Bool
    private var last: Double?
    /// What one clipped score in a hundred exceeds, followed step by step: up by ``tailStep`` σ times 0.99 at a score above it, down by a
    /// hundredth of the step at any other (Robbins and Monro's rule for a quantile).
    public private(set) var tail = 0.0
    private static let tailShare = 0.01
    private static let tailStep = 0.1

    /// - Parameters:
    ///   - memory: after how many scores one's weight has fallen to about 1/e, 2 or more; nil never forgets.
    ///   - isShingled: whether the scores are of shingles of more than one record.
    /// - Precondition: `memory` is 2 or more.
    public init(memory: Int?, isShingled: Bool) {
        precondition(memory ?? 2 >= 2)
        let discount = memory.map { 1 / Double($0) } ?? 0
        scores = DiscountedDeviation(discount: discount)
        differences = DiscountedDeviation(discount: discount)
        shortfalls = DiscountedDeviation(discount: discount)
        self.isShingled = isShingled
    }

    /// Takes a score that a ready forest gave.
    public mutating func update(_ score: Double) {
        let clipped = min(score, Self.clip)
        scores.update(clipped)
        if let last { differences.update(clipped - last) }
        last = clipped
        let shortfall = scores.mean - clipped
        if shortfall > 0 { shortfalls.update(shortfall) }
        if trust < 1 {
            tail = min(scores.mean + 2 * scores.deviation, Self.clip)
        } else {
            let step = Self.tailStep * scores.deviation
            tail = min(max(tail + step * (clipped > tail ? 1 - Self.tailShare : -Self.tailShare), 0), Self.clip)
        }
    }

    /// L: how far scores usually stray, without regard to what anomalies add.
    public var spread: Double {
        let lower = 2.0.squareRoot() * shortfalls.deviation
        guard isShingled else { return min(lower, scores.deviation) }
        return 0.5 * min(scores.deviation, max(differences.deviation, lower)) + 0.5 * differences.deviation
    }

    /// D: how far above the mean the threshold lies once enough scores were seen.
    public var reach: Double {
        // Not 0, so that scores that are all alike but for rounding stay ordinary.
        max((Self.z - 1) * spread + scores.deviation, 1e-9)
    }

    /// w: how much of the threshold is learnt, from 0 to 1.
    public var trust: Double { min(max(Double(scores.count - 10) / 10, 0), 1) }

    /// Scores above it are candidates.
    public var value: Double {
        let learnt = trust * (scores.mean + reach) + (1 - trust) * Self.initial
        return max(Self.floor, learnt, isShingled ? 0 : tail)
    }

    /// How anomalous a score is: 0 up to the threshold and a little above it, then in steps of 1/16 to 1.
    /// - Parameter factor: raises the threshold, 1 or more.
    public func grade(_ score: Double, factor: Double = 1) -> Double {
        let excess = score - factor * value
        guard excess > 0 else { return 0 }
        let share = min(Self.z, excess * Self.z / reach) / Self.z
        return min(1, (20 * share).rounded(.down) / 16)
    }

    /// The plain rule of mean and deviation: 0 at μ + zσ, 1 at μ + 2zσ. For comparison; the detector uses ``grade(_:factor:)``.
    public func simpleGrade(_ score: Double) -> Double {
        let deviation = max(scores.deviation, 1e-9)
        return min(max(((score - scores.mean) / deviation - Self.z) / Self.z, 0), 1)
    }
}

extension ScoreThreshold {
    func write(to writer: inout SnapshotWriter) {
        writer.byte(isShingled ? 1 : 0)
        writer.double(scores.discount)
        scores.write(to: &writer)
        differences.write(to: &writer)
        shortfalls.write(to: &writer)
        writer.double(last ?? .nan)
        writer.double(tail)
    }

    /// - Throws: ``ForestError/damagedSnapshot(reason:)``.
    init(from reader: inout SnapshotReader) throws(ForestError) {
        let shingled = try reader.byte()
        let discount = try reader.double()
        guard shingled <= 1, discount >= 0, discount <= 0.5 else { throw .damagedSnapshot(reason: "a threshold is out of range") }
        isShingled = shingled == 1
        scores = try DiscountedDeviation(discount: discount, from: &reader)
        differences = try DiscountedDeviation(discount: discount, from: &reader)
        shortfalls = try DiscountedDeviation(discount: discount, from: &reader)
        let saved = try reader.double()
        guard saved.isNaN || (saved >= 0 && saved <= Self.clip) else { throw .damagedSnapshot(reason: "a score is out of range") }
        last = saved.isNaN ? nil : saved
        tail = try reader.double()
        guard tail >= 0, tail <= Self.clip else { throw .damagedSnapshot(reason: "a threshold is out of range") }
    }
}
