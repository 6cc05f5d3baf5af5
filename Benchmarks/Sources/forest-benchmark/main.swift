/// Measures the random cut forest: points per second beside rrcf's, two threads beside one, live memory, allocations.
///
/// Rates of one thread are per second of processor time, so that a busy neighbour costs both sides alike; those of two threads are by the
/// clock. `Benchmarks/run forest` runs it with a Python that has rrcf.
import Foundation
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
            let noise = (-2 * log(uniform())).squareRoot() * cos(2 * .pi * uniform())
            return 10 * sin(2 * .pi * t / 50 + Double(j)) + noise
        }
    }
}

func seconds(of clock: clockid_t, _ work: () throws -> Void) rethrows -> Double {
    var (begin, end) = (timespec(), timespec())
    clock_gettime(clock, &begin)
    try work()
    clock_gettime(clock, &end)
    return Double(end.tv_sec - begin.tv_sec) + Double(end.tv_nsec - begin.tv_nsec) * 1e-9
}

/// The resident memory of this process, in bytes.
func residentBytes() -> Int {
    let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) : 0
}

func text(_ value: Double, _ width: Int) -> String { String(format: "%\(width).0f", value) }

/// The three inputs of the targets, with what each is held to.
struct Input {
    var columns: Int
    var shingle: Int
    /// How many times rrcf's rate score and update should have, and scoring alone: 2.5 times what the Java reference has.
    var bothTarget: Double
    var scoreTarget: Double
    /// The first with a decay of 2560: again 2.5 times what the Java reference has.
    var fastTarget = 0.0
    /// Half of the Java reference's heap, in MB.
    var memoryTarget: Double

    static let all = [
        Input(
            columns: 1, shingle: 1, bothTarget: 1_100, scoreTarget: 2.5 * 50_000 / 64, fastTarget: 2.5 * 24_300 / 64,
            memoryTarget: 3.1 / 2),
        Input(
            columns: 1, shingle: 8, bothTarget: 1_100, scoreTarget: 2.5 * 38_300 / 48, fastTarget: 2.5 * 13_100 / 48,
            memoryTarget: 4.6 / 2),
        Input(
            columns: 10, shingle: 1, bothTarget: 1_000, scoreTarget: 2.5 * 20_600 / 39, fastTarget: 2.5 * 12_100 / 39,
            memoryTarget: 5.6 / 2),
    ]

    func parameters(decay: Int, trees: Int = 100) -> ForestParameters {
        ForestParameters(trees: trees, timeDecay: decay, shingleSize: shingle, mode: .library)
    }

    /// A forest after `count` points and the points that come then.
    func warm(decay: Int, trees: Int = 100, count: Int, then: Int) throws -> (RandomCutForest, [[Double]]) {
        var wave = Wave()
        var forest = try RandomCutForest(parameters: parameters(decay: decay, trees: trees), dimensions: columns, seed: 1)
        for _ in 0..<count { try forest.learn(wave.next(columns: columns)) }
        return (forest, (0..<then).map { _ in wave.next(columns: columns) })
    }
}

/// rrcf's points per second of processor time, from the yardstick script, by columns and shingle; empty without it.
func rrcfRates() -> [String: Double] {
    let environment = ProcessInfo.processInfo.environment
    guard let python = environment["RRCF_PYTHON"], let script = environment["RRCF_SCRIPT"] else { return [:] }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [script, environment["RRCF_POINTS"] ?? "200"]
    let pipe = Pipe()
    process.standardOutput = pipe
    guard (try? process.run()) != nil else { return [:] }
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    var rates: [String: Double] = [:]
    for line in output.split(separator: "\n") {
        let fields = line.split(separator: " ")
        if fields.count == 3 { rates["\(fields[0])x\(fields[1])"] = Double(fields[2]) }
    }
    return rates
}

func speed(rounds: Int) throws {
    let rrcf = rrcfRates()
    let count = 40_000
    print(
        "Points per second of processor time, one thread, 100 trees x 256, best of \(rounds); in brackets times rrcf (and the target)."
    )
    print(
        "rrcf 0.4.4, the same input, a window of 256: \(rrcf.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", "))"
    )
    for input in Input.all {
        for decay in [100_000, 2_560] {
            let (warm, points) = try input.warm(decay: decay, count: count, then: count)
            let memory = Double(warm.memory) / 1e6
            var (both, score, explained) = (0.0, 0.0, 0.0)
            var sum = 0.0
            for _ in 0..<rounds {
                var forest = warm
                // The first change of a copy makes it independent; that is not what is measured.
                sum += try forest.scoreAndLearn(points[0])
                both = max(
                    both,
                    Double(count - 1)
                        / (try seconds(of: CLOCK_THREAD_CPUTIME_ID) {
                            for point in points.dropFirst() { sum += try forest.scoreAndLearn(point) }
                        }))
                score = max(
                    score,
                    Double(count / 2)
                        / (try seconds(of: CLOCK_THREAD_CPUTIME_ID) {
                            for point in points.prefix(count / 2) { sum += try forest.score(point) }
                        }))
                explained = max(
                    explained,
                    4_000
                        / (try seconds(of: CLOCK_THREAD_CPUTIME_ID) {
                            for point in points.prefix(4_000) {
                                sum += try forest.explainAndLearn(point).high[0]
                            }
                        }))
            }
            precondition(sum.isFinite)
            let yardstick = rrcf["\(input.columns)x\(input.shingle)"]
            func ratio(_ rate: Double, _ target: Double) -> String {
                yardstick.map { String(format: "(%.0fx, target %.0f)", rate / $0, target) } ?? ""
            }
            print(
                "\(input.columns) column(s), shingle \(input.shingle), decay \(decay): score+update", text(both, 7),
                ratio(both, decay == 100_000 ? input.bothTarget : input.fastTarget), " score", text(score, 7),
                ratio(score, input.scoreTarget), " explained+update", text(explained, 7),
                String(format: "(%.2f of score+update, target 0.33)", explained / both))
            print(
                String(
                    format: "    memory %.2f MB (target below %.2f), state %.2f MB", memory, input.memoryTarget,
                    Double(warm.snapshot().count) / 1e6))
        }
    }
}

func threads(rounds: Int) throws {
    print("Two threads on one forest, points per second by the clock, score+update, best of \(rounds):")
    for (trees, columns, count) in [(1_000, 1, 4_000), (1_000, 10, 2_000), (100, 10, 10_000), (100, 1, 20_000), (10, 1, 100_000)] {
        let input = Input(columns: columns, shingle: 1, bothTarget: 0, scoreTarget: 0, memoryTarget: 0)
        let (warm, points) = try input.warm(decay: 100_000, trees: trees, count: 3_000, then: count)
        var rates = [0.0, 0.0]
        for _ in 0..<rounds {
            for threads in [1, 2] {
                var forest = warm
                forest.threads = threads
                var sum = try forest.scoreAndLearn(points[0])
                let taken = try seconds(of: CLOCK_MONOTONIC) { for point in points { sum += try forest.scoreAndLearn(point) } }
                precondition(sum.isFinite)
                rates[threads - 1] = max(rates[threads - 1], Double(count) / taken)
            }
        }
        print(
            "  \(trees) trees, \(columns) column(s):", text(rates[0], 8), "->", text(rates[1], 8),
            String(format: "(%.2fx)", rates[1] / rates[0]))
    }
}

func memory() throws {
    let count = 10_000
    let before = residentBytes()
    let parameters = ForestParameters(trees: 50, sampleSize: 64, timeDecay: 640, mode: .library)
    var wave = Wave()
    let points = (0..<100).map { _ in wave.next(columns: 1) }
    var forests: [RandomCutForest] = []
    for number in 0..<count {
        var forest = try RandomCutForest(parameters: parameters, dimensions: 1, seed: UInt64(number))
        for point in points { try forest.learn(point) }
        forests.append(forest)
    }
    print(
        String(
            format:
                "%d forests of 50 trees x 64, 1 column, full: %.2f GB resident (target below 1.5), %.2f GB by their own account",
            count, Double(residentBytes() - before) / 1e9, Double(forests.reduce(0) { $0 + $1.memory }) / 1e9))
}

/// What the profile counts: all before is warm-up.
@inline(never)
func measuredPoints(_ forest: inout RandomCutForest, _ points: [[Double]]) throws {
    for point in points { _ = try forest.scoreAndLearn(point) }
}

func profile() throws {
    // Few points, for a simulated processor is some fifty times slower.
    for input in Input.all {
        var (forest, points) = try input.warm(decay: 2_560, count: 3_000, then: 300)
        try measuredPoints(&forest, points)
    }
}

let arguments = CommandLine.arguments.dropFirst()
let rounds = arguments.compactMap { Int($0) }.first ?? 3
let parts = arguments.filter { Int($0) == nil }
for part in parts.isEmpty ? ["speed", "threads", "memory"] : Array(parts) {
    switch part {
    case "speed": try speed(rounds: rounds)
    case "threads": try threads(rounds: rounds)
    case "memory": try memory()
    case "profile": try profile()
    default: print("there is no part \(part): speed, threads, memory, profile")
    }
}
