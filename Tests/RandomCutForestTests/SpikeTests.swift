/// Five devices with one reading each per second: spikes stand out, ordinary readings do not, in both modes.
import Foundation
import RandomCutForest
import Testing

@Suite struct Spikes {
    /// One judged reading (index >= 300).
    struct Judged {
        var score: Double
        var isSpike: Bool
        /// Whether no spike of the same sign is among the 400 readings before it.
        var isAlone: Bool
    }

    /// All ten seeds, and what was measured printed, with MILLRACE_FULL=1; else three.
    static let isFull = ProcessInfo.processInfo.environment["MILLRACE_FULL"] == "1"
    static let seeds: ClosedRange<UInt64> = isFull ? 1...10 : 1...3

    /// The scores of 20,000 readings per seed in both modes, from one forest: the modes read the same trees.
    private func readings(timeDecay: Int, oneIn odds: UInt64, seeds: ClosedRange<UInt64>) throws -> [ScoreMode: [Judged]] {
        var judged: [ScoreMode: [Judged]] = [:]
        for seed in seeds {
            var random = RandomSource(seed: 1_000 + seed, stream: 0)
            var forest = try RandomCutForest(parameters: ForestParameters(timeDecay: timeDecay), dimensions: 1, seed: seed)
            var lastSpike = [-1: -1_000, 1: -1_000]
            for t in 0..<20_000 {
                var value = Int(random.next() % 11) - 5
                let isSpike = t >= 300 && random.next() % odds == 0
                var isAlone = false
                if isSpike {
                    let sign = random.next() % 2 == 0 ? 1 : -1
                    value = sign * Int(400 + random.next() % 101)
                    isAlone = t - lastSpike[sign, default: 0] > 400
                    lastSpike[sign] = t
                }
                if t >= 300 {
                    for mode in [ScoreMode.library, .kinesisSQL] {
                        let score = try forest.score([Double(value)], mode: mode)
                        judged[mode, default: []].append(Judged(score: score, isSpike: isSpike, isAlone: isAlone))
                    }
                }
                try forest.learn([Double(value)])
            }
        }
        return judged
    }

    private func report(_ text: @autoclosure () -> String) {
        if Self.isFull { print(text()) }
    }

    @Test("with a time decay of 120 every reading falls on its side of 1.5 and a lone spike scores above 4")
    func fastDecay() throws {
        for (mode, judged) in try readings(timeDecay: 120, oneIn: 200, seeds: Self.seeds) {
            let ordinary = judged.filter { !$0.isSpike }.map(\.score)
            let spikes = judged.filter(\.isSpike)
            let lone = spikes.filter(\.isAlone).map(\.score)
            let above = Double(spikes.count { $0.score > 4 }) / Double(spikes.count)
            report(
                "spikes, \(mode): ordinary max \(ordinary.max() ?? 0), \(spikes.count) spikes min \(spikes.map(\.score).min() ?? 0), "
                    + "\(lone.count) lone min \(lone.min() ?? 0), above 4: \(above), at most 2: \(spikes.count { $0.score <= 2 })")
            #expect(ordinary.allSatisfy { $0 <= 1.5 })
            #expect(spikes.allSatisfy { $0.score > 1.5 })
            #expect(spikes.count { $0.score <= 2 } * 300 <= max(spikes.count, 300))
            #expect(!lone.isEmpty && lone.allSatisfy { $0 > 4 })
            #expect(above >= 0.7)
        }
    }

    @Test("with the default time decay nearly every spike scores above 4")
    func slowDecay() throws {
        for (mode, judged) in try readings(timeDecay: 100_000, oneIn: 200, seeds: Self.seeds) {
            let spikes = judged.filter(\.isSpike).map(\.score)
            let above = spikes.count { $0 > 4 }
            report("spikes, \(mode), decay 100000: \(above) of \(spikes.count) above 4")
            #expect(Double(above) >= 0.98 * Double(spikes.count))
        }
    }
}
