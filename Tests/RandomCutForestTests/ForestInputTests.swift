/// What a forest refuses, and that a refusal changes nothing.
import RandomCutForest
import Testing

@Suite struct ForestInput {
    @Test("a parameter out of range is refused by name, value and rule")
    func parameters() {
        let cases: [(ForestParameters, Int, String)] = [
            (ForestParameters(trees: 0), 1, "numberOfTrees"), (ForestParameters(trees: 1_001), 1, "numberOfTrees"),
            (ForestParameters(sampleSize: 9), 1, "subSampleSize"), (ForestParameters(sampleSize: 1_001), 1, "subSampleSize"),
            (ForestParameters(timeDecay: 0), 1, "timeDecay"), (ForestParameters(timeDecay: 1 << 31), 1, "timeDecay"),
            (ForestParameters(shingleSize: 31), 1, "shingleSize"), (ForestParameters(), 31, "columns"),
            (ForestParameters(), 0, "columns"),
            (ForestParameters(outputAfter: -1), 1, "outputAfter"),
            (ForestParameters(initialAcceptFraction: .nan), 1, "initialAcceptFraction"),
            (ForestParameters(shingleSize: 65_534, mode: .library), 2, "columns × shingleSize"),
            (
                ForestParameters(trees: 1_000, sampleSize: 32_767, shingleSize: 30, mode: .library), 1,
                "numberOfTrees × subSampleSize × columns × shingleSize"
            ),
        ]
        for (parameters, columns, name) in cases {
            do {
                _ = try RandomCutForest(parameters: parameters, dimensions: columns, seed: 0)
                Issue.record("\(name) was accepted")
            } catch {
                guard case .invalidParameter(name, _, _) = error else {
                    Issue.record("\(error), not about \(name)")
                    continue
                }
            }
        }
        #expect(
            ForestError.invalidParameter(name: "timeDecay", value: "0", rule: "it must be from 1 to 2147483647").description
                == "timeDecay is 0; it must be from 1 to 2147483647")
    }

    @Test("a sample larger than the time decay is allowed")
    func decayBelowSample() throws {
        _ = try RandomCutForest(parameters: ForestParameters(timeDecay: 120), dimensions: 1, seed: 0)
    }

    @Test(
        "a value that is not finite is refused and leaves no trace",
        arguments: [Double.nan, .infinity, -.infinity, 1.1e300, .greatestFiniteMagnitude])
    func values(_ value: Double) throws {
        var touched = try RandomCutForest(parameters: .kinesisSQL, dimensions: 2, seed: 3)
        var untouched = touched
        for t in 0..<600 {
            let record = [Double(t % 17), Double(t % 5)]
            #expect(throws: ForestError.unusableValue(column: 1, value: value)) { try touched.scoreAndLearn([1, value]) }
            #expect(throws: ForestError.unusableValue(column: 0, value: value)) { try touched.score([value, 1]) }
            #expect(try touched.scoreAndLearn(record) == untouched.scoreAndLearn(record))
        }
        #expect(throws: ForestError.wrongColumnCount(expected: 2, found: 1)) { try touched.learn([1]) }
    }

    @Test("the extremes of the range, zeros of both signs and the smallest numbers give finite scores")
    func extremes() throws {
        let values = [
            1e300, -1e300, 0.0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 1, .leastNormalMagnitude, 1e-300, 1.0.nextUp,
        ]
        var forest = try RandomCutForest(
            parameters: ForestParameters(trees: 20, sampleSize: 32, timeDecay: 40, shingleSize: 3, mode: .library), dimensions: 2,
            seed: 1)
        var random = RandomSource(seed: 4, stream: 0)
        for _ in 0..<5_000 {
            let record = [values[Int(random.next() % 10)], values[Int(random.next() % 10)]]
            let score = try forest.scoreAndLearn(record)
            #expect(score.isFinite && score >= 0)
            #expect(try forest.attribution(record).total.isFinite)
        }
    }

    @Test("a copy goes its own way")
    func copies() throws {
        var first = try RandomCutForest(parameters: ForestParameters(timeDecay: 100), dimensions: 1, seed: 3)
        for t in 0..<500 { try first.learn([Double(t % 31)]) }
        var second = first
        for t in 0..<2_000 { try second.learn([Double(1_000 + t % 7)]) }
        let before = try first.score([5])
        #expect(before < 2)
        #expect(try second.score([5]) > 4)
        var third = first
        for t in 0..<300 { #expect(try first.scoreAndLearn([Double(t % 13)]) == third.scoreAndLearn([Double(t % 13)])) }
    }
}
