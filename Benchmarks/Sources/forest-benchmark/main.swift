/// Measures the forest's speed: points per second on one core for one and ten columns, with and without a shingle.
import Glibc
import RandomCutForest

/// 10 sin(2πt/50 + j) + N(0,1) per column j, by a generator of its own so that runs are alike.
struct Wave {
    private var state: UInt64 = 42
    private var t = 0.0

    private mutating func uniform() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (Double(state >> 12) + 0.5) * 0x1p-52
    }

    mutating func next(columns: Int) -> [Double] {
        defer { t += 1 }
        return (0..<columns).map { j in
            // Twelve uniforms less six: normal enough to fill a forest.
            let noise = (0..<12).reduce(-6.0) { sum, _ in sum + uniform() }
            return 10 * sine(2 * .pi * t / 50 + Double(j)) + noise
        }
    }

    private func sine(_ x: Double) -> Double {
        let angle = x - 2 * .pi * Double(Int(x / (2 * .pi) + 0.5))
        var term = angle
        var sum = angle
        for k in 1...12 {
            term *= -angle * angle / Double(2 * k * (2 * k + 1))
            sum += term
        }
        return sum
    }
}

func rate(_ count: Int, _ work: () throws -> Void) rethrows -> Int {
    var (a, b) = (timespec(), timespec())
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a)
    try work()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b)
    return Int(Double(count) / (Double(b.tv_sec - a.tv_sec) + Double(b.tv_nsec - a.tv_nsec) * 1e-9))
}

let runs = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 3
let count = 40_000
print("columns shingle decay score+learn/s score/s attribution/s snapshot-bytes")
for (columns, shingle) in [(1, 1), (1, 8), (10, 1)] {
    for decay in [100_000, 2_560] {
        var wave = Wave()
        let parameters = ForestParameters(timeDecay: decay, shingleSize: shingle, mode: .library)
        var warm = try RandomCutForest(parameters: parameters, dimensions: columns, seed: 1)
        for _ in 0..<count { try warm.learn(wave.next(columns: columns)) }
        let points = (0..<count).map { _ in wave.next(columns: columns) }
        var best = (both: 0, score: 0, attribution: 0)
        var sum = 0.0
        for _ in 0..<runs {
            var forest = warm
            // The first change of a copy makes it independent; that is not what is measured.
            _ = try forest.scoreAndLearn(points[0])
            best.both = max(
                best.both, try rate(count - 1) { for point in points.dropFirst() { sum += try forest.scoreAndLearn(point) } })
            best.score = max(best.score, try rate(count) { for point in points { sum += try forest.score(point) } })
            best.attribution = max(
                best.attribution,
                try rate(4_000) { for point in points.prefix(4_000) { sum += try forest.attribution(point).high[0] } })
        }
        precondition(sum.isFinite)
        print(columns, shingle, decay, best.both, best.score, best.attribution, warm.snapshot().count)
    }
}
