/// `millrace forest score`: a random cut forest over lines of numbers.

import ArgumentParser
import Foundation
import RandomCutForest

struct ForestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forest", abstract: "Random cut forests over lines of numbers.", subcommands: [Score.self])

    struct Score: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read one point a line (CSV) on standard input, write one anomaly score a line.",
            discussion: "Each point is scored before it is learnt. The same seed and input give the same scores.")
        @Option(help: "Trees, 1...1000.") var trees = 100
        @Option(help: "Points each tree holds.") var sampleSize = 256
        @Option(help: "Records after which a point's weight has fallen to 1/e; 0 never forgets.") var timeDecay = 100_000
        @Option(help: "Consecutive records that make up one point.") var shingle = 1
        @Option(help: "Names the random stream.") var seed: UInt64 = 0
        @Option(help: "Numbers a line (default: as many as the first line has).") var dimensions: Int?
        @Option(help: "The scale: library, or sql for that of RANDOM_CUT_FOREST in Kinesis SQL.") var mode = Mode.library

        enum Mode: String, ExpressibleByArgument, CaseIterable, Sendable {
            case library, sql
        }

        func run() throws {
            let parameters = ForestParameters(
                trees: trees, sampleSize: sampleSize, timeDecay: timeDecay == 0 ? nil : timeDecay, shingleSize: shingle,
                mode: mode == .sql ? .kinesisSQL : .library)
            var scoring: ForestScoring
            do throws(ForestError) {
                scoring = try ForestScoring(parameters: parameters, dimensions: dimensions, seed: seed)
            } catch {
                throw CommandFailure(.usage, "\(error)")
            }
            while let line = readLine() {
                do throws(ForestScoring.LineError) {
                    print(try scoring.score(line: line))
                } catch {
                    throw CommandFailure(.failed, "\(error)")
                }
            }
        }
    }
}
