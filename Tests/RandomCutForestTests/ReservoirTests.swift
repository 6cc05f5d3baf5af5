/// The sample keeps each point with the probability that its age gives it.
import RandomCutForest
import Testing

@Suite struct ReservoirDistribution {
    /// How often each age was sampled after `points` offers, over all `reservoirs`; and the share of offers accepted in the last half.
    private func run(timeDecay: Double?, points: Int, reservoirs: Int) -> (ages: [Int], acceptance: Double) {
        let rate = timeDecay.map { 1 / $0 } ?? 0
        var ages = [Int](repeating: 0, count: points)
        var accepted = 0
        for number in 0..<reservoirs {
            var random = RandomSource(seed: 7, stream: UInt64(number))
            var sample = Reservoir(capacity: 256)
            // Which point each leaf stands for.
            var times: [Int] = []
            for t in 0..<points where sample.next == t {
                let decay = rate * Double(t)
                let key = sample.drawKey(decay: decay, random: &random)
                if sample.isFull {
                    let leaf = sample.leaving
                    #expect(key <= sample.key(at: 0) + 1e-9)
                    times[Int(leaf)] = t
                    sample.replaceLeaving(key: key, leaf: leaf)
                } else {
                    sample.append(key: key, leaf: UInt16(times.count))
                    times.append(t)
                }
                sample.schedule(from: t + 1, decay: decay + rate, rate: rate, random: &random)
                if t >= points / 2 { accepted += 1 }
            }
            for index in 0..<sample.count { ages[points - 1 - times[Int(sample.leaf(at: index))]] += 1 }
        }
        return (ages, Double(accepted) / Double(reservoirs * (points - points / 2)))
    }

    private func expect(_ ages: [Int], _ range: Range<Int>, reservoirs: Int, share: Double) {
        let chances = Double(range.count * reservoirs)
        let found = Double(ages[range].reduce(0, +)) / chances
        // Four standard errors, and the rounding of the published share.
        #expect(
            abs(found - share) < 4 * (share * (1 - share) / chances).squareRoot() + 0.000_6, "ages \(range): \(found), not \(share)"
        )
    }

    private func meanAge(_ ages: [Int]) -> Double {
        Double(ages.enumerated().reduce(0) { $0 + $1.offset * $1.element }) / Double(ages.reduce(0, +))
    }

    @Test("without decay every point is sampled alike")
    func uniform() {
        let (ages, _) = run(timeDecay: nil, points: 2_560, reservoirs: 1_000)
        for start in stride(from: 0, to: 2_560, by: 256) { expect(ages, start..<(start + 256), reservoirs: 1_000, share: 0.1) }
    }

    @Test("with a decay of ten samples the steady state is the exact one")
    func slow() {
        let (ages, acceptance) = run(timeDecay: 2_560, points: 40_000, reservoirs: 200)
        #expect(abs(acceptance - 0.0975) < 0.002)
        #expect(abs(meanAge(ages) / 2_592 - 1) < 0.03)
        for (range, share) in [
            (0..<400, 0.0906), (400..<800, 0.0780), (800..<1_600, 0.0624), (1_600..<3_200, 0.0400), (3_200..<6_400, 0.0166),
        ] {
            expect(ages, range, reservoirs: 200, share: share)
        }
    }

    @Test("with a decay shorter than the sample nearly every point enters and few stay long")
    func fast() {
        let (ages, acceptance) = run(timeDecay: 120, points: 4_000, reservoirs: 400)
        #expect(abs(acceptance - 0.991) < 0.002)
        #expect(abs(meanAge(ages) / 174 - 1) < 0.03)
        for (range, share) in [(0..<50, 0.977), (50..<100, 0.919), (100..<200, 0.740), (200..<400, 0.341), (400..<800, 0.047)] {
            expect(ages, range, reservoirs: 400, share: share)
        }
    }

    @Test("acceptance falls linearly once the initial fraction is filled")
    func initialFraction() {
        var random = RandomSource(seed: 3, stream: 0)
        var offersToFill = 0
        for _ in 0..<100 {
            var sample = Reservoir(capacity: 100, acceptFraction: 0.5)
            var t = 0
            while !sample.isFull {
                if sample.count < 50 { #expect(sample.next == t) }
                t = sample.next
                sample.append(key: sample.drawKey(decay: 0, random: &random), leaf: 0)
                sample.schedule(from: t + 1, decay: 0, rate: 0, random: &random)
                t += 1
            }
            offersToFill += t - 50
        }
        // Expected offers: 50 · (1 + 1/2 + … + 1/50) = 225.
        #expect(abs(Double(offersToFill) / 100 - 225) < 26)
    }
}
