/// Missing values filled in and records forecast: as well as the reference library does, and never a trap.
import Foundation
import RandomCutForest
import Testing

@Suite struct Imputation {
    /// 10 sin(2πt/48) and normal noise of a standard deviation.
    private struct Wave {
        var random: RandomSource
        let deviation: Double

        static func exact(_ t: Int) -> Double { 10 * sin(2 * .pi * Double(t) / 48) }

        mutating func value(_ t: Int) -> Double {
            let radius = (-2 * log(random.unit())).squareRoot()
            return Self.exact(t) + deviation * radius * cos(2 * .pi * random.unit())
        }
    }

    /// Mean absolute errors against the noiseless wave: of 24 steps forecast, of one value imputed in the middle of the shingle, and of
    /// taking the last value for the forecast.
    private func errors(deviation: Double, seed: UInt64) throws -> (forecast: Double, imputed: Double, last: Double, inside: Double)
    {
        var wave = Wave(random: RandomSource(seed: 70 + seed, stream: 0), deviation: deviation)
        let parameters = ForestParameters(trees: 50, timeDecay: 2_560, shingleSize: 32, mode: .library)
        var forest = try RandomCutForest(parameters: parameters, dimensions: 1, seed: seed)
        var (forecast, imputed, last, inside, times, steps) = (0.0, 0.0, 0.0, 0, 0, 0)
        var values: [Double] = []
        for t in 0..<2_000 {
            values.append(wave.value(t))
            try forest.learn([values[t]])
            guard t >= 1_000, t % 25 == 0 else { continue }
            times += 1
            for (step, estimate) in forest.forecast(24).enumerated() {
                let exact = Wave.exact(t + 1 + step)
                forecast += abs(estimate.values[0] - exact)
                last += abs(values[t] - exact)
                #expect(estimate.lower[0] <= estimate.values[0] && estimate.values[0] <= estimate.upper[0])
                if estimate.lower[0] <= exact, exact <= estimate.upper[0] { inside += 1 }
                steps += 1
            }
            var shingle: [Double?] = values.suffix(32).map { $0 }
            shingle[16] = nil
            let whole = try #require(try forest.impute(shingle: shingle))
            imputed += abs(whole.values[16] - Wave.exact(t - 15))
            #expect(whole.values[15] == shingle[15] && whole.lower[15] == shingle[15])
        }
        return (forecast / Double(steps), imputed / Double(times), last / Double(steps), Double(inside) / Double(steps))
    }

    @Test(
        "forecasts of a noisy wave and a value imputed in it err no more than the reference library's mean and two deviations",
        arguments: [(0.0, 1e-5, 1e-5), (0.5, 0.130 + 2 * 0.007, 0.171 + 2 * 0.016), (2.0, 0.543 + 2 * 0.026, 0.664 + 2 * 0.058)])
    func wave(deviation: Double, forecast: Double, imputed: Double) throws {
        let runs = try (1...5).map { try errors(deviation: deviation, seed: $0) }
        let count = Double(runs.count)
        let mean = (
            forecast: runs.map(\.forecast).reduce(0, +) / count, imputed: runs.map(\.imputed).reduce(0, +) / count,
            last: runs.map(\.last).reduce(0, +) / count, inside: runs.map(\.inside).reduce(0, +) / count
        )
        print("forecast, noise \(deviation): \(mean)")
        #expect(mean.forecast <= forecast)
        #expect(mean.imputed <= imputed)
        #expect(mean.last > 5)
    }

    @Test("before a full shingle is learnt nothing is imputed or forecast, and afterwards every question is answered")
    func edges() throws {
        let parameters = ForestParameters(trees: 7, sampleSize: 16, timeDecay: 100, shingleSize: 3, mode: .library)
        var forest = try RandomCutForest(parameters: parameters, dimensions: 2, seed: 1)
        #expect(try forest.impute([nil, 1]) == nil)
        #expect(forest.forecast(3).isEmpty)
        for t in 0..<3 { try forest.learn([Double(t), 5]) }
        #expect(forest.forecast(2).count == 2 && forest.forecast(0).isEmpty && forest.forecast(-1).isEmpty)
        #expect(try forest.impute([nil, nil])?.values == [2, 5])
        #expect(try forest.impute([7.25, nil])?.values == [7.25, 5])
        #expect(try forest.impute([1e300, -1e300])?.values == [1e300, -1e300])
        #expect(try forest.impute(shingle: [nil, nil, nil, nil, nil, nil])?.upper == [0, 5, 1, 5, 2, 5])
        #expect(throws: ForestError.wrongColumnCount(expected: 2, found: 1)) { try forest.impute([nil]) }
        #expect(throws: ForestError.wrongColumnCount(expected: 6, found: 2)) { try forest.impute(shingle: [nil, nil]) }
        #expect(throws: ForestError.unusableValue(column: 1, value: .infinity)) { try forest.impute([nil, .infinity]) }
    }

    @Test("asking changes nothing")
    func pure() throws {
        var asked = try RandomCutForest(
            parameters: ForestParameters(trees: 10, sampleSize: 32, timeDecay: 90, shingleSize: 4), dimensions: 1, seed: 5)
        var other = asked
        var random = RandomSource(seed: 2, stream: 0)
        for _ in 0..<300 {
            let value = random.unit()
            _ = asked.forecast(2)
            _ = try asked.impute([nil])
            #expect(try asked.scoreAndLearn([value]) == other.scoreAndLearn([value]))
        }
        #expect(asked.snapshot() == other.snapshot())
    }
}
