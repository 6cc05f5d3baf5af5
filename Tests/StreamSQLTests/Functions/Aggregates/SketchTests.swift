/// The sketches of APPROX_COUNT_DISTINCT and APPROX_PERCENTILE: what they promise of their errors, their size and the order of rows.

import StreamSQL
import Testing

@Suite("Sketches")
struct SketchTests {
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private func bytes(_ word: UInt64) -> [UInt8] { withUnsafeBytes(of: word) { Array($0) } }

    @Test("counts of different values are exact up to 1,024")
    func fewAreExact() {
        var sketch = DistinctSketch()
        for value in 0..<UInt64(1024) {
            for _ in 0..<3 { sketch.add(bytes(value)) }
            #expect(sketch.count == Int64(value + 1))
        }
        #expect(sketch.byteCount == 8192)
    }

    @Test(
        "counts of many values are within 0.81 % in the mean of squares, without a bias",
        arguments: [1_100, 3_000, 12_000, 40_000, 70_000, 200_000])
    func manyAreNear(count: Int) {
        let trials = 40
        var (squares, sum) = (0.0, 0.0)
        for trial in 0..<trials {
            var numbers = Numbers(state: UInt64(trial * 1_000_003 + count))
            var sketch = DistinctSketch()
            for _ in 0..<count { sketch.add(bytes(numbers.next())) }
            let error = Double(sketch.count) / Double(count) - 1
            squares += error * error
            sum += error
            #expect(abs(error) < 0.035, "\(count) values, trial \(trial)")
            #expect(sketch.byteCount == 16_384)
        }
        // The mean of 40 trials of a standard error of 0.81 %: 1.3 times it is three deviations off.
        #expect((squares / Double(trials)).squareRoot() < 0.0106, "\(count) values")
        #expect(abs(sum / Double(trials)) < 0.0045, "\(count) values")
    }

    @Test(
        "sketches that were merged are those of all values, in whatever order, and come back from their bytes",
        arguments: [10, 900, 1500, 30_000])
    func distinctMerge(count: Int) {
        var (left, right, all, backwards) = (DistinctSketch(), DistinctSketch(), DistinctSketch(), DistinctSketch())
        for value in 0..<UInt64(count) {
            if value % 3 != 0 { left.add(bytes(value)) }
            if value % 3 != 1 { right.add(bytes(value)) }
            all.add(bytes(value))
            backwards.add(bytes(UInt64(count) - 1 - value))
        }
        left.merge(right)
        #expect(left == all)
        #expect(backwards == all)
        #expect(DistinctSketch(state: all.state[...]) == all)
    }

    // MARK: Percentiles

    private static let shapes: [(name: String, value: @Sendable (Double) -> Double)] = [
        ("uniform", { $0 * 1000 }), ("of both signs", { $0 * 200 - 100 }), ("whole", { ($0 * 50).rounded(.down) }),
        ("of a long tail", { 1 / (1 - $0 + 1e-9) }),
        ("of many magnitudes", { Double(sign: .plus, exponent: Int($0 * 60) - 30, significand: 1 + $0) }),
    ]

    @Test("percentiles are within 1/128 of the value at their place", arguments: shapes.indices)
    func percentilesAreNear(shape: Int) {
        var numbers = Numbers(state: UInt64(shape))
        var sketch = QuantileSketch()
        var values: [Double] = []
        for _ in 0..<20_000 {
            let value = Self.shapes[shape].value(Double.random(in: 0..<1, using: &numbers))
            values.append(value)
            sketch.add(value)
        }
        values.sort()
        for fraction in [0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1] {
            let place = max(1, Int((fraction * 20_000).rounded(.up)))
            let exact = values[place - 1]
            let found = sketch.value(at: fraction) ?? .nan
            #expect(abs(found - exact) <= abs(exact) / 128, "\(Self.shapes[shape].name) at \(fraction): \(found), not \(exact)")
            if fraction == 0 || fraction == 1 { #expect(found == exact) }
        }
    }

    @Test("percentile sketches are the same in whatever order, merged or not, and come back from their bytes")
    func percentileMerge() {
        var numbers = Numbers(state: 9)
        let values =
            (0..<5000).map { _ in
                Double(
                    sign: Bool.random(using: &numbers) ? .plus : .minus, exponent: Int.random(in: -900...900, using: &numbers),
                    significand: Double.random(in: 1..<2, using: &numbers))
            } + [0, -0.0, .infinity, .nan]
        var (left, right, all, backwards) = (QuantileSketch(), QuantileSketch(), QuantileSketch(), QuantileSketch())
        for (index, value) in values.enumerated() {
            if index % 2 == 0 { left.add(value) } else { right.add(value) }
            all.add(value)
            backwards.add(values[values.count - 1 - index])
        }
        // More different buckets than there may be.
        #expect(all.byteCount <= 4096 * 12 + 16)
        left.merge(right)
        #expect(left == all)
        #expect(backwards == all)
        #expect(QuantileSketch(state: all.state[...]) == all)
        #expect(QuantileSketch(state: QuantileSketch().state[...]) == QuantileSketch())
        #expect(QuantileSketch().value(at: 0.5) == nil)
        #expect(all.value(at: 1) == .infinity)
    }
}
