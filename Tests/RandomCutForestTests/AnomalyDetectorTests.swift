/// The grade follows the scores' own distribution: what is an anomaly in one stream is ordinary in another.
import Foundation
import RandomCutForest
import Testing

@Suite struct ScoreThresholds {
    private func filled(_ scores: [Double], isShingled: Bool = false, memory: Int? = nil) -> ScoreThreshold {
        var threshold = ScoreThreshold(memory: memory, isShingled: isShingled)
        for score in scores { threshold.update(score) }
        return threshold
    }

    /// Scores from 0.9 to 1.1 in seven steps, again and again.
    private func steps(_ count: Int) -> [Double] {
        (0..<count).map { number -> Double in
            let step = Double(number % 7) - 3
            return 1 + step / 30
        }
    }

    @Test("mean and deviation without forgetting are the plain ones; with it, older numbers weigh (1 - δ) per step")
    func deviation() {
        var plain = DiscountedDeviation(discount: 0)
        var discounted = DiscountedDeviation(discount: 0.25)
        for value in [2.0, 4, 9] {
            plain.update(value)
            discounted.update(value)
        }
        #expect(abs(plain.mean - 5) < 1e-12)
        #expect(abs(plain.deviation - (26.0 / 3).squareRoot()) < 1e-12)
        // Weights 9/16, 3/4 and 1.
        let weight = 37.0 / 16
        let mean = (2 * 9.0 / 16 + 4 * 0.75 + 9) / weight
        let square = (4 * 9.0 / 16 + 16 * 0.75 + 81) / weight
        #expect(abs(discounted.weight - weight) < 1e-12)
        #expect(abs(discounted.mean - mean) < 1e-12)
        #expect(abs(discounted.deviation - (square - mean * mean).squareRoot()) < 1e-12)
    }

    @Test("before ten scores the threshold is 1.5, after twenty it is learnt, and it is never below 0.8")
    func warmUp() {
        #expect(filled([]).value == 1.5)
        #expect(filled([Double](repeating: 0.4, count: 10)).value == 1.5)
        let half = filled([Double](repeating: 1, count: 15))
        #expect(abs(half.value - 1.25) < 1e-6)
        #expect(filled([Double](repeating: 0.4, count: 20)).value == 0.8)
        #expect(abs(filled([Double](repeating: 1, count: 20)).value - 1) < 1e-6)
    }

    @Test(
        "the threshold of scores is the mean, the deviation, and twice the smaller spread; without a shingle no lower than the tail"
    )
    func formula() {
        // 0.9 and 1.1 in turn: μ 1, σ 0.1; shortfalls of about 0.1 each, so that ς is nearly 0.
        let threshold = filled((0..<2_000).map { $0 % 2 == 0 ? 0.9 : 1.1 })
        let spread = min(2.0.squareRoot() * threshold.shortfalls.deviation, threshold.scores.deviation)
        #expect(abs(threshold.scores.mean - 1) < 1e-9)
        #expect(abs(threshold.scores.deviation - 0.1) < 1e-9)
        #expect(abs(threshold.reach - (0.1 + 2 * spread)) < 1e-9)
        #expect(threshold.value == max(threshold.scores.mean + threshold.reach, threshold.tail))
        // Half of these scores lie above the mean, none above 1.1.
        #expect(abs(threshold.tail - 1.1) < 0.01)
        #expect(threshold.shortfalls.deviation < 0.01)

        let shingled = filled((0..<2_000).map { $0 % 2 == 0 ? 0.9 : 1.1 }, isShingled: true)
        // Differences of ±0.2 have the deviation 0.2; L = ½ min(0.1, max(0.2, ·)) + ½ 0.2.
        #expect(abs(shingled.spread - 0.15) < 1e-3)
        #expect(abs(shingled.value - (1 + 0.1 + 2 * 0.15)) < 2e-3)
    }

    @Test("a grade rises in steps of 1/16 from just above the threshold to 1, and is 0 below")
    func grades() {
        let threshold = filled(steps(2_000))
        var last = 0.0
        for step in 0...200 {
            let score = 0.5 + Double(step) * 0.02
            let grade = threshold.grade(score)
            #expect(grade >= last && grade <= 1 && (grade * 16).rounded() == grade * 16)
            #expect(score > threshold.value || grade == 0)
            last = grade
        }
        #expect(last == 1)
        #expect(threshold.grade(threshold.value) == 0)
        #expect(threshold.grade(threshold.value + 0.81 * threshold.reach) == 1)
        #expect(threshold.grade(threshold.value + 0.52 * threshold.reach) == 0.625)
        // μ = 1, σ = 1/15: the plain rule starts three of them above and ends six above.
        let deviation = threshold.scores.deviation
        let mean = threshold.scores.mean
        #expect(threshold.simpleGrade(mean + 2.9 * deviation) == 0)
        #expect(abs(threshold.simpleGrade(mean + 4.5 * deviation) - 0.5) < 1e-9)
        #expect(threshold.simpleGrade(mean + 6.1 * deviation) == 1)
    }

    @Test("one enormous score hardly moves the threshold, for scores are clipped at 2")
    func clipping() {
        let scores = steps(500)
        let before = filled(scores).value
        let after = filled(scores + [8]).value
        #expect(after == filled(scores + [2]).value)
        #expect(after > before && after < before + 0.05)
    }
}

@Suite struct AnomalyDetection {
    static let isFull = ProcessInfo.processInfo.environment["MILLRACE_FULL"] == "1"

    private func report(_ text: @autoclosure () -> String) {
        if Self.isFull { print(text()) }
    }

    @Test("in a constant stream nothing is an anomaly, and any other value is one of grade 1", arguments: [1, 4])
    func constant(shingle: Int) throws {
        for mode in [ScoreMode.library, .kinesisSQL] {
            var detector = try AnomalyDetector(
                parameters: ForestParameters(shingleSize: shingle, mode: mode), dimensions: 1, seed: 1)
            for _ in 0..<1_000 {
                let reading = try detector.process([7])
                #expect(reading.grade == 0 && reading.attribution == nil)
            }
            let change = try detector.process([8])
            #expect(change.grade == 1)
            let part = try #require(change.attribution).part(ofColumn: 0)
            #expect(part.high > part.low)
            #expect(abs((change.attribution?.total ?? 0) - change.score) < 1e-9)
        }
    }

    @Test("the score is the forest's, whatever is asked for")
    func scores() throws {
        let parameters = ForestParameters(trees: 20, sampleSize: 64, timeDecay: 500, shingleSize: 3)
        var forest = try RandomCutForest(parameters: parameters, dimensions: 2, seed: 5)
        var never = try AnomalyDetector(parameters: parameters, dimensions: 2, seed: 5)
        var (some, always) = (never, never)
        var random = RandomSource(seed: 1, stream: 0)
        for t in 0..<1_500 {
            let record = [random.unit() + (t % 97 == 0 ? 9 : 0), random.unit()]
            let attribution = try forest.attribution(record)
            let score = try forest.scoreAndLearn(record)
            let a = try never.process(record, explanation: .never)
            let b = try some.process(record)
            let c = try always.process(record, explanation: .always)
            #expect(a.score == score && b.score == score && c.score == score)
            #expect(a.grade == b.grade && b.grade == c.grade)
            #expect(a.attribution == nil && (b.attribution != nil) == b.isAnomaly)
            #expect(c.attribution == attribution)
        }
    }

    @Test("confidence grows from 0 with what was seen, and stays below 1")
    func confidence() throws {
        var detector = try AnomalyDetector(
            parameters: ForestParameters(trees: 10, sampleSize: 32, shingleSize: 2, mode: .library), dimensions: 1, seed: 1)
        var random = RandomSource(seed: 1, stream: 0)
        var last = 0.0
        for t in 0..<400 {
            let reading = try detector.process([random.unit()])
            #expect(reading.confidence >= last && reading.confidence < 1)
            #expect((reading.confidence > 0) == (t > 9), "record \(t)")
            last = reading.confidence
        }
        #expect(last > 0.9)
    }

    @Test(
        "what the forest refuses the detector refuses, and goes on as if it had not been",
        arguments: [[Double.nan], [.infinity], [-.infinity], [1e301], [], [1, 2]])
    func refusals(_ record: [Double]) throws {
        var touched = try AnomalyDetector(parameters: ForestParameters(trees: 10, sampleSize: 16), dimensions: 1, seed: 1)
        var untouched = touched
        for t in 0..<200 {
            #expect(throws: ForestError.self) { try touched.process(record) }
            #expect(try touched.process([Double(t % 5)]) == untouched.process([Double(t % 5)]))
        }
        #expect(touched.snapshot() == untouched.snapshot())
        #expect(throws: ForestError.self) {
            try AnomalyDetector(parameters: .kinesisSQL, dimensions: 1, seed: 1, scoreMemory: 1)
        }
    }

    @Test(
        "every spike is graded an anomaly, and few ordinary readings are: 1 in 100 where the forest forgets fast, else 1 in 1000",
        arguments: [(120, 100), (100_000, 1_000)])
    func spikes(timeDecay: Int, oneIn: Int) throws {
        for mode in [ScoreMode.library, .kinesisSQL] {
            var (spikes, found, ordinary, wrong) = (0, 0, 0, 0)
            for seed: UInt64 in 1...3 {
                var random = RandomSource(seed: 2_000 + seed, stream: 0)
                var detector = try AnomalyDetector(
                    parameters: ForestParameters(timeDecay: timeDecay, mode: mode), dimensions: 1, seed: seed)
                for t in 0..<20_000 {
                    let isSpike = t >= 300 && random.next() % 200 == 0
                    var value = Int(random.next() % 11) - 5
                    if isSpike { value = (random.next() % 2 == 0 ? 1 : -1) * Int(400 + random.next() % 101) }
                    let reading = try detector.process([Double(value)], explanation: .never)
                    guard t >= 300 else { continue }
                    if isSpike {
                        spikes += 1
                        if reading.isAnomaly { found += 1 }
                    } else {
                        ordinary += 1
                        if reading.isAnomaly { wrong += 1 }
                    }
                }
            }
            report("grades, \(mode), decay \(timeDecay): \(found) of \(spikes) spikes, \(wrong) of \(ordinary) ordinary readings")
            #expect(found == spikes)
            #expect(wrong * oneIn <= ordinary)
        }
    }

    @Test(
        "of noise alone about one reading in a hundred is called an anomaly, whatever its distribution",
        arguments: ["uniform", "exponential", "two columns"])
    func noise(_ distribution: String) throws {
        let columns = distribution == "two columns" ? 2 : 1
        var detector = try AnomalyDetector(
            parameters: ForestParameters(timeDecay: 100_000, mode: .library), dimensions: columns, seed: 11)
        var random = RandomSource(seed: 4, stream: 0)
        var flagged = 0
        for index in 0..<6_000 {
            let record = (0..<columns).map { _ in
                distribution == "exponential" ? -Elementary.ln(1 - random.unit()) : random.unit()
            }
            let reading = try detector.process(record, explanation: .never)
            if index >= 1_000, reading.isAnomaly { flagged += 1 }
        }
        #expect((15...100).contains(flagged), "\(flagged) of 5000")
    }

    @Test("within a shingle after an anomaly only what is strange itself is a new one")
    func shadow() throws {
        let shingle = 8
        var detector = try AnomalyDetector(
            parameters: ForestParameters(trees: 50, timeDecay: 2_560, shingleSize: shingle, mode: .library), dimensions: 1, seed: 2)
        var random = RandomSource(seed: 9, stream: 0)
        func ordinary() -> Double { random.unit() }
        for _ in 0..<1_000 { _ = try detector.process([ordinary()]) }
        #expect(try detector.process([50]).grade == 1)
        // The spike is still in the shingle: the scores stay high, the grades do not.
        for _ in 1..<shingle {
            let reading = try detector.process([ordinary()])
            #expect(reading.score > reading.threshold)
            #expect(reading.grade == 0)
        }
        for _ in 0..<200 { _ = try detector.process([ordinary()]) }
        #expect(try detector.process([50]).grade > 0)
        _ = try detector.process([ordinary()])
        // Another spike, in the other direction, within the shingle of the first.
        #expect(try detector.process([-60]).grade > 0)
    }

    @Test("an anomaly comes with the record that would have been ordinary")
    func expected() throws {
        var detector = try AnomalyDetector(
            parameters: ForestParameters(trees: 50, timeDecay: 2_560, shingleSize: 8, mode: .library), dimensions: 2, seed: 2)
        func record(_ t: Int) -> [Double] { [Double(t % 6), 100 - Double(t % 6)] }
        for t in 0..<1_000 {
            let reading = try detector.process(record(t))
            #expect(reading.expected == nil || reading.isAnomaly)
        }
        // A step of the saw that does not follow on those before it.
        #expect(try detector.process([50, 50]).expected == record(1_000))
        #expect(try detector.process([50, 50], explanation: .never).expected == nil)
    }

    @Test("a detector restored at every fifth record goes on with the same readings to the bit", arguments: [1, 5])
    func continuation(shingle: Int) throws {
        var straight = try AnomalyDetector(
            parameters: ForestParameters(trees: 8, sampleSize: 24, timeDecay: 200, shingleSize: shingle), dimensions: 2, seed: 3)
        var restored = straight
        var random = RandomSource(seed: 3, stream: 0)
        for t in 0..<600 {
            if t % 5 == 0 {
                let bytes = restored.snapshot()
                restored = try AnomalyDetector(restoring: bytes)
                #expect(restored.snapshot() == bytes)
            }
            let record = [random.unit() + (t % 41 == 0 ? 5 : 0), random.unit()]
            #expect(try straight.process(record) == restored.process(record))
        }
        #expect(straight.snapshot() == restored.snapshot())
    }

    @Test("a detector's snapshot cut short or altered is refused")
    func damaged() throws {
        var detector = try AnomalyDetector(
            parameters: ForestParameters(trees: 2, sampleSize: 10, shingleSize: 2), dimensions: 1, seed: 3)
        for t in 0..<40 { _ = try detector.process([t == 35 ? 100 : Double(t % 3)]) }
        let bytes = detector.snapshot()
        for index in bytes.indices {
            #expect(throws: ForestError.self) { try AnomalyDetector(restoring: Array(bytes[..<index])) }
            var altered = bytes
            altered[index] ^= 0x10
            #expect(throws: ForestError.self) { try AnomalyDetector(restoring: altered) }
        }
        #expect(throws: ForestError.self) { try AnomalyDetector(restoring: bytes + [0]) }
    }
}

@Suite(.enabled(if: LabelledSeries.isPresent)) struct GradesOfRealData {
    /// How many readings are anomalies, and what part of them lies in a labelled window.
    private func graded(_ name: String, _ parameters: ForestParameters) throws -> (
        anomalies: Int, hits: Int, windows: Int, found: Int
    ) {
        let series = try LabelledSeries(name)
        var detector = try AnomalyDetector(parameters: parameters, dimensions: 1, seed: 1)
        var (anomalies, hits) = (0, 0)
        var window = 0
        var found: Set<Int> = []
        for (index, value) in series.values.enumerated() {
            if series.isAnomaly[index], index == 0 || !series.isAnomaly[index - 1] { window += 1 }
            guard try detector.process([value], explanation: .never).isAnomaly else { continue }
            anomalies += 1
            if series.isAnomaly[index] {
                hits += 1
                found.insert(window)
            }
        }
        return (anomalies, hits, window, found.count)
    }

    @Test(
        "with a shingle of a day every labelled window of the taxi rides has an anomaly, and one reading in a hundred at most is one"
    )
    func taxi() throws {
        let result = try graded("nyc_taxi", ForestParameters(timeDecay: 100_000, shingleSize: 48, mode: .library))
        if AnomalyDetection.isFull { print("nyc_taxi, shingle 48: \(result)") }
        #expect(result.found == result.windows)
        #expect(result.anomalies * 100 <= 10_320)
        #expect(result.hits * 4 >= result.anomalies)
    }

    @Test("the jumps of a machine's load are found, with and without a shingle", arguments: [1, 8])
    func load(shingle: Int) throws {
        let parameters = ForestParameters(timeDecay: 100_000, shingleSize: shingle, mode: .library)
        let result = try graded("ec2_cpu_utilization_5f5533", parameters)
        if AnomalyDetection.isFull { print("ec2_cpu_utilization_5f5533, shingle \(shingle): \(result)") }
        #expect(result.found == result.windows)
        // A load that rises and falls within minutes has many odd values, but few odd courses.
        #expect(result.anomalies * (shingle == 1 ? 15 : 50) <= 4_032)
    }
}
