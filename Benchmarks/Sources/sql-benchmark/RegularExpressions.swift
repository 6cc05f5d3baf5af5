/// The regular expressions of the engine over lines of logs, for `Benchmarks/run regex`, which sets those of PCRE2 and RE2 beside them.

import ArgumentParser
import StreamSQL

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `sql-benchmark regex`: millions of lines per processor second, a line a pattern.
struct Regex: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "regex")

    @Argument(help: "A file of lines.") var file: String
    @Argument(help: "Rounds; the median counts.") var rounds: Int
    @Argument(help: "The patterns.") var patterns: [String]

    func run() throws {
        guard let data = FileManager.default.contents(atPath: file) else { throw ValidationError("\(file) cannot be read") }
        let lines = data.split(separator: UInt8(ascii: "\n")).map { Array($0) }
        for pattern in patterns {
            let expression = try PatternTrial(pattern)
            var rates: [Double] = []
            var matches = 0
            for _ in 0...rounds {
                let begun = ProcessTime.seconds
                matches = lines.reduce(0) { $0 + (expression.matches($1) ? 1 : 0) }
                rates.append(Double(lines.count) / (ProcessTime.seconds - begun) / 1e6)
            }
            let median = rates.dropFirst().sorted()[rounds / 2]
            print("\(matches) \((median * 100).rounded() / 100)")
        }
    }
}
