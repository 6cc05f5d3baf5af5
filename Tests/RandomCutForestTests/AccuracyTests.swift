/// Detection accuracy on three data sets of the Numenta Anomaly Benchmark, against the reference library and the SQL function itself.
///
/// The data are not part of this repository: MILLRACE_NAB_DIR names their directory, by default `../shared/data/nab` beside the package.
import Foundation
import RandomCutForest
import Testing

/// One data set: its values and which of them lie in a labelled window.
struct LabelledSeries {
    var values: [Double] = []
    var isAnomaly: [Bool] = []

    static let directory: URL = {
        if let given = ProcessInfo.processInfo.environment["MILLRACE_NAB_DIR"] { return URL(fileURLWithPath: given) }
        // Tests/RandomCutForestTests/AccuracyTests.swift lies three levels below the package.
        var package = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        for _ in 0..<3 { package.deleteLastPathComponent() }
        return package.appendingPathComponent("../shared/data/nab").standardizedFileURL
    }()

    static let isPresent: Bool = {
        let found = FileManager.default.fileExists(atPath: directory.appendingPathComponent("labels.json").path)
        if !found { print("The forest's accuracy is not tested: there are no data in \(directory.path) (MILLRACE_NAB_DIR).") }
        return found
    }()

    init(_ name: String) throws {
        let labels = try JSONDecoder().decode(
            [String: [[String]]].self, from: Data(contentsOf: Self.directory.appendingPathComponent("labels.json")))
        let windows = try #require(labels["\(name).csv"])
        let text = try String(contentsOf: Self.directory.appendingPathComponent("\(name).csv"), encoding: .utf8)
        for line in text.split(whereSeparator: \.isNewline).dropFirst() {
            let fields = line.split(separator: ",")
            let time = fields[0].prefix(19)
            values.append(try #require(Double(fields[1])))
            isAnomaly.append(windows.contains { time >= $0[0].prefix(19) && time <= $0[1].prefix(19) })
        }
    }

    /// Each value scored, then learnt.
    func scores(_ parameters: ForestParameters, seed: UInt64) throws -> [Double] {
        var forest = try RandomCutForest(parameters: parameters, dimensions: 1, seed: seed)
        return try values.map { try forest.scoreAndLearn([$0]) }
    }

    /// Area under the ROC curve, ties counting one half, and average precision over descending distinct scores.
    func accuracy(of scores: [Double], from start: Int) -> (auc: Double, precision: Double) {
        let ranked = (start..<scores.count).sorted { scores[$0] > scores[$1] }
        let positives = Double(ranked.count { isAnomaly[$0] })
        let negatives = Double(ranked.count) - positives
        var (hits, misses, area, precision) = (0.0, 0.0, 0.0, 0.0)
        var first = 0
        while first < ranked.count {
            var end = first
            var (hitsHere, missesHere) = (0.0, 0.0)
            while end < ranked.count, scores[ranked[end]] == scores[ranked[first]] {
                if isAnomaly[ranked[end]] { hitsHere += 1 } else { missesHere += 1 }
                end += 1
            }
            area += missesHere * (hits + hitsHere / 2)
            hits += hitsHere
            misses += missesHere
            precision += hitsHere / positives * hits / (hits + misses)
            first = end
        }
        return (area / (positives * negatives), precision)
    }
}

@Suite(.enabled(if: LabelledSeries.isPresent)) struct Accuracy {
    struct Cell: Sendable {
        var set: String
        var name: String
        var parameters: ForestParameters
        var auc: (mean: Double, deviation: Double)
        var precision: (mean: Double, deviation: Double)
    }

    static let p1 = ForestParameters(trees: 100, timeDecay: 100_000, shingleSize: 1, mode: .library)
    static let p2 = ForestParameters(trees: 100, timeDecay: 100_000, shingleSize: 8, mode: .library)
    static let p3 = ForestParameters(trees: 50, timeDecay: 2_560, shingleSize: 4, mode: .library)
    static let p4 = ForestParameters(trees: 100, timeDecay: 100_000, shingleSize: 48, mode: .library)

    static let cells = [
        Cell(set: "nyc_taxi", name: "P1", parameters: p1, auc: (0.556, 0.007), precision: (0.143, 0.003)),
        Cell(set: "nyc_taxi", name: "P2", parameters: p2, auc: (0.544, 0.008), precision: (0.159, 0.005)),
        Cell(set: "nyc_taxi", name: "P3", parameters: p3, auc: (0.526, 0.012), precision: (0.134, 0.004)),
        Cell(set: "nyc_taxi", name: "P4", parameters: p4, auc: (0.675, 0.009), precision: (0.363, 0.013)),
        Cell(set: "ec2_cpu_utilization_5f5533", name: "P1", parameters: p1, auc: (0.541, 0.010), precision: (0.186, 0.003)),
        Cell(set: "ec2_cpu_utilization_5f5533", name: "P2", parameters: p2, auc: (0.623, 0.007), precision: (0.387, 0.004)),
        Cell(set: "ec2_cpu_utilization_5f5533", name: "P3", parameters: p3, auc: (0.643, 0.011), precision: (0.333, 0.008)),
        Cell(set: "ec2_cpu_utilization_5f5533", name: "P4", parameters: p4, auc: (0.675, 0.007), precision: (0.462, 0.007)),
        Cell(set: "art_daily_jumpsup", name: "P1", parameters: p1, auc: (0.599, 0.005), precision: (0.420, 0.003)),
        Cell(set: "art_daily_jumpsup", name: "P2", parameters: p2, auc: (0.596, 0.005), precision: (0.402, 0.004)),
        Cell(set: "art_daily_jumpsup", name: "P3", parameters: p3, auc: (0.594, 0.005), precision: (0.349, 0.007)),
        Cell(set: "art_daily_jumpsup", name: "P4", parameters: p4, auc: (0.645, 0.002), precision: (0.510, 0.005)),
    ]

    /// Ten seeds, and what was measured printed, with MILLRACE_FULL=1; else three. The targets are means over ten seeds; a mean
    /// over fewer may lie lower by twice the standard error that it has in addition.
    static let isFull = ProcessInfo.processInfo.environment["MILLRACE_FULL"] == "1"
    static let seeds: ClosedRange<UInt64> = isFull ? 1...10 : 1...3

    private func report(_ text: @autoclosure () -> String) {
        if Self.isFull { print(text()) }
    }

    @Test("mean accuracy is no lower than one standard deviation below the reference library's in 23 of 24 cells")
    func reference() throws {
        var missed: [String] = []
        for cell in Self.cells {
            let series = try LabelledSeries(cell.set)
            let results = try Self.seeds.map {
                series.accuracy(of: try series.scores(cell.parameters, seed: $0), from: 256 + cell.parameters.shingleSize)
            }
            for (measure, target, values) in [
                ("AUC", cell.auc, results.map(\.auc)), ("AP", cell.precision, results.map(\.precision)),
            ] {
                let count = Double(values.count)
                let mean = values.reduce(0, +) / count
                let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(count - 1, 1)).squareRoot()
                let row =
                    "\(cell.set) \(cell.name) \(measure): \(String(format: "%.4f ± %.4f", mean, deviation)); "
                    + "reference \(target.mean) ± \(target.deviation)"
                report(row)
                let allowed = 1 + 2 * (1 / count - 1.0 / 10).squareRoot()
                if mean < target.mean - allowed * target.deviation { missed.append(row) }
            }
        }
        #expect(missed.count <= 1, "\(missed)")
    }

    /// What the SQL function answered in 2018, from index 256 on.
    struct Published: Sendable {
        var set: String
        var mean, percentile99, max: Double
        var points: [Int: Double]
    }

    static let published = [
        Published(
            set: "nyc_taxi", mean: 0.841, percentile99: 1.617, max: 4.69, points: [5954: 4.69, 5955: 4.04, 3261: 3.37, 8834: 2.94]),
        Published(
            set: "ec2_cpu_utilization_5f5533", mean: 0.873, percentile99: 1.986, max: 5.25,
            points: [2970: 5.25, 1271: 4.60, 2930: 3.80]),
        Published(
            set: "art_daily_jumpsup", mean: 0.849, percentile99: 2.719, max: 5.10, points: [2988: 5.10, 3001: 4.66, 2991: 4.65]),
    ]

    @Test("in SQL mode scores are those that the service gave, up to what its own seeds vary", arguments: published)
    func service(_ published: Published) throws {
        let series = try LabelledSeries(published.set)
        let seeds: ClosedRange<UInt64> = 1...5
        var scores = [Double](repeating: 0, count: series.values.count)
        for seed in seeds {
            for (index, score) in try series.scores(.kinesisSQL, seed: seed).enumerated() {
                scores[index] += score / Double(seeds.count)
            }
        }
        #expect(scores[..<256].allSatisfy { $0 == 0 })
        let judged = scores[256...].sorted()
        let mean = judged.reduce(0, +) / Double(judged.count)
        let percentile = judged[judged.count * 99 / 100]
        report("\(published.set) in SQL mode: mean \(mean), 99 % \(percentile), max \(judged.last ?? 0)")
        #expect(abs(mean - published.mean) < 0.02)
        #expect(abs(percentile - published.percentile99) < 0.1)
        #expect(abs((judged.last ?? 0) - published.max) < 0.1)
        for (index, score) in published.points {
            report("\(published.set) \(index) service \(score), here \(scores[index])")
            #expect(abs(scores[index] - score) < 0.15, "index \(index)")
        }
    }
}
