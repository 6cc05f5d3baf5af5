/// `millrace forest forecast`: how a table of numbers would go on.

import ArgumentParser
import ForestReport
import RandomCutForest

struct ForestForecastCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forecast", abstract: "Read one point a line (CSV), write the points that would come next.",
        discussion: """
            Writes a header and a line for each step: its number, and for each column the value with a lower and an upper bound, which a tenth of the \
            trees each go beyond. Take a shingle of about one period: it shows where in its course the stream is. With --missing skip \
            a line with a missing value (empty, NA, NULL, NaN) is passed over.

            Exit status: 1 for a line that is no point, and where there are fewer points than a shingle has.
            """)
    @OptionGroup var forest: ForestOptions
    @OptionGroup var table: TableOptions
    @OptionGroup var input: TableFile
    @Option(help: "How many points, 1...10000.") var steps = 10
    @Option(help: "What to do with lines that miss a value: refuse or skip.") var missing = MissingChoice.refuse

    func validate() throws {
        guard (1...10_000).contains(steps) else { throw ValidationError("--steps is \(steps); it must be from 1 to 10000.") }
    }

    func run() throws {
        var forecasting: ForestForecasting
        do throws(ForestError) {
            forecasting = try ForestForecasting(
                parameters: forest.parameters, seed: forest.seed, columns: table.selection, missing: missing.values)
        } catch {
            throw CommandFailure(.usage, "\(error)")
        }
        try input.forEachLine { try forecasting.learn(line: $0) }
        let lines = forecasting.forecast(steps: steps)
        guard !lines.isEmpty else {
            throw CommandFailure(
                .failed, "there are fewer points than the shingle of \(forest.shingle) has; nothing can be forecast")
        }
        for line in lines { print(line) }
    }
}
